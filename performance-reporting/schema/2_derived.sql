-- Sums that are kept for the reports; docs/aggregates.md explains the method. They are correct for the records up to an
-- id, in the snapshot of the last fold. Records with a higher id are read directly. The notes have the later changes of
-- records up to that id.
CREATE TABLE IF NOT EXISTS performance_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    upto bigint NOT NULL DEFAULT -9223372036854775808,
    notes_from bigint NOT NULL DEFAULT 0 -- notes with a lower number are folded
) WITH (fillfactor = 50);
-- grant: SELECT ON performance_state
INSERT INTO performance_state DEFAULT VALUES ON CONFLICT DO NOTHING;

-- A change of a record up to this id leaves a note. It is a sequence, because everybody sees the last value of a
-- sequence, no matter how old their snapshot is.
CREATE SEQUENCE IF NOT EXISTS performance_noted_upto MINVALUE -9223372036854775808;

CREATE TABLE IF NOT EXISTS performance_notes (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sign smallint NOT NULL, -- 1: the record was added, -1: it was removed
    id bigint NOT NULL,
    user_id varchar,
    lab_type varchar,
    completion_time integer,
    success boolean,
    errors json,
    timestamp timestamptz
);
-- grant: SELECT ON performance_notes
-- grant: SELECT ON SEQUENCE performance_notes_n_seq

CREATE TABLE IF NOT EXISTS performance_labs (
    lab_type text COLLATE "C" PRIMARY KEY,
    attempts bigint NOT NULL,
    successes bigint NOT NULL,
    seconds bigint NOT NULL,
    timed bigint NOT NULL, -- records that have a completion time
    users bigint NOT NULL
) WITH (fillfactor = 50); -- room to update in place

-- The number by which a pair of names is looked up: it is short, and an index cannot hold two names of any length.
CREATE OR REPLACE FUNCTION performance_key(lab text, name text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended(name, hashtextextended(lab, 0))
$$;

-- The learners: users with records in a lab type, and what they did in it up to their first success, in the order of
-- time and id. A record without a time comes before all others.
CREATE TABLE IF NOT EXISTS performance_learners (
    lab_type text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL, -- time of the first success, or of the last record if there is no success
    solved bigint, -- id of the first success
    tries bigint NOT NULL, -- number of records up to the first success, or of all if there is none
    seconds bigint -- completion time of these records together; null if none has a time
) WITH (fillfactor = 90); -- room to update in place
CREATE INDEX IF NOT EXISTS performance_learners_key ON performance_learners (performance_key(lab_type, user_id));

-- Sums of the learners of a lab type; and the number of learners who took so many seconds up to their first success.
CREATE TABLE IF NOT EXISTS performance_outcomes (
    lab_type text COLLATE "C" PRIMARY KEY,
    users bigint NOT NULL,
    solved bigint NOT NULL, -- users who succeeded
    solved_first bigint NOT NULL, -- users who succeeded with their first record
    tries bigint NOT NULL -- records up to the first success, of the users who succeeded
) WITH (fillfactor = 50);
-- grant: SELECT ON performance_outcomes
-- grant: SELECT ON performance_learners
-- grant: SELECT ON performance_labs
CREATE TABLE IF NOT EXISTS performance_solutions (
    lab_type text COLLATE "C",
    seconds bigint,
    users bigint NOT NULL,
    PRIMARY KEY (lab_type, seconds)
) WITH (fillfactor = 70);
-- grant: SELECT ON performance_solutions

CREATE TABLE IF NOT EXISTS performance_errors (
    lab_type text COLLATE "C" NOT NULL,
    error text COLLATE "C" NOT NULL,
    times bigint NOT NULL,
    first bigint[] NOT NULL -- the id of the first record with the error, and the position in its list
);
-- grant: SELECT ON performance_errors
CREATE INDEX IF NOT EXISTS performance_errors_key ON performance_errors (performance_key(lab_type, error));
CREATE INDEX IF NOT EXISTS performance_errors_most ON performance_errors (lab_type, times DESC, first);

-- Only users with many records have rows here. Each user has an id of its own up to which the sums are correct.
CREATE TABLE IF NOT EXISTS performance_users (
    user_id text COLLATE "C" NOT NULL,
    upto bigint NOT NULL,
    lab_type text COLLATE "C",
    attempts bigint NOT NULL,
    successes bigint NOT NULL,
    seconds bigint NOT NULL,
    timed bigint NOT NULL,
    last timestamptz
);
-- grant: SELECT ON performance_users
CREATE INDEX IF NOT EXISTS performance_users_user_id ON performance_users (user_id);

-- Leaves notes about what a statement did to records that may be folded already. New records have higher ids, so they
-- almost never leave a note.
CREATE OR REPLACE FUNCTION performance_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    upto bigint := pg_sequence_last_value('performance_noted_upto');
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO performance_notes (sign, id, user_id, lab_type, completion_time, success, errors, timestamp)
        SELECT -1, id, user_id, lab_type, completion_time, success, errors, timestamp FROM gone WHERE id <= upto;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        IF EXISTS (SELECT FROM came WHERE id <= upto) THEN
            INSERT INTO performance_notes (sign, id, user_id, lab_type, completion_time, success, errors, timestamp)
            SELECT 1, id, user_id, lab_type, completion_time, success, errors, timestamp FROM came WHERE id <= upto;
        END IF;
    END IF;
    RETURN NULL;
END
$$;

-- Makes the daemons add everything up again. An operator calls it after data was loaded with triggers disabled.
CREATE OR REPLACE FUNCTION performance_rebuild() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7205759403792799); -- the lock of the connection that folds
    UPDATE performance_state SET upto = DEFAULT;
    DELETE FROM performance_notes;
    DELETE FROM performance_labs;
    DELETE FROM performance_learners;
    DELETE FROM performance_outcomes;
    DELETE FROM performance_solutions;
    DELETE FROM performance_errors;
    DELETE FROM performance_users;
END
$$;
CREATE OR REPLACE FUNCTION performance_forget_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM performance_rebuild();
    RETURN NULL;
END
$$;

-- Version 5 stored who has records in a lab type, but not what they did in it, so everything is added up again. The
-- table of version 5 is dropped later (4_steps.sql).
DO $$
BEGIN
    IF to_regclass('performance_seen') IS NOT NULL THEN
        IF EXISTS (SELECT FROM performance_seen) THEN
            PERFORM performance_rebuild();
            DELETE FROM performance_seen;
        END IF;
    END IF;
END
$$;
