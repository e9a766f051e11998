-- What a takedown removed is not expected in the archive. A copy that is not sound is
-- altered or missing.

ALTER TABLE capture ADD COLUMN is_removed INTEGER NOT NULL DEFAULT 0;
UPDATE capture SET is_removed = 1 WHERE EXISTS
    (SELECT 1 FROM takedown WHERE takedown.link = capture.link AND takedown.at >= capture.captured_at);
ALTER TABLE fixity ADD COLUMN loss TEXT;
UPDATE fixity SET loss = 'missing' WHERE NOT is_sound;
CREATE INDEX fixity_unsound ON fixity (sha256) WHERE NOT is_sound;
