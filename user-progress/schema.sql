-- Users, labs and lab attempts: the tables of the original, which is taken as it is and only added to. And the
-- progress log, which is ours.

CREATE TABLE IF NOT EXISTS users (
    id varchar PRIMARY KEY,
    username varchar,
    full_name varchar,
    email varchar,
    created_at timestamp,
    last_active timestamp
);

CREATE TABLE IF NOT EXISTS labs (
    id varchar PRIMARY KEY,
    name varchar,
    description text,
    lab_type varchar,
    difficulty varchar,
    created_at timestamp,
    updated_at timestamp
);

CREATE TABLE IF NOT EXISTS lab_attempts (
    id serial PRIMARY KEY,
    user_id varchar,
    lab_type varchar,
    completion_status boolean,
    time_spent integer,
    errors_encountered varchar[],
    timestamp timestamp,
    client_id text,
    received_at timestamptz
);

-- What makes names unique. Looked for first: even to find an index there, CREATE INDEX would wait for every writer.
DO $$
BEGIN
    IF to_regclass('ix_users_username') IS NULL THEN
        CREATE UNIQUE INDEX ix_users_username ON users (username);
    END IF;
    IF to_regclass('ix_users_email') IS NULL THEN
        CREATE UNIQUE INDEX ix_users_email ON users (email);
    END IF;
    IF to_regclass('ix_labs_name') IS NULL THEN
        CREATE UNIQUE INDEX ix_labs_name ON labs (name);
    END IF;
END
$$;

-- The progress log. What happened to an entry is a row here, and stays: nothing updates or deletes it.
CREATE SEQUENCE IF NOT EXISTS progress_log_id_seq AS integer;
CREATE TABLE IF NOT EXISTS progress_events (
    log_id integer NOT NULL,
    version integer NOT NULL,
    type text NOT NULL CHECK (type IN ('created', 'updated', 'deleted', 'restored')),
    user_id varchar NOT NULL,
    -- The entry as it stands after the event: nothing after a deletion.
    date date,
    members json,
    recorded_at timestamptz NOT NULL,
    actor text,
    PRIMARY KEY (log_id, version),
    CHECK ((date IS NULL) = (type = 'deleted') AND (members IS NULL) = (type = 'deleted'))
);

CREATE OR REPLACE FUNCTION progress_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'progress_events is only ever appended to';
END
$$;

-- How each entry stands now, derived from its last event; a deleted one stays, as what changes of it lock.
CREATE TABLE IF NOT EXISTS progress_logs (
    log_id integer PRIMARY KEY,
    version integer NOT NULL,
    user_id varchar NOT NULL,
    date date,
    members json,
    recorded_at timestamptz NOT NULL
);

CREATE OR REPLACE FUNCTION progress_logs_derive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO progress_logs (log_id, version, user_id, date, members, recorded_at)
        SELECT DISTINCT ON (log_id) log_id, version, user_id, date, members, recorded_at
        FROM appended ORDER BY log_id, version DESC
    ON CONFLICT (log_id) DO UPDATE SET version = excluded.version, date = excluded.date,
        members = excluded.members, recorded_at = excluded.recorded_at
        WHERE progress_logs.version < excluded.version;
    RETURN NULL;
END
$$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger
                    WHERE tgrelid = 'progress_events'::regclass AND tgname = 'progress_events_only_appended') THEN
        CREATE TRIGGER progress_events_only_appended BEFORE UPDATE OR DELETE OR TRUNCATE ON progress_events
            FOR EACH STATEMENT EXECUTE FUNCTION progress_events_refuse();
    END IF;
    IF NOT EXISTS (SELECT FROM pg_trigger
                    WHERE tgrelid = 'progress_events'::regclass AND tgname = 'progress_logs_follow') THEN
        CREATE TRIGGER progress_logs_follow AFTER INSERT ON progress_events
            REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION progress_logs_derive();
    END IF;
END
$$;

