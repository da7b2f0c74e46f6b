-- The tables of Usage Analytics. The daemon runs the text before the first step (7_steps.sql) in one transaction, while
-- it holds its advisory lock. The database may be empty, filled by the original service, or of an earlier version. The
-- text takes no lock on usage_events for which a writer would wait.
--
-- Only usage_events is the truth. Everything else is derived from it, and the database itself keeps it current, no
-- matter who writes. docs/aggregates.md explains the method, docs/sessions.md defines a session:
--
--   usage_notes    changes of usage_events that are not folded yet: triggers write them and never wait
--   usage_marks    lab types whose derived rows are not used until they are worked out again from usage_events
--   usage_by_type  number of events, by lab type, span and event type          \
--   usage_by_lab   users last seen and sessions started, by lab type and span  | of a lab type without a mark:
--   usage_seen     the slot of a user's last event in a lab type               | exact together with its notes
--   usage_pairs    sessions: a start and the complete that ends it             /

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
-- grant: SELECT, INSERT, UPDATE, DELETE ON usage_events
-- grant: USAGE ON SEQUENCE usage_events_id_seq

-- The text by which event_data.session_id is compared; null if there is none. A long one is replaced by its digest, so
-- that it fits in an index. `->>` decodes every string of the value. It fails if a string is one that no text of
-- PostgreSQL can hold (\u0000, half a surrogate pair), which the type json accepts: such event_data has no session id.
CREATE OR REPLACE FUNCTION usage_session_key(event_data json) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE AS $$ -- the exception block is a subtransaction
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

-- The same for a query. PostgreSQL inlines this function, because for a short value the call costs more than the work.
-- The session id in a value of at most 64 bytes is not longer than that, so it needs no digest. An index cannot use
-- this function, since a cast of json to text is STABLE.
CREATE OR REPLACE FUNCTION usage_session_key_in_query(event_data json) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN octet_length(event_data::text) <= 64 AND strpos(event_data::text, E'\\u') = 0
                THEN event_data ->> 'session_id' ELSE usage_session_key(event_data) END
$$;

-- The numbers by which the steps of a user in a lab type, and of a session, are looked up. A number has an eighth of
-- the bytes of the names, and is compared in one operation. Names with the same number are told apart in the table.
CREATE OR REPLACE FUNCTION usage_user_hash(lab text, who text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended(who, hashtextextended(lab, 0))
$$;
CREATE OR REPLACE FUNCTION usage_session_hash(lab text, who text, session text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended(session, hashtextextended(who, hashtextextended(lab, 0)))
$$;

-- Whether an event can be a step of a session. An event has no place among the steps if it has no time, or a time that
-- only PostgreSQL can hold: the datetime of the original holds the years 1 to 9999.
CREATE OR REPLACE FUNCTION usage_has_place(at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT at >= '0001-01-01 00:00Z' AND at < '9999-12-31 00:00Z'
$$;

-- The steps of one kind (start or complete): of a user in a lab type, and of a session. PostgreSQL inlines both
-- functions into the query that calls them, so that it reads only what it needs from the index. The id is a bigint,
-- whatever type the column has.
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
