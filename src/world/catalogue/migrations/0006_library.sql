-- The words of documents, to be found by readers. Derived from the blobs.

CREATE TABLE document_text (
    id         INTEGER PRIMARY KEY,
    sha256     TEXT NOT NULL UNIQUE,
    -- The version of the extraction that read it.
    extraction INTEGER NOT NULL
);

-- In the order of reading.
CREATE TABLE passage (
    id       INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES document_text (id) ON DELETE CASCADE,
    page     INTEGER,
    text     TEXT NOT NULL
);
CREATE INDEX passage_of_document ON passage (document);

CREATE VIRTUAL TABLE passage_index USING fts5 (
    text, content = 'passage', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
-- What is removed leaves nothing of itself in the index.
INSERT INTO passage_index (passage_index, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER passage_enters AFTER INSERT ON passage BEGIN
    INSERT INTO passage_index (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER passage_leaves AFTER DELETE ON passage BEGIN
    INSERT INTO passage_index (passage_index, rowid, text) VALUES ('delete', old.id, old.text);
END;

-- Links whose owners asked us to stop. One that was taken back keeps its row,
-- so that the number of rows and of those taken back tells every change.
CREATE TABLE takedown (
    id        INTEGER PRIMARY KEY,
    link      INTEGER NOT NULL REFERENCES link (id),
    at        TEXT NOT NULL,
    undone_at TEXT,
    UNIQUE (link, at)
);
