-- The secret addresses of calendars and feeds: digests of their tokens, never the tokens.

CREATE TABLE feed_token (
    token    TEXT PRIMARY KEY,
    course   TEXT NOT NULL,
    -- A digest of who may read the course: other readers need other addresses.
    basis    TEXT NOT NULL,
    given_at TEXT NOT NULL,
    until    TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX feed_token_of_course ON feed_token (course, given_at);
