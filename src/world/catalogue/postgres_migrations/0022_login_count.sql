-- The recent attempts to log in with a password, counted for all web processes together.
CREATE TABLE login_count (
    -- The digest of what is counted: a browser, a network or a course.
    counter TEXT COLLATE "C" PRIMARY KEY,
    counts  TEXT COLLATE "C" NOT NULL,
    -- The time of the last attempt; older rows are deleted.
    last    TEXT COLLATE "C" NOT NULL
);
CREATE INDEX login_count_last ON login_count (last);
