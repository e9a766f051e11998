-- The last night of each course by its schedule, so that one that was missed or
-- cut short is known after a restart. A course that was never run stands here
-- from when it was first seen. It is not in the journal: without it nothing is
-- lost but the memory of what was missed.
CREATE TABLE course_night (
    course  TEXT PRIMARY KEY,
    at      TEXT NOT NULL,
    is_over INTEGER NOT NULL
);
