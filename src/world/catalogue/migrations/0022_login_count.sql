-- The counts of wrong passwords are only in PostgreSQL, which several web processes can share. This
-- file has nothing; it keeps the versions of both engines the same.
SELECT 1;
