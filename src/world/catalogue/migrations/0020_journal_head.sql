-- The end of the journal of an archive that several processes append to. They need PostgreSQL, so
-- this file has nothing; it keeps the versions of both engines the same.
SELECT 1;
