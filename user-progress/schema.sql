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

-- What the list of a user's attempts is read from, page by page.
-- step: index lab_attempts_of_user
CREATE INDEX CONCURRENTLY lab_attempts_of_user ON lab_attempts (user_id, id);
