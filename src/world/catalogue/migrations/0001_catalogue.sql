-- An index over the journal. Values that SQL need not look into are JSON.

CREATE TABLE night (
    id       INTEGER PRIMARY KEY,
    started  TEXT NOT NULL UNIQUE,
    finished TEXT,
    void     TEXT,
    requests INTEGER NOT NULL DEFAULT 0,
    bytes    INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE link (
    id      INTEGER PRIMARY KEY,
    address TEXT NOT NULL UNIQUE
);

-- One row per link and night.
CREATE TABLE visit (
    link     INTEGER NOT NULL REFERENCES link (id),
    night    INTEGER NOT NULL REFERENCES night (id),
    evidence TEXT NOT NULL,
    PRIMARY KEY (link, night)
);
CREATE INDEX visit_of_night ON visit (night);

CREATE TABLE capture (
    id          INTEGER PRIMARY KEY,
    link        INTEGER NOT NULL REFERENCES link (id),
    sha256      TEXT NOT NULL,
    captured_at TEXT NOT NULL,
    kept        TEXT NOT NULL,
    UNIQUE (link, sha256, captured_at)
);

-- What each link is compared with.
CREATE TABLE baseline (
    link        INTEGER PRIMARY KEY REFERENCES link (id),
    capture     INTEGER NOT NULL REFERENCES capture (id),
    accepted_at TEXT NOT NULL
);

-- What is believed of each link now.
CREATE TABLE verdict (
    link    INTEGER PRIMARY KEY REFERENCES link (id),
    verdict TEXT NOT NULL
);

CREATE TABLE course (
    id    TEXT PRIMARY KEY,
    title TEXT NOT NULL
);

-- The last reading of each page of a course.
CREATE TABLE reading (
    course TEXT NOT NULL REFERENCES course (id),
    source TEXT NOT NULL,
    at     TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    page   TEXT NOT NULL,
    PRIMARY KEY (course, source)
);

-- Changes of state, kept until they are told and after.
CREATE TABLE event (
    id       INTEGER PRIMARY KEY,
    course   TEXT NOT NULL REFERENCES course (id),
    night    INTEGER NOT NULL REFERENCES night (id),
    link     INTEGER NOT NULL REFERENCES link (id),
    event    TEXT NOT NULL,
    UNIQUE (course, night, link)
);

-- The report of each course and night, as values, so that it can be shown again.
CREATE TABLE report (
    course TEXT NOT NULL REFERENCES course (id),
    night  INTEGER NOT NULL REFERENCES night (id),
    report TEXT NOT NULL,
    PRIMARY KEY (course, night)
);
