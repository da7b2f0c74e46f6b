-- What the reports have added up before they are asked: docs/aggregates.md says how and why. All of it is true of the
-- records up to an id, in the snapshot of the last fold. Later records are read themselves, and what happened to
-- earlier ones since then is in the notes.
CREATE TABLE IF NOT EXISTS performance_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    upto bigint NOT NULL DEFAULT -9223372036854775808,
    notes_from bigint NOT NULL DEFAULT 0 -- earlier notes are folded
) WITH (fillfactor = 50);
INSERT INTO performance_state DEFAULT VALUES ON CONFLICT DO NOTHING;

-- Up to which id a change leaves a note. A sequence, since whoever reads it sees the last value, whatever their snapshot.
CREATE SEQUENCE IF NOT EXISTS performance_noted_upto MINVALUE -9223372036854775808;

CREATE TABLE IF NOT EXISTS performance_notes (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sign smallint NOT NULL, -- 1: the record came, -1: it went
    id bigint NOT NULL,
    user_id varchar,
    lab_type varchar,
    completion_time integer,
    success boolean,
    errors json,
    timestamp timestamptz
);

CREATE TABLE IF NOT EXISTS performance_labs (
    lab_type text COLLATE "C" PRIMARY KEY,
    attempts bigint NOT NULL,
    successes bigint NOT NULL,
    seconds bigint NOT NULL,
    timed bigint NOT NULL, -- records that have a time
    users bigint NOT NULL
) WITH (fillfactor = 50); -- room to update in place

-- Pairs of names are found by a number: it is short, and no index holds two names of any length.
CREATE OR REPLACE FUNCTION performance_key(lab text, name text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended(name, hashtextextended(lab, 0))
$$;

-- Who has records in a lab type.
CREATE TABLE IF NOT EXISTS performance_seen (
    lab_type text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL
);
CREATE INDEX IF NOT EXISTS performance_seen_key ON performance_seen (performance_key(lab_type, user_id));

CREATE TABLE IF NOT EXISTS performance_errors (
    lab_type text COLLATE "C" NOT NULL,
    error text COLLATE "C" NOT NULL,
    times bigint NOT NULL,
    first bigint[] NOT NULL -- a record's id and the position in its list
);
CREATE INDEX IF NOT EXISTS performance_errors_key ON performance_errors (performance_key(lab_type, error));
CREATE INDEX IF NOT EXISTS performance_errors_most ON performance_errors (lab_type, times DESC, first);

-- Only of users with many records, up to an id of their own.
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
CREATE INDEX IF NOT EXISTS performance_users_user_id ON performance_users (user_id);

-- Notes what a statement did to records that can be folded already. Of new ones hardly any has so early an id.
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

-- Has everything added up again by the daemons: for an operator after data came in while triggers were disabled.
CREATE OR REPLACE FUNCTION performance_rebuild() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7205759403792799); -- of the one that folds
    UPDATE performance_state SET upto = DEFAULT;
    DELETE FROM performance_notes;
    DELETE FROM performance_labs;
    DELETE FROM performance_seen;
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
