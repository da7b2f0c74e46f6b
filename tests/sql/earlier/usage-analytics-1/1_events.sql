-- Tables of Usage Analytics. The daemon runs this file whole, in one transaction and under its advisory lock,
-- at every start: on an empty database, on one that the original service filled, or on its own.
--
-- usage_events is the only truth. Everything else here is derived from it, and is kept by the database itself
-- whoever writes. docs/aggregates.md says how and why, docs/sessions.md what a session is:
--
--   usage_changes    what happened to usage_events and is not folded yet: written by triggers, never waits
--   usage_counts     events by lab type, span of time and event type       \
--   usage_spans      users last seen and sessions begun, the same way       | changed by usage_fold alone
--   usage_last_seen  the minute of a user's last event in a lab type        |
--   usage_sessions   sessions by their start                               /
--
-- A reader adds to the folded tables what the changes in its own snapshot amount to, and is exact.

CREATE TABLE IF NOT EXISTS usage_events (
    id serial PRIMARY KEY,
    user_id varchar,
    lab_type varchar,
    event_type varchar,
    event_data json,
    timestamp timestamptz
);

-- The text by which event_data.session_id is compared, null where there is none. Long ones by their digest, for
-- the index's sake. `->>` decodes every string of the value and fails on those that no text can hold (\u0000,
-- half a surrogate pair), which json itself lets pass: such event_data carries no session.
CREATE OR REPLACE FUNCTION usage_session_key(event_data json) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE AS $$ -- an exception's block is a subtransaction
DECLARE
    session text;
BEGIN
    IF strpos(event_data::text, '\u') = 0 THEN
        session := event_data ->> 'session_id';
    ELSE
        BEGIN
            session := event_data ->> 'session_id';
        EXCEPTION WHEN data_exception OR feature_not_supported THEN
            RETURN NULL;
        END;
    END IF;
    IF octet_length(session) > 64 THEN
        RETURN encode(sha256(convert_to(session, 'UTF8')), 'hex');
    END IF;
    RETURN session;
END
$$;

-- What the steps of a user in a lab type, and of a session, are found by: a number is an eighth of the names' bytes
-- and is compared at once. Names that share one are told apart in the table.
CREATE OR REPLACE FUNCTION usage_user_hash(lab text, who text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended(who, hashtextextended(lab, 0))
$$;
CREATE OR REPLACE FUNCTION usage_session_hash(lab text, who text, session text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended(session, hashtextextended(who, hashtextextended(lab, 0)))
$$;

-- The first run: the column that carries the key, and the indexes that the reports' probes need. They are asked
-- for by name first, because even to find them there ALTER and CREATE INDEX would wait for every writer.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute
                    WHERE attrelid = 'usage_events'::regclass AND attname = 'session_key' AND NOT attisdropped) THEN
        ALTER TABLE usage_events
            ADD COLUMN session_key text GENERATED ALWAYS AS (usage_session_key(event_data)) STORED;
    END IF;
    IF to_regclass('ix_usage_events_user_id') IS NULL THEN
        CREATE INDEX ix_usage_events_user_id ON usage_events (user_id);
    END IF;
    IF to_regclass('ix_usage_events_lab_type') IS NULL THEN
        CREATE INDEX ix_usage_events_lab_type ON usage_events (lab_type);
    END IF;
    IF to_regclass('usage_events_time') IS NULL THEN
        CREATE INDEX usage_events_time ON usage_events (timestamp);
    END IF;
    IF to_regclass('usage_events_of_no_lab') IS NULL THEN
        CREATE INDEX usage_events_of_no_lab ON usage_events (timestamp) WHERE lab_type IS NULL;
    END IF;
    -- An event is in one of the next three. Their time is an expression, so that who looks for a user's or a session's
    -- events in the order of time is never tempted by the index on the time alone.
    IF to_regclass('usage_events_starts_of_user') IS NULL THEN
        CREATE INDEX usage_events_starts_of_user
            ON usage_events (usage_user_hash(lab_type, user_id), coalesce(timestamp, '-infinity'), id)
         WHERE event_type = 'start';
    END IF;
    IF to_regclass('usage_events_completes_of_user') IS NULL THEN
        CREATE INDEX usage_events_completes_of_user
            ON usage_events (usage_user_hash(lab_type, user_id), coalesce(timestamp, '-infinity'), id)
         WHERE event_type = 'complete';
    END IF;
    IF to_regclass('usage_events_others_of_user') IS NULL THEN
        CREATE INDEX usage_events_others_of_user
            ON usage_events (usage_user_hash(lab_type, user_id), coalesce(timestamp, '-infinity'))
         WHERE (event_type IN ('start', 'complete')) IS NOT TRUE;
    END IF;
    IF to_regclass('usage_events_starts_of_session') IS NULL THEN
        CREATE INDEX usage_events_starts_of_session
            ON usage_events (usage_session_hash(lab_type, user_id, session_key), coalesce(timestamp, '-infinity'), id)
         WHERE event_type = 'start' AND session_key IS NOT NULL;
    END IF;
    IF to_regclass('usage_events_completes_of_session') IS NULL THEN
        CREATE INDEX usage_events_completes_of_session
            ON usage_events (usage_session_hash(lab_type, user_id, session_key), coalesce(timestamp, '-infinity'), id)
         WHERE event_type = 'complete' AND session_key IS NOT NULL;
    END IF;
END
$$;

-- What sessions are made of. An event without a time, or one that only PostgreSQL can tell (years 1 to 9999 are
-- what the original's datetime holds), has no place among them.
CREATE OR REPLACE VIEW usage_steps AS
    SELECT id, lab_type, user_id, event_type, session_key, timestamp AS at
      FROM usage_events
     WHERE event_type IN ('start', 'complete')
       AND timestamp >= '0001-01-01 00:00Z' AND timestamp < '9999-12-31 00:00Z';

-- The steps of a kind, start or complete, of a user in a lab type and of a session. Both are planned as part of the
-- query that asks, so that it takes what it needs from the index.
CREATE OR REPLACE FUNCTION usage_user_steps(kind text, lab text, who text)
RETURNS TABLE (at timestamptz, id integer, session_key text)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(timestamp, '-infinity'), id, session_key
      FROM usage_events
     WHERE event_type = kind AND coalesce(timestamp, '-infinity') >= '0001-01-01 00:00Z'
       AND coalesce(timestamp, '-infinity') < '9999-12-31 00:00Z'
       AND usage_user_hash(lab_type, user_id) = usage_user_hash(lab, who)
       AND (lab_type, user_id) IS NOT DISTINCT FROM (lab, who)
$$;
CREATE OR REPLACE FUNCTION usage_session_steps(kind text, lab text, who text, session text)
RETURNS TABLE (at timestamptz, id integer)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(timestamp, '-infinity'), id
      FROM usage_events
     WHERE event_type = kind AND coalesce(timestamp, '-infinity') >= '0001-01-01 00:00Z'
       AND coalesce(timestamp, '-infinity') < '9999-12-31 00:00Z'
       AND usage_session_hash(lab_type, user_id, session_key) = usage_session_hash(lab, who, session)
       AND (lab_type, user_id, session_key) IS NOT DISTINCT FROM (lab, who, session) AND session_key IS NOT NULL
$$;

