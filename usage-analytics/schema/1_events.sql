-- Tables of Usage Analytics. All up to the first step (6_steps.sql) is run whole, in one transaction and under the
-- daemons' advisory lock: on an empty database, on one that the original service filled, or on an earlier version's.
-- It takes no lock on usage_events that a writer waits for.
--
-- usage_events is the only truth. Everything else is derived from it and kept by the database itself, whoever writes.
-- docs/aggregates.md says how and why, docs/sessions.md what a session is:
--
--   usage_notes    what happened to usage_events and is not folded yet: written by triggers, never waits
--   usage_marks    lab types whose derived rows say nothing until they are worked out again from usage_events
--   usage_by_type  events by lab type, span of time and event type        \
--   usage_by_lab   users last seen and sessions begun, the same way       | of a lab type without a mark:
--   usage_seen     when a user's last event in a lab type was             | exact together with its notes
--   usage_pairs    sessions: a start and the complete that ends it        /

CREATE TABLE IF NOT EXISTS usage_events (
    id serial PRIMARY KEY,
    user_id varchar,
    lab_type varchar,
    event_type varchar,
    event_data json,
    timestamp timestamptz,
    client_id text,
    received_at timestamptz
);

-- The text by which event_data.session_id is compared, null where there is none. Long ones by their digest, for
-- the index's sake. `->>` decodes every string of the value and fails on those that no text can hold (\u0000,
-- half a surrogate pair), which json itself lets pass: such event_data carries no session.
CREATE OR REPLACE FUNCTION usage_session_key(event_data json) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE AS $$ -- an exception's block is a subtransaction
DECLARE
    session text;
BEGIN
    IF strpos(event_data::text, E'\\u') = 0 THEN
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

-- The same for a query, which includes it in its plan: of a short value the call would cost more than the work. A value
-- of at most 64 bytes has no longer session in it. No index can have this, since a cast of json to text is STABLE.
CREATE OR REPLACE FUNCTION usage_session_key_in_query(event_data json) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN octet_length(event_data::text) <= 64 AND strpos(event_data::text, E'\\u') = 0
                THEN event_data ->> 'session_id' ELSE usage_session_key(event_data) END
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

-- Whether an event can be a step of a session: one without a time, or with one that only PostgreSQL can tell (years
-- 1 to 9999 are what the original's datetime holds), has no place among them.
CREATE OR REPLACE FUNCTION usage_has_place(at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT at >= '0001-01-01 00:00Z' AND at < '9999-12-31 00:00Z'
$$;

-- The steps of a kind, start or complete, of a user in a lab type and of a session. Both are planned as part of the
-- query that asks, so that it takes what it needs from the index. The id is a bigint whatever the column is.
CREATE OR REPLACE FUNCTION usage_steps_of_user(kind text, lab text, who text)
RETURNS TABLE (at timestamptz, id bigint, event_data json)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(timestamp, '-infinity'), id::bigint, event_data
      FROM usage_events
     WHERE event_type = kind AND usage_has_place(coalesce(timestamp, '-infinity'))
       AND usage_user_hash(lab_type, user_id) = usage_user_hash(lab, who)
       AND (lab_type, user_id) IS NOT DISTINCT FROM (lab, who)
$$;
CREATE OR REPLACE FUNCTION usage_steps_of_session(kind text, lab text, who text, session text)
RETURNS TABLE (at timestamptz, id bigint)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(timestamp, '-infinity'), id::bigint
      FROM usage_events
     WHERE event_type = kind AND usage_has_place(coalesce(timestamp, '-infinity'))
       AND usage_session_hash(lab_type, user_id, usage_session_key(event_data)) = usage_session_hash(lab, who, session)
       AND (lab_type, user_id, usage_session_key(event_data)) IS NOT DISTINCT FROM (lab, who, session)
$$;
