-- Every decision about a link, also those that are no longer in force.

CREATE TABLE decision_history (
    id       INTEGER PRIMARY KEY,
    course   TEXT NOT NULL,
    link     INTEGER NOT NULL REFERENCES link (id),
    at       TEXT NOT NULL,
    -- NULL if the decision was withdrawn.
    decision TEXT,
    UNIQUE (course, link, at)
);
INSERT INTO decision_history (course, link, at, decision)
SELECT course, link, at, decision FROM decision WHERE NOT (lapsed AND decision IS NULL) ORDER BY id;
