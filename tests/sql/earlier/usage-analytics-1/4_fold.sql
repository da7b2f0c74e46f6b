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

