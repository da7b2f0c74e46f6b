-- The tables of User Progress. Those for users, labs and lab attempts are the original service's: their columns are not
-- changed, only new ones are added. The tables of the progress log are this project's own.

CREATE TABLE IF NOT EXISTS users (
    id varchar PRIMARY KEY,
    username varchar,
    full_name varchar,
    email varchar,
    created_at timestamp,
    last_active timestamp
);
-- grant: SELECT, INSERT, UPDATE, DELETE ON users

CREATE TABLE IF NOT EXISTS labs (
    id varchar PRIMARY KEY,
    name varchar,
    description text,
    lab_type varchar,
    difficulty varchar,
    created_at timestamp,
    updated_at timestamp
);
-- grant: SELECT, INSERT, UPDATE, DELETE ON labs

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
-- grant: SELECT, INSERT, UPDATE, DELETE ON lab_attempts
-- grant: USAGE ON SEQUENCE lab_attempts_id_seq

-- These indexes keep names unique. Each is looked up first, because CREATE INDEX IF NOT EXISTS waits for every writer
-- of the table, even if the index exists.
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

-- The progress log: a row for each event of an entry. Rows are only added. Nothing updates them, and only an erasure
-- deletes them, with all others of the user (5_steps.sql).
CREATE SEQUENCE IF NOT EXISTS progress_log_id_seq AS integer;
-- grant: USAGE ON SEQUENCE progress_log_id_seq
CREATE TABLE IF NOT EXISTS progress_events (
    log_id integer NOT NULL,
    version integer NOT NULL,
    type text NOT NULL CHECK (type IN ('created', 'updated', 'deleted', 'restored')),
    user_id varchar NOT NULL,
    -- The entry as the event left it; both columns are null after a deletion.
    date date,
    members json,
    recorded_at timestamptz NOT NULL,
    actor text,
    PRIMARY KEY (log_id, version),
    CHECK ((date IS NULL) = (type = 'deleted') AND (members IS NULL) = (type = 'deleted'))
);
-- grant: SELECT, INSERT, DELETE ON progress_events

CREATE OR REPLACE FUNCTION progress_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'progress_events is only ever appended to';
END
$$;

-- The current state of each entry, derived from its last event. A deleted entry keeps its row, because every change of
-- an entry locks this row first.
CREATE TABLE IF NOT EXISTS progress_logs (
    log_id integer PRIMARY KEY,
    version integer NOT NULL,
    user_id varchar NOT NULL,
    date date,
    members json,
    recorded_at timestamptz NOT NULL
);
-- grant: SELECT, UPDATE (log_id), DELETE ON progress_logs

-- Only this function writes states: it runs with the rights of its owner, and the service's role has none to change one.
-- That role may update log_ids, which SELECT … FOR UPDATE requires, and delete for an erasure.
CREATE OR REPLACE FUNCTION progress_logs_derive() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
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
