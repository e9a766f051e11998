-- The end of the journal of an archive in a bucket, which several processes append to. It has one
-- row, which is written with the rows of the last lines.
CREATE TABLE journal_head (
    id     BIGINT PRIMARY KEY CHECK (id = 1),
    -- The number and the digest of the last line.
    number BIGINT NOT NULL,
    sum    TEXT COLLATE "C" NOT NULL,
    -- The start of the server on which it was written, in microseconds since the epoch.
    server BIGINT NOT NULL
);

-- Segments of the journal that were named before they were written, and that do not count.
CREATE TABLE pending_segment (
    segment TEXT COLLATE "C" PRIMARY KEY
);

-- Who stores and removes captures alone. It has one row.
CREATE TABLE capture_lock (
    id             BIGINT PRIMARY KEY CHECK (id = 1),
    -- How often it was taken.
    turn           BIGINT NOT NULL,
    holder         TEXT COLLATE "C" NOT NULL,
    -- Whether workers may store visits beside the holder, which is a night then.
    admits_workers BOOLEAN NOT NULL,
    locked_until   TIMESTAMPTZ NOT NULL
);
INSERT INTO capture_lock VALUES (1, 0, '', TRUE, '-infinity');