-- What users' statistics have added up before they are asked: docs/aggregates.md says how and why. A user with many
-- attempts has sums of those up to an id, true in the snapshot of the last fold. Later attempts are read themselves, and
-- what happened to earlier ones since then is in the notes.
CREATE TABLE IF NOT EXISTS attempt_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    upto bigint NOT NULL DEFAULT -9223372036854775808, -- attempts whose users were looked at
    notes_from bigint NOT NULL DEFAULT 0 -- earlier notes are folded
) WITH (fillfactor = 50);
INSERT INTO attempt_state DEFAULT VALUES ON CONFLICT DO NOTHING;

-- Up to which id a change leaves a note. A sequence, since whoever reads it sees the last value, whatever their snapshot.
CREATE SEQUENCE IF NOT EXISTS attempt_noted_upto MINVALUE -9223372036854775808;

CREATE TABLE IF NOT EXISTS attempt_notes (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sign smallint NOT NULL, -- 1: the attempt came, -1: it went
    id bigint NOT NULL,
    user_id varchar,
    lab_type varchar,
    completion_status boolean,
    time_spent integer
);

CREATE TABLE IF NOT EXISTS attempt_sums (
    user_id text COLLATE "C" NOT NULL,
    upto bigint NOT NULL,
    lab_type text COLLATE "C",
    attempts bigint NOT NULL,
    successful_attempts bigint NOT NULL,
    time_spent bigint NOT NULL,
    first bigint NOT NULL -- id
);
CREATE INDEX IF NOT EXISTS attempt_sums_user_id ON attempt_sums (user_id);

-- Notes what a statement did to attempts that can be folded already. Of new ones hardly any has so early an id.
CREATE OR REPLACE FUNCTION attempt_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    upto bigint := pg_sequence_last_value('attempt_noted_upto');
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO attempt_notes (sign, id, user_id, lab_type, completion_status, time_spent)
        SELECT -1, id, user_id, lab_type, completion_status, time_spent FROM gone WHERE id <= upto;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        IF EXISTS (SELECT FROM came WHERE id <= upto) THEN
            INSERT INTO attempt_notes (sign, id, user_id, lab_type, completion_status, time_spent)
            SELECT 1, id, user_id, lab_type, completion_status, time_spent FROM came WHERE id <= upto;
        END IF;
    END IF;
    RETURN NULL;
END
$$;

-- Has everything added up again by the daemons: for an operator after data came in while triggers were disabled.
CREATE OR REPLACE FUNCTION attempt_rebuild() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7205759403792799); -- of the one that folds
    UPDATE attempt_state SET upto = DEFAULT;
    DELETE FROM attempt_notes;
    DELETE FROM attempt_sums;
END
$$;
CREATE OR REPLACE FUNCTION attempt_forget_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM attempt_rebuild();
    RETURN NULL;
END
$$;

-- What a user's attempts up to an id add up to, by lab type: those that are folded, what happened to these since, and
-- later ones. Where one went that may have been the first of its lab type, the first is looked up. It becomes a part of
-- the query.
CREATE OR REPLACE FUNCTION attempts_of_user(who text, upto bigint)
RETURNS TABLE (lab_type text, attempts bigint, successful_attempts bigint, time_spent bigint, first bigint)
LANGUAGE sql STABLE ROWS 5 AS $$
    SELECT part.lab_type, sum(part.attempts)::bigint, sum(part.successful_attempts)::bigint,
           sum(part.time_spent)::bigint,
           CASE WHEN min(part.gone) <= min(part.first)
                THEN (SELECT a.id FROM lab_attempts a
                       WHERE a.user_id = who AND a.lab_type IS NOT DISTINCT FROM part.lab_type ORDER BY a.id LIMIT 1)
                ELSE min(part.first) END
      FROM (SELECT (SELECT notes_from FROM attempt_state) AS first_note,
                   (SELECT s.upto FROM attempt_sums s WHERE s.user_id = who LIMIT 1) AS folded
            OFFSET 0) AS at,
           LATERAL (
            SELECT s.lab_type, s.attempts, s.successful_attempts, s.time_spent, s.first, NULL::bigint AS gone
              FROM attempt_sums s WHERE s.user_id = who
            UNION ALL
            SELECT n.lab_type, n.sign, n.sign * (n.completion_status IS TRUE)::integer,
                   n.sign::bigint * coalesce(n.time_spent, 0), CASE WHEN n.sign > 0 THEN n.id END,
                   CASE WHEN n.sign < 0 THEN n.id END
              FROM attempt_notes n WHERE n.n >= at.first_note AND n.user_id = who AND n.id <= at.folded
            UNION ALL
            SELECT a.lab_type, 1, (a.completion_status IS TRUE)::integer, coalesce(a.time_spent, 0), a.id, NULL
              FROM lab_attempts a
             WHERE a.user_id = who AND a.id > coalesce(at.folded, -9223372036854775808)
               AND a.id <= attempts_of_user.upto) AS part
     GROUP BY part.lab_type
    HAVING sum(part.attempts) > 0
