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

CREATE TABLE IF NOT EXISTS usage_changes (
    transaction xid8 NOT NULL,
    sign smallint NOT NULL, -- 1: the event came, -1: it went
    id integer NOT NULL,
    user_id text,
    lab_type text NOT NULL,
    event_type text NOT NULL,
    session_key text,
    at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS usage_changes_transaction ON usage_changes (transaction);

-- Since which transaction there can be changes that are not folded. One row.
CREATE TABLE IF NOT EXISTS usage_folded (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    before xid8 NOT NULL
);
INSERT INTO usage_folded (before) VALUES ('0') ON CONFLICT DO NOTHING;

-- A dump restored in another cluster meets transaction numbers that begin anew.
CREATE OR REPLACE VIEW usage_since AS
    SELECT CASE WHEN before <= pg_snapshot_xmax(pg_current_snapshot()) THEN before ELSE '0' END AS before
      FROM usage_folded;

CREATE TABLE IF NOT EXISTS usage_counts (
    lab_type text NOT NULL,
    span text NOT NULL, -- day, hour or minute, of UTC
    at timestamptz NOT NULL,
    event_type text NOT NULL,
    events bigint NOT NULL
);
-- An event type can be longer than an index holds.
CREATE UNIQUE INDEX IF NOT EXISTS usage_counts_key ON usage_counts (lab_type, span, at, md5(event_type));

CREATE TABLE IF NOT EXISTS usage_spans (
    lab_type text NOT NULL,
    span text NOT NULL,
    at timestamptz NOT NULL,
    users bigint NOT NULL,       -- whose last event in the lab type is in the span
    sessions bigint NOT NULL,    -- that started in it
    session_us numeric NOT NULL, -- and how long they took
    PRIMARY KEY (lab_type, span, at)
);

CREATE TABLE IF NOT EXISTS usage_last_seen (
    lab_type text NOT NULL,
    user_id text NOT NULL,
    minute timestamptz NOT NULL, -- no finer: who is at work has an event every few seconds
    PRIMARY KEY (lab_type, user_id)
);
CREATE INDEX IF NOT EXISTS usage_last_seen_minute ON usage_last_seen (lab_type, minute);

CREATE TABLE IF NOT EXISTS usage_sessions (
    start_id integer PRIMARY KEY,
    lab_type text NOT NULL,
    user_id text NOT NULL,
    at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    session_us bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS usage_sessions_at ON usage_sessions (lab_type, at);
CREATE INDEX IF NOT EXISTS usage_sessions_ended_at ON usage_sessions (lab_type, user_id, ended_at);

-- Notes what a statement did to usage_events. An event without a time lies before all others; one without a
-- type is of type `null`; one without a lab type concerns no lab.
CREATE OR REPLACE FUNCTION usage_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        INSERT INTO usage_changes
        SELECT pg_current_xact_id(), -1, id, user_id, lab_type, coalesce(event_type, 'null'), session_key,
               coalesce(timestamp, '-infinity')
          FROM gone WHERE lab_type IS NOT NULL;
    END IF;
    IF TG_OP IN ('UPDATE', 'INSERT') THEN
        INSERT INTO usage_changes
        SELECT pg_current_xact_id(), 1, id, user_id, lab_type, coalesce(event_type, 'null'), session_key,
               coalesce(timestamp, '-infinity')
          FROM came WHERE lab_type IS NOT NULL;
    END IF;
    RETURN NULL;
END
$$;

-- TRUNCATE holds the table alone, so nobody folds meanwhile.
CREATE OR REPLACE FUNCTION usage_forget() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM usage_changes;
    DELETE FROM usage_counts;
    DELETE FROM usage_spans;
    DELETE FROM usage_last_seen;
    DELETE FROM usage_sessions;
    RETURN NULL;
END
$$;

-- The changes that are not folded yet.
CREATE OR REPLACE FUNCTION usage_unfolded(labs text[]) RETURNS usage_changes[]
LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(c), '{}')
      FROM usage_changes c
     WHERE transaction >= (SELECT before FROM usage_since) AND lab_type = ANY (labs)
$$;

-- Where the span of UTC that a time lies in begins, and the first span that begins at a time or after it.
CREATE OR REPLACE FUNCTION usage_span_of(span text, at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT date_trunc(span, at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
$$;
CREATE OR REPLACE FUNCTION usage_span_from(span text, at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN usage_span_of(span, at) = at THEN at
                ELSE usage_span_of(span, at + ('1 ' || span)::interval) END
$$;

-- The time of a user's last event in a lab type, null where there is none: by the three indexes of users' events.
CREATE OR REPLACE FUNCTION usage_last_event(lab text, who text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT max(at)
      FROM ((SELECT coalesce(timestamp, '-infinity') AS at FROM usage_events
              WHERE usage_user_hash(lab_type, user_id) = usage_user_hash(lab, who)
                AND (lab_type, user_id) IS NOT DISTINCT FROM (lab, who) AND event_type = 'start'
              ORDER BY 1 DESC LIMIT 1)
            UNION ALL
            (SELECT coalesce(timestamp, '-infinity') AS at FROM usage_events
              WHERE usage_user_hash(lab_type, user_id) = usage_user_hash(lab, who)
                AND (lab_type, user_id) IS NOT DISTINCT FROM (lab, who) AND event_type = 'complete'
              ORDER BY 1 DESC LIMIT 1)
            UNION ALL
            (SELECT coalesce(timestamp, '-infinity') AS at FROM usage_events
              WHERE usage_user_hash(lab_type, user_id) = usage_user_hash(lab, who)
                AND (lab_type, user_id) IS NOT DISTINCT FROM (lab, who)
                AND (event_type IN ('start', 'complete')) IS NOT TRUE
              ORDER BY 1 DESC LIMIT 1)) AS last
$$;

-- Of every user and lab type that the changes touch: the minute of the last event as usage_last_seen has it, and as
-- it is. Events that only came can but move it on.
CREATE OR REPLACE FUNCTION usage_last_seen_changes(changes usage_changes[])
RETURNS TABLE (lab_type text, user_id text, old_minute timestamptz, new_minute timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT t.lab_type, t.user_id, s.minute,
           CASE WHEN t.went THEN usage_span_of('minute', usage_last_event(t.lab_type, t.user_id))
                ELSE greatest(s.minute, usage_span_of('minute', t.at)) END
      FROM (SELECT c.lab_type, c.user_id, max(c.at) AS at, bool_or(c.sign < 0) AS went
              FROM unnest(changes) AS c
             WHERE c.user_id IS NOT NULL
             GROUP BY c.lab_type, c.user_id) AS t
      LEFT JOIN usage_last_seen s ON s.lab_type = t.lab_type AND s.user_id = t.user_id
$$;

-- The complete that ends a start, by docs/sessions.md: the first of those that belong to it. A completes' owner
-- lies before it, so each branch ends where a later start takes over.
CREATE OR REPLACE FUNCTION usage_session_end(lab text, who text, session text, start_at timestamptz, start_id integer)
RETURNS TABLE (at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT ending.at
      FROM ((SELECT c.at, c.id
               FROM usage_session_steps('complete', lab, who, session) AS c
              WHERE (c.at, c.id) > (start_at, start_id)
                AND NOT EXISTS (
                    SELECT FROM usage_session_steps('start', lab, who, session) AS later
                     WHERE (later.at, later.id) > (start_at, start_id) AND (later.at, later.id) < (c.at, c.id))
              ORDER BY c.at, c.id LIMIT 1)
            UNION ALL
            (SELECT c.at, c.id
               FROM (SELECT 1) AS one
               LEFT JOIN LATERAL (
                    SELECT n.at, n.id FROM usage_user_steps('start', lab, who) AS n
                     WHERE (n.at, n.id) > (start_at, start_id)
                     ORDER BY n.at, n.id LIMIT 1) AS next ON true
               JOIN LATERAL (
                    SELECT c.at, c.id FROM usage_user_steps('complete', lab, who) AS c
                     WHERE (c.at, c.id) > (start_at, start_id)
                       AND (c.at, c.id) < (coalesce(next.at, 'infinity'), coalesce(next.id, 0))
                       AND (c.session_key IS NULL
                            OR session IS NULL
                               AND NOT EXISTS (
                                    SELECT FROM (SELECT o.at, o.id
                                                   FROM usage_session_steps('start', lab, who, c.session_key) AS o
                                                  WHERE (o.at, o.id) < (c.at, c.id)
                                                  ORDER BY o.at DESC, o.id DESC LIMIT 1) AS own
                                     WHERE NOT EXISTS (
                                        SELECT FROM usage_session_steps('complete', lab, who, c.session_key) AS p
                                         WHERE (p.at, p.id) > (own.at, own.id) AND (p.at, p.id) < (c.at, c.id))))
                     ORDER BY c.at, c.id LIMIT 1) AS c ON true)
           ) AS ending
     ORDER BY ending.at, ending.id LIMIT 1
$$;

-- The starts whose session the changes can have changed: each start itself; and, for completes and for starts that
-- are not the last of all, the starts right before it and right before the next complete of its session. A start is
-- the last, and concerns no session, where no complete follows it now and none did when sessions were last folded.
CREATE OR REPLACE FUNCTION usage_touched_starts(changes usage_changes[]) RETURNS TABLE (id integer)
LANGUAGE sql STABLE AS $$
    WITH step AS MATERIALIZED (
        SELECT x.lab_type, x.user_id, x.event_type, x.session_key, x.at, x.id
          FROM unnest(changes) AS x
         WHERE x.event_type IN ('start', 'complete') AND isfinite(x.at) AND x.user_id IS NOT NULL
           AND (x.event_type = 'complete'
                OR EXISTS (SELECT FROM usage_user_steps('complete', x.lab_type, x.user_id) AS c
                            WHERE (c.at, c.id) > (x.at, x.id))
                OR EXISTS (SELECT FROM usage_sessions o
                            WHERE o.lab_type = x.lab_type AND o.user_id = x.user_id AND o.ended_at >= x.at)))
    SELECT x.id FROM unnest(changes) AS x WHERE x.event_type = 'start' AND x.sign < 0
    UNION
    SELECT x.id FROM step AS x WHERE x.event_type = 'start'
    UNION
    SELECT near.id
      FROM step AS x
      LEFT JOIN LATERAL (
            SELECT c.at, c.id FROM usage_session_steps('complete', x.lab_type, x.user_id, x.session_key) AS c
             WHERE (c.at, c.id) > (x.at, x.id)
             ORDER BY c.at, c.id LIMIT 1) AS next ON true
      JOIN LATERAL (VALUES (x.at, x.id), (next.at, next.id)) AS place (at, id) ON place.at IS NOT NULL
      JOIN LATERAL (
            (SELECT s.id FROM usage_user_steps('start', x.lab_type, x.user_id) AS s
              WHERE (s.at, s.id) < (place.at, place.id)
              ORDER BY s.at DESC, s.id DESC LIMIT 1)
            UNION ALL
            (SELECT s.id FROM usage_session_steps('start', x.lab_type, x.user_id, x.session_key) AS s
              WHERE (s.at, s.id) < (place.at, place.id)
              ORDER BY s.at DESC, s.id DESC LIMIT 1)) AS near ON true
$$;

-- Of every session that the changes touch: as usage_sessions has it, and as it is. Null where there is none.
CREATE OR REPLACE FUNCTION usage_session_changes(changes usage_changes[])
RETURNS TABLE (start_id integer, old_lab text, old_at timestamptz, old_us bigint,
               new_lab text, new_user text, new_at timestamptz, new_end timestamptz, new_us bigint)
LANGUAGE sql STABLE AS $$
    SELECT t.id, o.lab_type, o.at, o.session_us, n.lab_type, n.user_id, n.at, n.ended_at, n.session_us
      FROM usage_touched_starts(changes) AS t
      LEFT JOIN usage_sessions o ON o.start_id = t.id
      LEFT JOIN LATERAL (
            SELECT s.lab_type, s.user_id, s.at, e.at AS ended_at,
                   (extract(epoch FROM e.at - s.at) * 1000000)::bigint AS session_us
              FROM (SELECT * FROM usage_steps
                     WHERE id = t.id AND event_type = 'start'
                    OFFSET 0) AS s, -- probed start by start, never joined as a whole
                   LATERAL usage_session_end(s.lab_type, s.user_id, s.session_key, s.at, s.id) AS e) AS n ON true
     WHERE (o.lab_type, o.user_id, o.at, o.ended_at) IS DISTINCT FROM (n.lab_type, n.user_id, n.at, n.ended_at)
$$;

-- The functions below that go through the changes are planned once a connection, perhaps while the tables were empty
-- and nothing was known of them: their settings say that every step is to be a probe of an index.

-- Takes up to `most` changes into the folded tables; how many, or null where somebody else is at it. One at a time
-- does this, so that its rows are never fought for. Each statement below is right whatever is written meanwhile:
-- it sets what the taken changes touch to what is true in its snapshot, and what comes later leaves its own note.
CREATE OR REPLACE FUNCTION usage_fold(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    taken usage_changes[];
    oldest xid8 := pg_snapshot_xmin(pg_current_snapshot());
BEGIN
    LOCK TABLE usage_events IN ACCESS SHARE MODE; -- before all else: a TRUNCATE then waits, or has emptied all
    IF NOT pg_try_advisory_xact_lock(7205759403792796) THEN
        RETURN NULL;
    END IF;

    WITH these AS (
        DELETE FROM usage_changes c
         WHERE c.ctid = ANY (ARRAY(SELECT u.ctid FROM usage_changes u
                                    WHERE u.transaction >= (SELECT before FROM usage_since)
                                    ORDER BY u.transaction LIMIT most))
        RETURNING c)
    SELECT array_agg(these.c) INTO taken FROM these;
    -- All that transactions before `oldest` wrote was visible; none is left if there was room for all.
    IF coalesce(cardinality(taken), 0) < most THEN
        UPDATE usage_folded SET before = oldest WHERE before IS DISTINCT FROM oldest;
    END IF;
    IF taken IS NULL THEN
        RETURN 0;
    END IF;

    INSERT INTO usage_counts AS k (lab_type, span, at, event_type, events)
    SELECT c.lab_type, s.span, usage_span_of(s.span, c.at), c.event_type, sum(c.sign)
      FROM (SELECT lab_type, event_type, usage_span_of('minute', at) AS at, sum(sign) AS sign
              FROM unnest(taken) GROUP BY 1, 2, 3) AS c,
           (VALUES ('day'), ('hour'), ('minute')) AS s (span)
     GROUP BY 1, 2, 3, 4
    HAVING sum(c.sign) <> 0
    ON CONFLICT (lab_type, span, at, md5(event_type)) DO UPDATE SET events = k.events + excluded.events;

    WITH seen AS MATERIALIZED (
        SELECT * FROM usage_last_seen_changes(taken) WHERE old_minute IS DISTINCT FROM new_minute
    ), unseen AS (
        DELETE FROM usage_last_seen l USING seen
         WHERE seen.new_minute IS NULL AND l.lab_type = seen.lab_type AND l.user_id = seen.user_id
    ), noted AS (
        INSERT INTO usage_last_seen (lab_type, user_id, minute)
        SELECT lab_type, user_id, new_minute FROM seen WHERE new_minute IS NOT NULL
        ON CONFLICT (lab_type, user_id) DO UPDATE SET minute = excluded.minute
    ), session AS MATERIALIZED (
        SELECT * FROM usage_session_changes(taken)
    ), ended AS (
        DELETE FROM usage_sessions u USING session WHERE session.new_at IS NULL AND u.start_id = session.start_id
    ), begun AS (
        INSERT INTO usage_sessions (start_id, lab_type, user_id, at, ended_at, session_us)
        SELECT start_id, new_lab, new_user, new_at, new_end, new_us FROM session WHERE new_at IS NOT NULL
        ON CONFLICT (start_id) DO UPDATE
            SET lab_type = excluded.lab_type, user_id = excluded.user_id, at = excluded.at,
                ended_at = excluded.ended_at, session_us = excluded.session_us
    ), difference AS (
        SELECT lab_type, old_minute AS at, -1 AS users, 0 AS sessions, 0 AS session_us
          FROM seen WHERE old_minute IS NOT NULL
        UNION ALL
        SELECT lab_type, new_minute, 1, 0, 0 FROM seen WHERE new_minute IS NOT NULL
        UNION ALL
        SELECT old_lab, old_at, 0, -1, -old_us FROM session WHERE old_at IS NOT NULL
        UNION ALL
        SELECT new_lab, new_at, 0, 1, new_us FROM session WHERE new_at IS NOT NULL
    )
    INSERT INTO usage_spans AS k (lab_type, span, at, users, sessions, session_us)
    SELECT d.lab_type, s.span, usage_span_of(s.span, d.at), sum(d.users), sum(d.sessions), sum(d.session_us)
      FROM (SELECT lab_type, usage_span_of('minute', at) AS at, sum(users) AS users, sum(sessions) AS sessions,
                   sum(session_us) AS session_us
              FROM difference GROUP BY 1, 2) AS d,
           (VALUES ('day'), ('hour'), ('minute')) AS s (span)
     GROUP BY 1, 2, 3
    HAVING sum(d.users) <> 0 OR sum(d.sessions) <> 0 OR sum(d.session_us) <> 0
    ON CONFLICT (lab_type, span, at) DO UPDATE
        SET users = k.users + excluded.users, sessions = k.sessions + excluded.sessions,
            session_us = k.session_us + excluded.session_us;
    RETURN cardinality(taken);
END
$$;

-- The spans that a window from `since` on is made of: whole days, the whole hours before them, the whole minutes
-- before those. What is left is less than a minute: [since, the first minute's `at`).
CREATE OR REPLACE FUNCTION usage_window(since timestamptz)
RETURNS TABLE (span text, first_at timestamptz, last_at timestamptz)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    VALUES ('day', usage_span_from('day', since), timestamptz 'infinity'),
           ('hour', usage_span_from('hour', since),
            nullif(usage_span_from('day', since) - interval '1 us', '-infinity')),
           ('minute', usage_span_from('minute', since),
            nullif(usage_span_from('hour', since) - interval '1 us', '-infinity'))
$$;

-- The lab types that events can be of.
CREATE OR REPLACE FUNCTION usage_labs() RETURNS text[]
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE labs AS (
        SELECT min(lab_type) AS lab_type FROM usage_counts
        UNION ALL
        SELECT (SELECT min(k.lab_type) FROM usage_counts k WHERE k.lab_type > labs.lab_type)
          FROM labs WHERE labs.lab_type IS NOT NULL)
    SELECT array_agg(lab_type)
      FROM (SELECT lab_type FROM labs WHERE lab_type IS NOT NULL
            UNION
            SELECT lab_type FROM usage_changes WHERE transaction >= (SELECT before FROM usage_since)) AS known
$$;

-- Events since a time, by lab type and event type.
CREATE OR REPLACE FUNCTION usage_events_since(labs text[], since timestamptz)
RETURNS TABLE (lab_type text, event_type text, events bigint)
LANGUAGE plpgsql STABLE ROWS 5
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    whole timestamptz := usage_span_from('minute', since);
    changes usage_changes[] := usage_unfolded(labs);
BEGIN
    RETURN QUERY
    SELECT part.lab_type, part.event_type, sum(part.events)::bigint
      FROM (SELECT k.lab_type, k.event_type, k.events
              FROM usage_window(since) AS w
              JOIN usage_counts k ON k.span = w.span AND k.at >= w.first_at AND k.at <= w.last_at
             WHERE k.lab_type = ANY (labs)
            UNION ALL
            SELECT c.lab_type, c.event_type, c.sign FROM unnest(changes) AS c WHERE c.at >= whole
            UNION ALL
            SELECT e.lab_type, coalesce(e.event_type, 'null'), 1
              FROM usage_events e
             WHERE e.timestamp >= since AND e.timestamp < whole AND e.lab_type = ANY (labs)) AS part
     GROUP BY 1, 2
    HAVING sum(part.events) > 0;
END
$$;

-- Users seen since a time, by lab type. Of one whose last event is in the minute that the window cuts, the event as it
-- is now decides, both for the minute that was folded and for the one that the changes make of it: what was counted
-- wrongly for the first is taken back for the same reason.
CREATE OR REPLACE FUNCTION usage_users_since(labs text[], since timestamptz)
RETURNS TABLE (lab_type text, users bigint)
LANGUAGE plpgsql STABLE ROWS 5
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    whole timestamptz := usage_span_from('minute', since);
    cut timestamptz := usage_span_of('minute', since);
    changes usage_changes[] := usage_unfolded(labs);
BEGIN
    RETURN QUERY
    SELECT part.lab_type, sum(part.users)::bigint
      FROM (SELECT k.lab_type, k.users
              FROM usage_window(since) AS w
              JOIN usage_spans k ON k.span = w.span AND k.at >= w.first_at AND k.at <= w.last_at
             WHERE k.lab_type = ANY (labs)
            UNION ALL
            SELECT l.lab_type, 1
              FROM usage_last_seen l
             WHERE l.lab_type = ANY (labs) AND l.minute >= cut AND l.minute < whole
               AND usage_last_event(l.lab_type, l.user_id) >= since
            UNION ALL
            SELECT d.lab_type, side.sign
              FROM usage_last_seen_changes(changes) AS d,
                   LATERAL (VALUES (1, d.new_minute), (-1, d.old_minute)) AS side (sign, minute)
             WHERE d.new_minute IS DISTINCT FROM d.old_minute
               AND (side.minute >= whole
                    OR side.minute >= cut AND usage_last_event(d.lab_type, d.user_id) >= since)) AS part
     GROUP BY 1;
END
$$;

-- Sessions begun since a time, by lab type.
CREATE OR REPLACE FUNCTION usage_sessions_since(labs text[], since timestamptz)
RETURNS TABLE (lab_type text, sessions bigint, session_us numeric)
LANGUAGE plpgsql STABLE ROWS 5
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    whole timestamptz := usage_span_from('minute', since);
    changes usage_changes[] := usage_unfolded(labs);
BEGIN
    RETURN QUERY
    SELECT part.lab_type, sum(part.sessions)::bigint, sum(part.session_us)
      FROM (SELECT k.lab_type, k.sessions, k.session_us
              FROM usage_window(since) AS w
              JOIN usage_spans k ON k.span = w.span AND k.at >= w.first_at AND k.at <= w.last_at
             WHERE k.lab_type = ANY (labs)
            UNION ALL
            SELECT u.lab_type, 1, u.session_us
              FROM usage_sessions u WHERE u.lab_type = ANY (labs) AND u.at >= since AND u.at < whole
            UNION ALL
            SELECT side.lab_type, side.sign, side.sign * side.session_us
              FROM usage_session_changes(changes) AS d,
                   LATERAL (VALUES (-1, d.old_lab, d.old_at, d.old_us), (1, d.new_lab, d.new_at, d.new_us))
                        AS side (sign, lab_type, at, session_us)
             WHERE side.at >= since AND side.lab_type = ANY (labs)) AS part
     GROUP BY 1;
END
$$;

-- From when on a window of so many days counts; beyond 36500 it is the whole history.
CREATE OR REPLACE FUNCTION usage_days_ago(days bigint) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN days > 36500 THEN '-infinity' ELSE now() - days * interval '24 hours' END
$$;

-- Works all that is derived out anew from usage_events: at the first run, and for an operator after data came in
-- while triggers were disabled. Writers wait meanwhile, readers do not.
CREATE OR REPLACE FUNCTION usage_rebuild() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE usage_events IN SHARE ROW EXCLUSIVE MODE;
    PERFORM pg_advisory_xact_lock(7205759403792796); -- usage_fold's
    DELETE FROM usage_changes;
    DELETE FROM usage_counts;
    DELETE FROM usage_spans;
    DELETE FROM usage_last_seen;
    DELETE FROM usage_sessions;

    INSERT INTO usage_counts (lab_type, span, at, event_type, events)
    SELECT lab_type, s.span, usage_span_of(s.span, at), event_type, sum(events)
      FROM (SELECT lab_type, usage_span_of('minute', coalesce(timestamp, '-infinity')) AS at,
                   coalesce(event_type, 'null') AS event_type, count(*) AS events
              FROM usage_events WHERE lab_type IS NOT NULL GROUP BY 1, 2, 3) AS e,
           (VALUES ('day'), ('hour'), ('minute')) AS s (span)
     GROUP BY 1, 2, 3, 4;

    INSERT INTO usage_last_seen (lab_type, user_id, minute)
    SELECT lab_type, user_id, usage_span_of('minute', max(coalesce(timestamp, '-infinity')))
      FROM usage_events WHERE lab_type IS NOT NULL AND user_id IS NOT NULL GROUP BY 1, 2;

    -- A complete's owner is the step of its session right before it, where that is a start; else the last start.
    INSERT INTO usage_sessions (start_id, lab_type, user_id, at, ended_at, session_us)
    WITH step AS (
        SELECT id, lab_type, user_id, session_key, at, is_start,
               lag(CASE WHEN is_start THEN place END) OVER by_session AS own,
               max(CASE WHEN is_start THEN place END) OVER by_user AS last
          FROM (SELECT id, lab_type, user_id, session_key, at, event_type = 'start' AS is_start,
                       row_number() OVER (ORDER BY lab_type, user_id, at, id) AS place
                  FROM usage_steps
                 WHERE lab_type IS NOT NULL AND user_id IS NOT NULL) AS placed
        WINDOW by_user AS (PARTITION BY lab_type, user_id ORDER BY place),
               by_session AS (PARTITION BY lab_type, user_id, session_key ORDER BY place)
    ), start AS (
        SELECT id, lab_type, user_id, session_key, at, last AS place FROM step WHERE is_start
    )
    SELECT DISTINCT ON (start.id) start.id, start.lab_type, start.user_id, start.at, c.at,
           (extract(epoch FROM c.at - start.at) * 1000000)::bigint
      FROM step c
      JOIN start ON start.place = CASE WHEN c.session_key IS NOT NULL THEN coalesce(c.own, c.last) ELSE c.last END
     WHERE NOT c.is_start
       AND (c.session_key IS NULL OR c.own IS NOT NULL OR start.session_key IS NULL)
     ORDER BY start.id, c.at, c.id;

    INSERT INTO usage_spans (lab_type, span, at, users, sessions, session_us)
    SELECT lab_type, s.span, usage_span_of(s.span, d.at), sum(users), sum(sessions), sum(session_us)
      FROM (SELECT lab_type, minute AS at, 1 AS users, 0 AS sessions, 0 AS session_us FROM usage_last_seen
            UNION ALL
            SELECT lab_type, at, 0, 1, session_us FROM usage_sessions) AS d,
           (VALUES ('day'), ('hour'), ('minute')) AS s (span)
     GROUP BY 1, 2, 3;
END
$$;

-- The first run: from here on changes are noted. The triggers' lock keeps writers out until all is committed.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'usage_events'::regclass AND tgname = 'usage_inserted') THEN
        RETURN;
    END IF;
    CREATE TRIGGER usage_inserted AFTER INSERT ON usage_events
        REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION usage_note();
    CREATE TRIGGER usage_updated AFTER UPDATE ON usage_events
        REFERENCING OLD TABLE AS gone NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION usage_note();
    CREATE TRIGGER usage_deleted AFTER DELETE ON usage_events
        REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION usage_note();
    CREATE TRIGGER usage_truncated AFTER TRUNCATE ON usage_events
        FOR EACH STATEMENT EXECUTE FUNCTION usage_forget();
    PERFORM usage_rebuild();
END
$$;
