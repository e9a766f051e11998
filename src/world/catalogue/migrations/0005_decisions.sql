-- What was decided of links, and by whom letters are not wanted. Both stand in
-- the journal.

-- The newest decision on a link of a course. One that was taken back stays as an
-- empty row, so that the highest id tells whether anything was decided since.
CREATE TABLE decision (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    course   TEXT NOT NULL,
    link     INTEGER NOT NULL REFERENCES link (id),
    at       TEXT NOT NULL,
    decision TEXT,
    -- The result is another one now: it is told again, whatever was decided.
    lapsed   INTEGER NOT NULL DEFAULT 0,
    UNIQUE (course, link)
);

-- Readers who want no more letters of a course.
CREATE TABLE stopped (
    course TEXT NOT NULL,
    reader TEXT NOT NULL,
    at     TEXT NOT NULL,
    PRIMARY KEY (course, reader)
);
