-- Letters to readers: queued with the events they tell, told once a relay took them.

CREATE TABLE letter (
    id            INTEGER PRIMARY KEY,
    course        TEXT NOT NULL REFERENCES course (id),
    recipient     TEXT NOT NULL,
    night         INTEGER NOT NULL REFERENCES night (id),
    -- It tells the events of the nights from this one to `night`: earlier
    -- than `night` where it stands in for letters that were never told.
    first_night   INTEGER NOT NULL REFERENCES night (id),
    occasion      TEXT NOT NULL,
    -- waiting, told, superseded (by a later letter), refused, expired
    state         TEXT NOT NULL,
    queued_at     TEXT NOT NULL,
    -- What it tells; empty once it is told or superseded.
    content       TEXT,
    tries         INTEGER NOT NULL DEFAULT 0,
    next_try      TEXT NOT NULL,
    -- Sent whole without an answer: the reader may have it, so it is tried
    -- again as it is, never made part of another.
    is_unanswered INTEGER NOT NULL DEFAULT 0,
    ended_at      TEXT,
    -- What the relay said last.
    answer        TEXT,
    UNIQUE (course, night, recipient)
);
CREATE INDEX letter_of_reader ON letter (course, recipient, state);
CREATE INDEX letter_by_state ON letter (state, next_try);
