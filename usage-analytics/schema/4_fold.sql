-- How the derived tables are brought up to date: by folding notes, and by working out whole lab types again.

-- Folds up to `most` notes into the derived tables. Returns their number, or null if another connection folds. Only one
-- connection at a time does this, so nobody competes for these rows. Each statement below is correct whatever others
-- write at the same time: it sets every value that the notes cover to the correct value of its snapshot, and a later
-- change leaves a note of its own. Lab types with a mark are skipped. The statements are planned once per connection,
-- perhaps while the tables are empty and have no statistics: the settings leave only index lookups.
CREATE OR REPLACE FUNCTION usage_fold(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    taken usage_notes[];
    marked text[];
    emptied tid[];
    earlier pg_snapshot := pg_current_snapshot();
    -- Its own transaction may still write, and may have a lower number than some that had ended in its snapshot.
    first xid8 := least(pg_snapshot_xmax(earlier), pg_current_xact_id_if_assigned());
    alive xid8[] := ARRAY(SELECT pg_snapshot_xip(earlier));
BEGIN
    -- This lock comes first: a TRUNCATE then waits for the end of the fold, or has already emptied everything.
    LOCK TABLE usage_events IN ACCESS SHARE MODE;
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
    -- The notes of all transactions that had ended in the earlier snapshot were visible. If fewer than `most` were
    -- found, and no lab type is marked, none of these is left.
    IF cardinality(taken) < most AND marked = '{}' THEN
        UPDATE usage_state SET before = first, running = alive
         WHERE (before, running) IS DISTINCT FROM (first, alive);
    END IF;

    WITH changed AS (
        INSERT INTO usage_by_type AS k (lab_type, span, at, event_type, events)
        SELECT n.lab_type, s.span, usage_span_of(s.span, n.at), n.event_type, sum(n.sign)
          FROM (SELECT lab_type, event_type, usage_span_of('slot', at) AS at, sum(sign) AS sign
                  FROM unnest(taken) GROUP BY 1, 2, 3) AS n,
               (VALUES ('day'), ('hour'), ('slot')) AS s (span)
         GROUP BY 1, 2, 3, 4
        HAVING sum(n.sign) <> 0
        ON CONFLICT (lab_type, span, at, md5(event_type)) DO UPDATE SET events = k.events + excluded.events
        RETURNING ctid, events
    )
    SELECT array_agg(ctid) INTO emptied FROM changed WHERE events = 0;
    -- No text of an event that is gone stays.
    DELETE FROM usage_by_type WHERE ctid = ANY (emptied);

    WITH seen AS MATERIALIZED (
        SELECT * FROM usage_seen_changes(taken) WHERE old_slot IS DISTINCT FROM new_slot
    ), unseen AS (
        DELETE FROM usage_seen
         WHERE ctid = ANY (ARRAY(SELECT l.place FROM seen, LATERAL usage_seen_of(seen.lab_type, seen.user_id) AS l
                                  WHERE seen.new_slot IS NULL))
    ), noted AS (
        INSERT INTO usage_seen (lab_type, user_id, slot)
        SELECT lab_type, user_id, new_slot FROM seen WHERE new_slot IS NOT NULL
        ON CONFLICT (lab_type, user_id) DO UPDATE SET slot = excluded.slot
    ), pair AS MATERIALIZED (
        SELECT * FROM usage_pair_changes(taken)
    ), parted AS (
        DELETE FROM usage_pairs
         WHERE ctid = ANY (ARRAY(SELECT u.place FROM pair, LATERAL usage_pair_of(pair.lab_type, pair.start_id) AS u
                                  WHERE pair.new_at IS NULL))
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
    ), changed AS (
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
                session_us = k.session_us + excluded.session_us
        RETURNING ctid, users, sessions
    )
    SELECT array_agg(ctid) INTO emptied FROM changed WHERE users = 0 AND sessions = 0;
    DELETE FROM usage_by_lab WHERE ctid = ANY (emptied);
    RETURN cardinality(taken);
END
$$;
-- grant: EXECUTE ON FUNCTION usage_fold

-- The sessions of a lab type, of `one` user or, if that is null, of all, worked out in one pass over the steps.
-- usage_session_end finds the same by index lookups for one start. A complete belongs to the step of its session id
-- right before it, if that is a start (`owned`); otherwise to the last start before it. A turn is a start and what
-- follows it, up to the user's next start. So a start has at most one complete of the first kind, and its completes of
-- the second kind are in its turn. Both orders begin with the user, so the second sort handles the steps of one user at
-- a time. One user's events are found by the user, never by the lab type, whatever is known of the table.
CREATE OR REPLACE FUNCTION usage_pairs_within(lab text, one text)
RETURNS TABLE (start_id bigint, user_id text, at timestamptz, ended_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT start_id, who, start_at, ended_at
      FROM (SELECT who, min(id) FILTER (WHERE starts) AS start_id, min(at) FILTER (WHERE starts) AS start_at,
                   least(min(own_end),
                         CASE WHEN bool_and(session IS NULL) FILTER (WHERE starts)
                              THEN min(at) FILTER (WHERE NOT starts AND NOT owned)
                              ELSE min(at) FILTER (WHERE NOT starts AND NOT owned AND session IS NULL) END) AS ended_at
              FROM (SELECT *, count(*) FILTER (WHERE starts)
                                  OVER (PARTITION BY who ORDER BY at, id ROWS UNBOUNDED PRECEDING) AS turn
                      FROM (SELECT *, session IS NOT NULL AND NOT starts AND lag(starts, 1, false) OVER own AS owned,
                                   CASE WHEN session IS NOT NULL AND starts
                                        THEN lead(CASE WHEN NOT starts THEN at END) OVER own END AS own_end
                              FROM (SELECT id::bigint AS id, e.user_id COLLATE "C" AS who, timestamp AS at,
                                           event_type = 'start' AS starts,
                                           usage_session_key_in_query(event_data) COLLATE "C" AS session
                                      FROM usage_events e
                                     WHERE CASE WHEN one IS NULL THEN lab_type = lab AND e.user_id IS NOT NULL
                                                ELSE e.user_id = one AND lab_type || '' = lab END
                                       AND event_type IN ('start', 'complete')
                                       AND usage_has_place(timestamp)) AS step
                            WINDOW own AS (PARTITION BY who, session ORDER BY at, id)) AS placed) AS turned
             WHERE turn > 0
             GROUP BY who, turn) AS session
     WHERE ended_at IS NOT NULL
$$;

CREATE OR REPLACE FUNCTION usage_pairs_of(lab text)
RETURNS TABLE (start_id bigint, user_id text, at timestamptz, ended_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT * FROM usage_pairs_within(lab, NULL)
$$;

-- Works a lab type out again from usage_events, in one snapshot, whatever others write at the same time: a change that
-- the snapshot does not see leaves a note of its own. The rows are stored in the order of their times: what a report
-- reads is then in few pages.
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
         ORDER BY 2, 3
    ), seen AS (
        INSERT INTO usage_seen (lab_type, user_id, slot)
        SELECT lab, user_id, usage_span_of('slot', max(coalesce(timestamp, '-infinity')))
          FROM usage_events WHERE lab_type = lab AND user_id IS NOT NULL GROUP BY user_id
        RETURNING slot
    ), paired AS (
        INSERT INTO usage_pairs (lab_type, start_id, user_id, at, ended_at, session_us)
        SELECT lab, start_id, user_id, at, ended_at, (extract(epoch FROM ended_at - at) * 1000000)::bigint
          FROM usage_pairs_of(lab)
         ORDER BY at
        RETURNING at, session_us
    )
    INSERT INTO usage_by_lab (lab_type, span, at, users, sessions, session_us)
    SELECT lab, s.span, usage_span_of(s.span, d.at), sum(d.users), sum(d.sessions), sum(d.session_us)
      FROM (SELECT slot AS at, count(*) AS users, 0 AS sessions, 0 AS session_us FROM seen GROUP BY 1
            UNION ALL
            SELECT usage_span_of('slot', at), 0, count(*), sum(session_us) FROM paired GROUP BY 1) AS d,
           (VALUES ('day'), ('hour'), ('slot')) AS s (span)
     GROUP BY 2, 3
     ORDER BY 2, 3;
END
$$;

-- The next slice of working out. The first one marks all lab types of the history; each later one works out a marked
-- lab type. Returns how many are left; also 0 if another connection does this. The lock on usage_events holds up only
-- TRUNCATE and ALTER. Everybody who folds must see a mark before its lab type is worked out, so each slice is a
-- transaction of its own.
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
    PERFORM pg_advisory_lock(7205759403792796); -- waits for the end of a fold that has not seen the mark
    PERFORM pg_advisory_unlock(7205759403792796);
    PERFORM usage_work_out(lab);
    RETURN (SELECT count(*) FROM usage_marks);
END
$$;
-- grant: EXECUTE ON FUNCTION usage_work_out_next

-- Makes the daemons work everything out again. An operator calls it after data was loaded with triggers disabled.
CREATE OR REPLACE FUNCTION usage_rebuild() RETURNS void
LANGUAGE sql AS $$
    UPDATE usage_state SET taken_over = false
$$;
