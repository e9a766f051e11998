-- Each transaction with texts adds a segment to the full-text index. Sixteen segments of a
-- level are merged into one, not four, so that a night writes each word fewer times. Searches
-- take as long.
INSERT INTO passage_index (passage_index, rank) VALUES ('automerge', 16);
