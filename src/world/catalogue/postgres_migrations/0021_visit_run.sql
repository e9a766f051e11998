CREATE TABLE visit_run (
    link        BIGINT NOT NULL REFERENCES link (id),
    first_night BIGINT NOT NULL REFERENCES night (id),
    last_night  BIGINT NOT NULL REFERENCES night (id),
    earlier     TEXT COLLATE "C" NOT NULL,
    evidence    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (link, first_night)
);
CREATE INDEX night_not_counted ON night (id) WHERE void IS NOT NULL OR is_withdrawn OR finished IS NULL;
