-- When the bytes of a copy were last hashed again, and whether they were still
-- the same. Lost with the catalogue, it is found anew within a month of nights.

CREATE TABLE fixity (
    sha256      TEXT PRIMARY KEY,
    verified_at TEXT NOT NULL,
    is_sound    INTEGER NOT NULL
) WITHOUT ROWID;