$$;

-- The same of all attempts, always by an index.
CREATE OR REPLACE FUNCTION attempts_report_of_user(who text)
RETURNS TABLE (lab_type text, attempts bigint, successful_attempts bigint, time_spent bigint, first bigint)
LANGUAGE plpgsql STABLE ROWS 5
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT * FROM attempts_of_user(who, 9223372036854775807);
END
$$;

-- Goes through the next slice of attempts and takes all notes into the sums; whether there may be more. One at a time
-- does this. With fewer attempts and notes than those given nothing is done; a user with fewer has no sums.
CREATE OR REPLACE FUNCTION attempt_fold(few integer DEFAULT 500, few_notes integer DEFAULT 1,
                                        few_of_user integer DEFAULT 100, one_of integer DEFAULT 128)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    slice CONSTANT integer := 50000;
    state attempt_state;
    target bigint;
    notes_to bigint;
BEGIN
    LOCK TABLE lab_attempts IN ACCESS SHARE MODE; -- before all else: a TRUNCATE then waits, or has emptied all
    IF NOT pg_try_advisory_xact_lock(7205759403792799) THEN
        RETURN false;
    END IF;
    SELECT * INTO state FROM attempt_state;
    target := next_slice('lab_attempts', state.upto, few, slice);
    IF target IS NULL AND (SELECT count(*) FROM (SELECT FROM attempt_notes WHERE n >= state.notes_from
                                                  LIMIT few_notes) AS noted) = few_notes THEN
        target := state.upto;
    END IF;
    -- Earlier notes are those of transactions that the next lines wait for.
    notes_to := coalesce(pg_sequence_last_value(pg_get_serial_sequence('attempt_notes', 'n')::regclass), 0) + 1;
    IF target IS NULL OR NOT settle_rows('lab_attempts', 'attempt_noted_upto', target) THEN
        RETURN false;
    END IF;

    WITH taken AS (
        DELETE FROM attempt_notes WHERE n >= state.notes_from RETURNING user_id
    ), due AS MATERIALIZED ( -- some users by chance, the more often the more they do, and those with notes
        SELECT user_id FROM lab_attempts
         WHERE id > state.upto AND id <= target AND hashint8(id) % one_of = 0 AND user_id IS NOT NULL
        UNION
        SELECT user_id FROM taken WHERE user_id IS NOT NULL
    ), counted AS MATERIALIZED (
        SELECT d.user_id, s.*, sum(s.attempts) OVER (PARTITION BY d.user_id) AS of_user
          FROM due d, LATERAL attempts_of_user(d.user_id, target) AS s
    ), cleared AS (
        DELETE FROM attempt_sums s USING due d WHERE s.user_id = d.user_id
    ), summed AS (
        INSERT INTO attempt_sums (user_id, upto, lab_type, attempts, successful_attempts, time_spent, first)
        SELECT user_id, target, lab_type, attempts, successful_attempts, time_spent, first
          FROM counted WHERE of_user >= few_of_user
    )
    UPDATE attempt_state SET upto = target, notes_from = notes_to;
    RETURN target > state.upto AND next_slice('lab_attempts', target, slice, slice) IS NOT NULL;
END
$$;

