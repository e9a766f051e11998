-- What was last found to stand in for a dead link, and when it was searched for.

CREATE TABLE replacement (
    link      INTEGER PRIMARY KEY REFERENCES link (id),
    sought_at TEXT NOT NULL,
    -- NULL where nothing was found.
    found     TEXT
);

-- The same text under another address.
CREATE INDEX capture_by_text ON capture (json_extract(kept, '$.text.digest'));
