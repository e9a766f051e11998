-- Who is signed in. Only digests of the tokens are here, so nobody can become
-- another by reading this. It is not in the journal: without it nothing is lost
-- but that everybody signs in again.
CREATE TABLE session (
    token       TEXT PRIMARY KEY,
    -- All tokens that one sign-in was given, one after the other.
    family      TEXT NOT NULL,
    course      TEXT NOT NULL,
    role        TEXT NOT NULL,
    -- The digest of the password's hash: a new password ends the sessions of the old one.
    password    TEXT NOT NULL,
    given_at    TEXT NOT NULL,
    until       TEXT NOT NULL,
    replaced_at TEXT
);
CREATE INDEX session_of_family ON session (family);
CREATE INDEX session_by_end ON session (until);