-- The other indexes are made while others write (common/pg/keeper.h says how).
-- step: index ix_users_created_at_id
CREATE INDEX CONCURRENTLY ix_users_created_at_id ON users (created_at, id);
-- step: index ix_labs_lab_type
CREATE INDEX CONCURRENTLY ix_labs_lab_type ON labs (lab_type);
-- step: index ix_labs_created_at_id
CREATE INDEX CONCURRENTLY ix_labs_created_at_id ON labs (created_at, id);
-- The lab that is shown for a type is the oldest one.
-- step: index ix_labs_lab_type_created_at_id
CREATE INDEX CONCURRENTLY ix_labs_lab_type_created_at_id ON labs (lab_type, created_at, id);
-- step: index ix_lab_attempts_user_id
CREATE INDEX CONCURRENTLY ix_lab_attempts_user_id ON lab_attempts (user_id);
-- How a user's entries stood at a time, and how they stand now.
-- step: index ix_progress_events_user_id
CREATE INDEX CONCURRENTLY ix_progress_events_user_id ON progress_events (user_id, log_id, version);
-- step: index ix_progress_logs_user_id
CREATE INDEX CONCURRENTLY ix_progress_logs_user_id ON progress_logs (user_id, log_id) WHERE members IS NOT NULL;

-- What a batch says of an item beside what the original keeps: the caller's own id of it, and when it came where the
-- caller told its time. Rows of the original and of single calls have neither.
-- step: lock attempt_arrivals
DO $$
BEGIN
    IF (SELECT count(*) FROM pg_attribute
         WHERE attrelid = 'lab_attempts'::regclass AND attname IN ('client_id', 'received_at')) < 2 THEN
        ALTER TABLE lab_attempts ADD COLUMN IF NOT EXISTS client_id text, ADD COLUMN IF NOT EXISTS received_at timestamptz;
    END IF;
END
$$;
-- step: index lab_attempts_client_id
CREATE UNIQUE INDEX CONCURRENTLY lab_attempts_client_id ON lab_attempts (client_id) WHERE client_id IS NOT NULL;

-- What the pages of a list are read from, in either direction: of all, of a user, of a lab type. Rows without a time lie
-- before all others. Names by their hash: it is shorter, and no index takes a name of any length.
-- step: index lab_attempts_page
CREATE INDEX CONCURRENTLY lab_attempts_page ON lab_attempts (coalesce(timestamp, '-infinity'), id);
-- step: index lab_attempts_user_page
CREATE INDEX CONCURRENTLY lab_attempts_user_page
    ON lab_attempts (hashtextextended(user_id, 0), coalesce(timestamp, '-infinity'), id);
-- step: index lab_attempts_lab_page
CREATE INDEX CONCURRENTLY lab_attempts_lab_page
    ON lab_attempts (hashtextextended(lab_type, 0), coalesce(timestamp, '-infinity'), id);

-- What the list of a user's attempts is read from, page by page, and those that are not in the sums yet.
-- step: index lab_attempts_of_user
CREATE INDEX CONCURRENTLY lab_attempts_of_user ON lab_attempts (user_id, id);

-- From here on changes of what is folded leave a note; nothing is folded before.
-- step: lock attempt_triggers
DO $$
BEGIN
    IF (SELECT count(*) FROM pg_trigger
         WHERE tgrelid = 'lab_attempts'::regclass AND tgname LIKE 'attempt\_noted\_%') = 4 THEN
        RETURN;
    END IF;
    CREATE OR REPLACE TRIGGER attempt_noted_insert AFTER INSERT ON lab_attempts
        REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION attempt_note();
    CREATE OR REPLACE TRIGGER attempt_noted_update AFTER UPDATE ON lab_attempts
        REFERENCING OLD TABLE AS gone NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION attempt_note();
    CREATE OR REPLACE TRIGGER attempt_noted_delete AFTER DELETE ON lab_attempts
        REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION attempt_note();
    CREATE OR REPLACE TRIGGER attempt_noted_truncate AFTER TRUNCATE ON lab_attempts
        FOR EACH STATEMENT EXECUTE FUNCTION attempt_forget_all();
    PERFORM attempt_rebuild();
END
$$;

-- step: slice attempt_sums
SELECT attempt_fold();
