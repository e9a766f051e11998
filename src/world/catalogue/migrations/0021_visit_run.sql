-- Visits of old nights: those of a link in a row with equal evidence are one row. Those of the
-- newest nights are rows of the table visit.

CREATE TABLE visit_run (
    link        INTEGER NOT NULL REFERENCES link (id),
    first_night INTEGER NOT NULL REFERENCES night (id),
    last_night  INTEGER NOT NULL REFERENCES night (id),
    -- The nights and times of the visits before the last one, in Base64 VLQ.
    earlier     TEXT NOT NULL,
    -- The evidence of the last visit.
    evidence    TEXT NOT NULL,
    PRIMARY KEY (link, first_night)
);

-- The few nights whose visits do not count, or not yet.
CREATE INDEX night_not_counted ON night (id) WHERE void IS NOT NULL OR is_withdrawn OR finished IS NULL;
