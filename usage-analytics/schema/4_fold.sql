-- How the derived tables are brought up to date: by folding notes, and by working out whole lab types again.

-- Takes up to `most` notes into the derived tables; how many, or null where somebody else is at it. One at a time
-- does this, so that its rows are never fought for. Each statement below is right whatever is written meanwhile:
-- it sets what the taken notes touch to what is true in its snapshot, and what comes later leaves its own note.
-- Lab types with a mark are left alone. It is planned once a connection, perhaps while the tables were empty and
-- nothing was known of them: the settings say that every step is to be a probe of an index.
CREATE OR REPLACE FUNCTION usage_fold(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    taken usage_notes[];
    marked text[];
    earlier pg_snapshot := pg_current_snapshot();
    own xid8 := pg_current_xact_id_if_assigned(); -- it may yet write, and is in no snapshot of its own
    alive xid8[] := array_remove(ARRAY(SELECT pg_snapshot_xip(earlier)) || own, NULL);
BEGIN
    LOCK TABLE usage_events IN ACCESS SHARE MODE; -- before all else: a TRUNCATE then waits, or has emptied all
    IF NOT pg_try_advisory_xact_lock(7205759403792796) THEN
        RETURN NULL;
    END IF;
    IF NOT (SELECT taken_over FROM usage_state) THEN
        RETURN 0;
    END IF;

    marked := ARRAY(SELECT lab_type FROM usage_marks);
    WITH these AS (
        DELETE FROM usage_notes n
         WHERE n.ctid = ANY (ARRAY(SELECT u.place FROM usage_unfolded u
                                    WHERE u.lab_type <> ALL (marked)
                                    LIMIT most))
        RETURNING n)
    SELECT array_agg(these.n) INTO taken FROM these;
    IF taken IS NULL THEN
        RETURN 0;
    END IF;
    -- All that had ended in the earlier snapshot was visible; none of it is left if there was room for all.
    IF cardinality(taken) < most AND marked = '{}' THEN
        UPDATE usage_state SET before = pg_snapshot_xmax(earlier), running = alive
         WHERE (before, running) IS DISTINCT FROM (pg_snapshot_xmax(earlier), alive);
    END IF;

    INSERT INTO usage_by_type AS k (lab_type, span, at, event_type, events)
    SELECT n.lab_type, s.span, usage_span_of(s.span, n.at), n.event_type, sum(n.sign)
      FROM (SELECT lab_type, event_type, usage_span_of('slot', at) AS at, sum(sign) AS sign
              FROM unnest(taken) GROUP BY 1, 2, 3) AS n,
           (VALUES ('day'), ('hour'), ('slot')) AS s (span)
     GROUP BY 1, 2, 3, 4
    HAVING sum(n.sign) <> 0
    ON CONFLICT (lab_type, span, at, md5(event_type)) DO UPDATE SET events = k.events + excluded.events;

    WITH seen AS MATERIALIZED (
        SELECT * FROM usage_seen_changes(taken) WHERE old_slot IS DISTINCT FROM new_slot
    ), unseen AS (
        DELETE FROM usage_seen l USING seen
         WHERE seen.new_slot IS NULL AND l.lab_type = seen.lab_type AND l.user_id = seen.user_id
    ), noted AS (
        INSERT INTO usage_seen (lab_type, user_id, slot)
        SELECT lab_type, user_id, new_slot FROM seen WHERE new_slot IS NOT NULL
        ON CONFLICT (lab_type, user_id) DO UPDATE SET slot = excluded.slot
    ), pair AS MATERIALIZED (
        SELECT * FROM usage_pair_changes(taken)
    ), parted AS (
        DELETE FROM usage_pairs u USING pair
         WHERE pair.new_at IS NULL AND u.lab_type = pair.lab_type AND u.start_id = pair.start_id
    ), paired AS (
        INSERT INTO usage_pairs (lab_type, start_id, user_id, at, ended_at, session_us)
        SELECT lab_type, start_id, new_user, new_at, new_end, new_us FROM pair WHERE new_at IS NOT NULL
        ON CONFLICT (lab_type, start_id) DO UPDATE
            SET user_id = excluded.user_id, at = excluded.at, ended_at = excluded.ended_at,
                session_us = excluded.session_us
    ), difference AS (
        SELECT lab_type, old_slot AS at, -1 AS users, 0 AS sessions, 0 AS session_us
          FROM seen WHERE old_slot IS NOT NULL
        UNION ALL
        SELECT lab_type, new_slot, 1, 0, 0 FROM seen WHERE new_slot IS NOT NULL
        UNION ALL
        SELECT lab_type, old_at, 0, -1, -old_us FROM pair WHERE old_at IS NOT NULL
        UNION ALL
        SELECT lab_type, new_at, 0, 1, new_us FROM pair WHERE new_at IS NOT NULL
    )
    INSERT INTO usage_by_lab AS k (lab_type, span, at, users, sessions, session_us)
    SELECT d.lab_type, s.span, usage_span_of(s.span, d.at), sum(d.users), sum(d.sessions), sum(d.session_us)
      FROM (SELECT lab_type, usage_span_of('slot', at) AS at, sum(users) AS users, sum(sessions) AS sessions,
                   sum(session_us) AS session_us
              FROM difference GROUP BY 1, 2) AS d,
           (VALUES ('day'), ('hour'), ('slot')) AS s (span)
     GROUP BY 1, 2, 3
    HAVING sum(d.users) <> 0 OR sum(d.sessions) <> 0 OR sum(d.session_us) <> 0
    ON CONFLICT (lab_type, span, at) DO UPDATE
        SET users = k.users + excluded.users, sessions = k.sessions + excluded.sessions,
            session_us = k.session_us + excluded.session_us;
    RETURN cardinality(taken);
END
$$;

-- The sessions of a lab type, worked out in one pass over its steps: what usage_session_end finds by probes for one
-- start. A complete's owner is the step of its session right before it, where that is a start; else the last start.
CREATE OR REPLACE FUNCTION usage_pairs_of(lab text)
RETURNS TABLE (start_id bigint, user_id text, at timestamptz, ended_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN owned THEN own_id ELSE last_id END, min(who), CASE WHEN owned THEN own_at ELSE last_at END, min(at)
      FROM (SELECT *, session IS NOT NULL AND own_id IS NOT NULL AS owned,
                   first_value(id) OVER turn AS last_id, first_value(at) OVER turn AS last_at,
                   first_value(session) OVER turn AS last_session
              FROM (SELECT *, count(*) FILTER (WHERE starts) OVER (PARTITION BY who ORDER BY at, id) AS turn,
                           lag(CASE WHEN starts THEN id END) OVER own AS own_id, lag(at) OVER own AS own_at
                      FROM (SELECT id::bigint AS id, e.user_id COLLATE "C" AS who, timestamp AS at,
                                   event_type = 'start' AS starts, usage_session_key(event_data) COLLATE "C" AS session
                              FROM usage_events e
                             WHERE lab_type = lab AND e.user_id IS NOT NULL AND event_type IN ('start', 'complete')
                               AND usage_has_place(timestamp)) AS step
                    WINDOW own AS (PARTITION BY who, session ORDER BY at, id)) AS placed
             WHERE turn > 0
            WINDOW turn AS (PARTITION BY who, turn ORDER BY at, id)) AS step
     WHERE NOT starts AND (owned OR session IS NULL OR last_session IS NULL)
     GROUP BY 1, 3
$$;

-- Works a lab type out again from usage_events, in one snapshot, whatever is written meanwhile: what is not to be seen
-- in it leaves its own note.
CREATE OR REPLACE FUNCTION usage_work_out(lab text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET jit = off SET work_mem = '32MB' SET plan_cache_mode = force_custom_plan
SET enable_seqscan = on SET enable_hashjoin = on SET enable_mergejoin = on SET statement_timeout = 0 AS $$
BEGIN
    DELETE FROM usage_by_type WHERE lab_type = lab;
    DELETE FROM usage_by_lab WHERE lab_type = lab;
    DELETE FROM usage_seen WHERE lab_type = lab;
    DELETE FROM usage_pairs WHERE lab_type = lab;

    WITH noted AS (
        DELETE FROM usage_notes WHERE lab_type = lab
    ), marked AS (
        DELETE FROM usage_marks WHERE lab_type = lab
    ), counted AS (
        INSERT INTO usage_by_type (lab_type, span, at, event_type, events)
        SELECT lab, s.span, usage_span_of(s.span, e.at), e.event_type, sum(e.events)
          FROM (SELECT usage_span_of('slot', coalesce(timestamp, '-infinity')) AS at,
                       coalesce(event_type, 'null') AS event_type, count(*) AS events
                  FROM usage_events WHERE lab_type = lab GROUP BY 1, 2) AS e,
               (VALUES ('day'), ('hour'), ('slot')) AS s (span)
         GROUP BY 2, 3, 4
    ), seen AS (
        INSERT INTO usage_seen (lab_type, user_id, slot)
        SELECT lab, user_id, usage_span_of('slot', max(coalesce(timestamp, '-infinity')))
          FROM usage_events WHERE lab_type = lab AND user_id IS NOT NULL GROUP BY user_id
        RETURNING slot
    ), paired AS (
        INSERT INTO usage_pairs (lab_type, start_id, user_id, at, ended_at, session_us)
        SELECT lab, start_id, user_id, at, ended_at, (extract(epoch FROM ended_at - at) * 1000000)::bigint
          FROM usage_pairs_of(lab)
        RETURNING at, session_us
    )
    INSERT INTO usage_by_lab (lab_type, span, at, users, sessions, session_us)
    SELECT lab, s.span, usage_span_of(s.span, d.at), sum(d.users), sum(d.sessions), sum(d.session_us)
      FROM (SELECT slot AS at, count(*) AS users, 0 AS sessions, 0 AS session_us FROM seen GROUP BY 1
            UNION ALL
            SELECT usage_span_of('slot', at), 0, count(*), sum(session_us) FROM paired GROUP BY 1) AS d,
           (VALUES ('day'), ('hour'), ('slot')) AS s (span)
     GROUP BY 2, 3;
END
$$;

-- A slice of what is to be worked out: the history's lab types get their marks, or one with a mark is done. How many
-- are left; 0 also where somebody else is at it. The lock held meanwhile keeps out nothing but TRUNCATE and ALTER. A
-- mark is to be seen by everybody who folds before its lab type is worked out, so each slice is a transaction.
CREATE OR REPLACE FUNCTION usage_work_out_next() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    lab text;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE 'usage_work_out_next() needs a transaction of its own' USING ERRCODE = 'active_sql_transaction';
    END IF;
    LOCK TABLE usage_events IN ACCESS SHARE MODE;
    IF NOT pg_try_advisory_xact_lock(7205759403792797) THEN
        RETURN 0;
    END IF;
    IF NOT (SELECT taken_over FROM usage_state) THEN
        WITH known AS (
            INSERT INTO usage_marks
            SELECT lab_type FROM usage_events WHERE lab_type IS NOT NULL
            UNION SELECT lab_type FROM usage_by_type UNION SELECT lab_type FROM usage_by_lab
        )
        UPDATE usage_state SET taken_over = true;
        RETURN (SELECT count(*) FROM usage_marks);
    END IF;
    SELECT lab_type INTO lab FROM usage_marks LIMIT 1;
    IF lab IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_lock(7205759403792796); -- a fold that has not seen the mark ends first
    PERFORM pg_advisory_unlock(7205759403792796);
    PERFORM usage_work_out(lab);
    RETURN (SELECT count(*) FROM usage_marks);
END
$$;

-- Has everything worked out again by the daemons: for an operator after data came in while triggers were disabled.
CREATE OR REPLACE FUNCTION usage_rebuild() RETURNS void
LANGUAGE sql AS $$
    UPDATE usage_state SET taken_over = false
$$;
