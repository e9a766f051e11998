-- Which worker made a visit, and the fence of its lease: of two visits of a link in one night,
-- that with the higher fence counts. Without workers the fence is 0.
--
-- The tables of leases are only in PostgreSQL, which several processes can share.

ALTER TABLE visit ADD COLUMN worker TEXT;
ALTER TABLE visit ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
