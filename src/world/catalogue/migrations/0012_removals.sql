-- Bodies that a takedown removed. A removal is finished once the file, the text and every
-- trace of it in the write-ahead log are gone.

CREATE TABLE removal (
    sha256      TEXT PRIMARY KEY,
    is_finished INTEGER NOT NULL
) WITHOUT ROWID;
