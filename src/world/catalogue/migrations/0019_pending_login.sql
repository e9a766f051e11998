-- Logins that were redirected to the identity provider and have not come back. Any process that
-- serves pages completes them. The secrets of a login are only in the cookie of its browser.
--
-- The tables of several processes are only in PostgreSQL.

CREATE TABLE pending_login (
    -- A digest, as that of the browser's secret.
    state      TEXT PRIMARY KEY,
    course     TEXT NOT NULL,
    -- The page to go to after the login.
    next       TEXT NOT NULL,
    browser    TEXT NOT NULL,
    -- The network that started it.
    client     TEXT NOT NULL,
    started_at TEXT NOT NULL
);
