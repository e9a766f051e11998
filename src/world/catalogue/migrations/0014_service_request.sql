-- What other processes and the pages ask of the running service.

CREATE TABLE service_request (
    id           INTEGER PRIMARY KEY,
    -- The course to check; NULL to read the configuration again.
    course       TEXT,
    requested_at TEXT NOT NULL,
    -- NULL until the service begins.
    taken_at     TEXT,
    ended_at     TEXT,
    -- Why it failed; NULL for success.
    error        TEXT
);
