-- Nights are in the order of their ids, whatever the clock said. A capture belongs to a
-- night, and a night that a person withdrew counts for nothing.

ALTER TABLE capture ADD COLUMN night INTEGER REFERENCES night (id);
UPDATE capture SET night =
    (SELECT id FROM night WHERE started <= capture.captured_at ORDER BY started DESC LIMIT 1);
ALTER TABLE night ADD COLUMN is_withdrawn INTEGER NOT NULL DEFAULT 0;
