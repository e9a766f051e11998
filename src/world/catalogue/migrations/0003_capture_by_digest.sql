-- A document is asked for by its digest.

CREATE INDEX capture_by_digest ON capture (sha256);
