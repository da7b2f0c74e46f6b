-- What is answered from the events of a range of time: who was active, and which starts were completed. It is read from
-- an index that has everything needed of an event, so few rows of usage_events have to be read.

-- The events from `since` on and before `until`, in no order. An event without a time is not included. Events with
-- names that are too long for the index usage_events_at have an index of their own (7_steps.sql). PostgreSQL inlines
-- this function into the query.
CREATE OR REPLACE FUNCTION usage_events_between(since timestamptz, until timestamptz)
RETURNS TABLE (at timestamptz, id bigint, user_id text, lab_type text, event_type text)
LANGUAGE sql STABLE AS $$
    SELECT timestamp, id::bigint, user_id::text, lab_type::text, event_type::text
      FROM usage_events
     WHERE timestamp >= since AND timestamp < until
       AND coalesce(octet_length(user_id), 0) + coalesce(octet_length(lab_type), 0)
           + coalesce(octet_length(event_type), 0) <= 2000
    UNION ALL
    SELECT timestamp, id::bigint, user_id::text, lab_type::text, event_type::text
      FROM usage_events
     WHERE timestamp >= since AND timestamp < until
       AND coalesce(octet_length(user_id), 0) + coalesce(octet_length(lab_type), 0)
           + coalesce(octet_length(event_type), 0) > 2000
$$;

-- Active users, a row per day: the number of users who were active on the day, the same for the 7 and for the 30 days
-- that end with it, and the number of users whose first event of all is on the day. Each row also has the numbers for
-- the last 1, 7 and 30 times 24 hours. The days begin at `edges`; the last element is the end, and nothing after it
-- counts. The first `before` days are used only to look back. `lab`: only events in this lab type count; null: in any.
--
-- The time is cut at the start of each day and of each window. If a user is active on day n, and the next time on day
-- m, then the user is active in the 30 days that end with each day from n to the smaller of m - 1 and n + 29. So one
-- pass over the days of all users gives the sums for windows of any length. If a user appears for the first time on a
-- day that is shown, an index lookup finds whether there are earlier events. These users are few, because the events
-- are read from 30 days before the first day that is shown. While the index usage_events_at is not built yet, the table
-- is read twice instead.
CREATE OR REPLACE FUNCTION usage_active(lab text, edges timestamptz[], before integer)
RETURNS TABLE (day integer, active bigint, active_7_days bigint, active_30_days bigint, new bigint,
               active_1 bigint, active_7 bigint, active_30 bigint, new_30 bigint)
LANGUAGE plpgsql STABLE ROWS 90
SET enable_seqscan = off SET jit = off SET work_mem = '32MB' SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    day_long CONSTANT interval := '24 hours';
    days integer := cardinality(edges) - 1;
    starts timestamptz[] := trim_array(edges, 1);
    until timestamptz := edges[days + 1];
    since timestamptz := least(edges[1], until - 60 * day_long);
    indexed boolean := coalesce((SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('usage_events_at')), false);
BEGIN
    RETURN QUERY
    WITH piece AS MATERIALIZED (
        SELECT at AS begins, lead(at, 1, 'infinity') OVER (ORDER BY at) AS ends,
               CASE WHEN at < until THEN width_bucket(at, starts) ELSE days + 1 END AS day
          FROM (SELECT unnest(edges) AS at
                UNION SELECT until - n * day_long FROM unnest('{1, 7, 30, 60}'::integer[]) AS n) AS edge
    ), visit AS (
        SELECT p.day, p.begins, v.user_id
          FROM piece AS p,
               LATERAL (
                SELECT e.user_id::text COLLATE "C" AS user_id
                  FROM usage_events e
                 WHERE e.timestamp >= p.begins AND e.timestamp < p.ends
                   AND coalesce(octet_length(e.user_id), 0) + coalesce(octet_length(e.lab_type), 0)
                       + coalesce(octet_length(e.event_type), 0) <= 2000
                   AND e.user_id IS NOT NULL AND e.lab_type IS NOT NULL AND (lab IS NULL OR e.lab_type = lab)
                 GROUP BY e.user_id
                UNION ALL
                SELECT e.user_id
                  FROM usage_events e
                 WHERE e.timestamp >= p.begins AND e.timestamp < p.ends
                   AND coalesce(octet_length(e.user_id), 0) + coalesce(octet_length(e.lab_type), 0)
                       + coalesce(octet_length(e.event_type), 0) > 2000
                   AND e.user_id IS NOT NULL AND e.lab_type IS NOT NULL AND (lab IS NULL OR e.lab_type = lab)) AS v
         WHERE indexed
        UNION ALL
        SELECT p.day, p.begins, e.user_id
          FROM (SELECT DISTINCT e.user_id, width_bucket(e.timestamp, ARRAY(SELECT begins FROM piece ORDER BY begins)) AS place
                  FROM usage_events e
                 WHERE NOT indexed AND e.timestamp >= since AND e.timestamp < 'infinity'
                   AND e.user_id IS NOT NULL AND e.lab_type IS NOT NULL AND (lab IS NULL OR e.lab_type = lab)) AS e
          JOIN (SELECT *, row_number() OVER (ORDER BY begins) AS place FROM piece) AS p ON p.place = e.place
    ), stay AS MATERIALIZED (
        SELECT v.user_id, v.day, v.begins, lead(v.day) OVER days AS next_day, lag(v.day) OVER days IS NULL AS is_first
          FROM visit AS v
        WINDOW days AS (PARTITION BY v.user_id ORDER BY v.begins)
    ), fresh AS MATERIALIZED (
        SELECT s.day, s.begins
          FROM stay AS s
         WHERE s.is_first AND (s.day > before OR s.begins >= until - 30 * day_long)
           AND CASE WHEN NOT indexed THEN (
                SELECT true
                 WHERE s.user_id IN (
                    SELECT DISTINCT e.user_id FROM usage_events e
                     WHERE coalesce(e.timestamp, '-infinity') < since AND e.user_id IS NOT NULL
                       AND e.lab_type IS NOT NULL AND (lab IS NULL OR e.lab_type = lab)))
               WHEN lab IS NULL THEN (
                SELECT true FROM usage_events e
                 WHERE hashtextextended(e.user_id, 0) = hashtextextended(s.user_id, 0) AND e.user_id = s.user_id
                   AND greatest(e.timestamp, '-infinity') < since AND e.lab_type IS NOT NULL
                 LIMIT 1)
               ELSE (
                SELECT true
                  FROM (SELECT FROM usage_events e
                         WHERE usage_user_hash(e.lab_type, e.user_id) = usage_user_hash(lab, s.user_id)
                           AND (e.lab_type, e.user_id) IS NOT DISTINCT FROM (lab, s.user_id)
                           AND coalesce(e.timestamp, '-infinity') < since AND e.event_type = 'start'
                        UNION ALL
                        SELECT FROM usage_events e
                         WHERE usage_user_hash(e.lab_type, e.user_id) = usage_user_hash(lab, s.user_id)
                           AND (e.lab_type, e.user_id) IS NOT DISTINCT FROM (lab, s.user_id)
                           AND coalesce(e.timestamp, '-infinity') < since AND e.event_type = 'complete'
                        UNION ALL
                        SELECT FROM usage_events e
                         WHERE usage_user_hash(e.lab_type, e.user_id) = usage_user_hash(lab, s.user_id)
                           AND (e.lab_type, e.user_id) IS NOT DISTINCT FROM (lab, s.user_id)
                           AND coalesce(e.timestamp, '-infinity') < since
                           AND (e.event_type IN ('start', 'complete')) IS NOT TRUE) AS earlier
                 LIMIT 1) END IS NULL
    ), change AS (
        SELECT c.day, sum(c.one) AS one, sum(c.seven) AS seven, sum(c.thirty) AS thirty
          FROM (SELECT s.day, least(s.next_day - s.day, 30) AS gap, count(*) AS users FROM stay AS s GROUP BY 1, 2) AS g,
               LATERAL (VALUES (g.day, g.users, g.users, g.users),
                               (g.day + least(g.gap, 1), -g.users, 0, 0),
                               (g.day + least(g.gap, 7), 0, -g.users, 0),
                               (g.day + least(g.gap, 30), 0, 0, -g.users)) AS c (day, one, seven, thirty)
         GROUP BY 1
    ), summed AS (
        SELECT d.day, sum(c.one) OVER until_day AS one, sum(c.seven) OVER until_day AS seven,
               sum(c.thirty) OVER until_day AS thirty
          FROM generate_series(0, days) AS d (day)
          LEFT JOIN change AS c ON c.day = d.day
        WINDOW until_day AS (ORDER BY d.day)
    )
    SELECT n.day - before, coalesce(n.one, 0)::bigint, coalesce(n.seven, 0)::bigint, coalesce(n.thirty, 0)::bigint,
           coalesce(b.users, 0), last.one, last.seven, last.thirty,
           (SELECT count(*) FROM fresh AS f WHERE f.begins >= until - 30 * day_long)
      FROM summed AS n
      LEFT JOIN (SELECT f.day, count(*) AS users FROM fresh AS f GROUP BY 1) AS b ON b.day = n.day,
           (SELECT count(*) FILTER (WHERE s.begins >= until - day_long) AS one,
                   count(*) FILTER (WHERE s.begins >= until - 7 * day_long) AS seven,
                   count(*) FILTER (WHERE s.begins >= until - 30 * day_long) AS thirty
              FROM stay AS s WHERE s.next_day IS NULL) AS last
     WHERE n.day > before
     ORDER BY n.day;
END
$$;

-- The sessions that start from `since` on and before `until`: their starts and durations. The first function works them
-- out from the events. The second one uses it for lab types that are not kept.
CREATE OR REPLACE FUNCTION usage_sessions_worked_out(labs text[], since timestamptz, until timestamptz)
RETURNS TABLE (lab_type text, start_id bigint, session_us bigint)
LANGUAGE plpgsql STABLE
SET enable_seqscan = on SET enable_bitmapscan = on SET enable_hashjoin = on SET enable_mergejoin = on
SET jit = off SET work_mem = '32MB' SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    lab text;
BEGIN
    FOREACH lab IN ARRAY labs LOOP
        RETURN QUERY
        SELECT lab, p.start_id, (extract(epoch FROM p.ended_at - p.at) * 1000000)::bigint
          FROM usage_pairs_of(lab) AS p
         WHERE p.at >= since AND p.at < until;
    END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION usage_sessions_between(labs text[], since timestamptz, until timestamptz)
RETURNS TABLE (lab_type text, start_id bigint, session_us bigint)
LANGUAGE plpgsql STABLE ROWS 10000
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    kept text[];
    others text[];
    notes usage_notes[];
BEGIN
    SELECT d.kept, d.others, d.notes INTO kept, others, notes FROM usage_divide(labs) AS d;
    IF others <> '{}' THEN
        RETURN QUERY SELECT * FROM usage_sessions_worked_out(others, since, until);
    END IF;
    IF kept = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH changed AS MATERIALIZED (
        SELECT c.lab_type, c.start_id, c.new_at, c.new_us FROM usage_pair_changes(notes) AS c)
    SELECT p.lab_type, p.start_id, p.session_us
      FROM usage_pairs p
     WHERE p.lab_type = ANY (kept) AND p.at >= since AND p.at < until
       AND (p.lab_type, p.start_id) NOT IN (SELECT c.lab_type, c.start_id FROM changed AS c)
    UNION ALL
    SELECT c.lab_type, c.start_id, c.new_us FROM changed AS c WHERE c.new_at >= since AND c.new_at < until;
END
$$;

-- Whether a start without a complete cannot be ended any more: a later start of the user took over, and the start has
-- no session id, or a later start has the same one (docs/sessions.md). Names are passed to this in the database's own
-- order, as to all functions that use the indexes of steps. Until these are built, the user's events are read.
CREATE OR REPLACE FUNCTION usage_is_taken_over(lab text, who text, start_at timestamptz, start_id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    session text;
BEGIN
    SELECT usage_session_key(event_data) INTO session FROM usage_events WHERE id = start_id;
    IF NOT (SELECT taken_over FROM usage_state) THEN
        RETURN EXISTS (SELECT FROM usage_events n
                        WHERE n.user_id = who AND n.lab_type = lab AND n.event_type = 'start'
                          AND usage_has_place(n.timestamp) AND (n.timestamp, n.id) > (start_at, start_id)
                          AND (session IS NULL OR usage_session_key(n.event_data) = session));
    END IF;
    RETURN (SELECT n.id FROM usage_steps_of_user('start', lab, who) AS n
             WHERE (n.at, n.id) > (start_at, start_id)
             ORDER BY n.at, n.id LIMIT 1) IS NOT NULL
           AND (session IS NULL
                OR (SELECT n.id FROM usage_steps_of_session('start', lab, who, session) AS n
                     WHERE (n.at, n.id) > (start_at, start_id)
                     ORDER BY n.at, n.id LIMIT 1) IS NOT NULL);
END
$$;

-- What became of the starts from `since` on and before `until`; docs/what-the-data-say.md defines the columns. A row
-- for each lab type, and a row for all, in which `of_lab` is false. `limit_us`: the longest duration of a session that
-- counts as completed; until it has passed at `ends`, the present time, a start may be open.
CREATE OR REPLACE FUNCTION usage_funnel(lab text, since timestamptz, until timestamptz, ends timestamptz, limit_us bigint)
RETURNS TABLE (of_lab boolean, lab_type text, started bigint, completed bigint, late bigint, open bigint,
               users_started bigint, users_completed bigint, p50 float8, p90 float8, p95 float8, average float8)
LANGUAGE plpgsql STABLE ROWS 20
SET enable_seqscan = off SET jit = off SET work_mem = '32MB' SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH begun AS MATERIALIZED (
        SELECT e.id, e.at, e.user_id, e.lab_type
          FROM usage_events_between(since, until) AS e
         WHERE e.event_type = 'start' AND (lab IS NULL OR e.lab_type = lab)
    ), fate AS MATERIALIZED (
        SELECT b.lab_type COLLATE "C" AS lab_type, b.user_id COLLATE "C" AS user_id, s.session_us,
               s.session_us <= limit_us AS completed,
               s.session_us IS NULL AND b.at + limit_us * interval '1 us' >= ends
               AND NOT usage_is_taken_over(b.lab_type, b.user_id, b.at, b.id) AS open
          FROM begun AS b
          LEFT JOIN usage_sessions_between(ARRAY(SELECT DISTINCT b.lab_type FROM begun AS b WHERE b.lab_type IS NOT NULL),
                                           since, until) AS s ON s.start_id = b.id
    ), by_user AS MATERIALIZED (
        SELECT f.lab_type, f.user_id, count(*) AS started, count(*) FILTER (WHERE f.completed) AS completed,
               count(*) FILTER (WHERE NOT f.completed) AS late, count(*) FILTER (WHERE f.open) AS open
          FROM fate AS f
         GROUP BY 1, 2
    ), counted AS (
        SELECT grouping(u.lab_type) AS total, u.lab_type, sum(u.started)::bigint AS started,
               sum(u.completed)::bigint AS completed, sum(u.late)::bigint AS late, sum(u.open)::bigint AS open,
               count(u.user_id) AS users_started, count(u.user_id) FILTER (WHERE u.completed > 0) AS users_completed
          FROM by_user AS u
         GROUP BY GROUPING SETS ((u.lab_type), ())
    ), different AS (
        SELECT count(*) AS users_started, count(*) FILTER (WHERE completed) AS users_completed
          FROM (SELECT bool_or(u.completed > 0) AS completed
                  FROM by_user AS u
                 WHERE u.user_id IS NOT NULL
                 GROUP BY u.user_id) AS one
    ), timed AS (
        SELECT grouping(f.lab_type) AS total, f.lab_type, sum(f.session_us) AS total_us,
               percentile_disc('{0.5, 0.9, 0.95}'::float8[]) WITHIN GROUP (ORDER BY f.session_us) AS us
          FROM fate AS f
         WHERE f.completed
         GROUP BY GROUPING SETS ((f.lab_type), ())
    )
    SELECT c.total = 0, c.lab_type::text, coalesce(c.started, 0), coalesce(c.completed, 0), coalesce(c.late, 0),
           coalesce(c.open, 0),
           CASE c.total WHEN 0 THEN c.users_started ELSE d.users_started END,
           CASE c.total WHEN 0 THEN c.users_completed ELSE d.users_completed END,
           t.us[1] / 1000000::float8, t.us[2] / 1000000::float8, t.us[3] / 1000000::float8,
           (t.total_us / 1000000)::float8 / c.completed
      FROM counted AS c
     CROSS JOIN different AS d
      LEFT JOIN timed AS t ON t.total = c.total AND t.lab_type IS NOT DISTINCT FROM c.lab_type;
END
$$;

-- The sessions of a user in some lab types, worked out from the user's events. For as long as the indexes of steps are
-- not built: usage_session_end would read the whole table for each start.
CREATE OR REPLACE FUNCTION usage_sessions_of_user(who text, labs text[])
RETURNS TABLE (start_id bigint, ended_at timestamptz)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    lab text;
BEGIN
    FOREACH lab IN ARRAY labs LOOP
        RETURN QUERY SELECT p.start_id, p.ended_at FROM usage_pairs_within(lab, who) AS p;
    END LOOP;
END
$$;

-- What a user did in each interval that begins at one of `edges`, whose last element is the end. For each interval with
-- events: a row for each lab type, and a row for all, in which `of_lab` is false and which includes the events without
-- a lab type.
CREATE OR REPLACE FUNCTION usage_of_user(who text, edges timestamptz[])
RETURNS TABLE (of_lab boolean, lab_type text, bucket integer, events bigint, sessions bigint,
               first_seen timestamptz, last_seen timestamptz)
LANGUAGE plpgsql STABLE ROWS 30
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    indexed boolean := (SELECT taken_over FROM usage_state);
BEGIN
    RETURN QUERY
    WITH event AS MATERIALIZED (
        SELECT e.id::bigint AS id, e.lab_type::text AS lab_type, e.timestamp AS at, e.event_data,
               e.event_type = 'start' AND e.lab_type IS NOT NULL AND usage_has_place(e.timestamp) AS starts
          FROM usage_events e
         WHERE hashtextextended(e.user_id, 0) = hashtextextended(who, 0) AND e.user_id = who
           AND greatest(e.timestamp, '-infinity') >= edges[1]
           AND greatest(e.timestamp, '-infinity') < edges[cardinality(edges)]
    ), session AS MATERIALIZED (
        SELECT s.start_id, s.ended_at
          FROM usage_sessions_of_user(who, ARRAY(SELECT DISTINCT e.lab_type FROM event AS e WHERE e.starts)) AS s
         WHERE NOT indexed
    )
    SELECT grouping(c.lab_type) = 0, c.lab_type::text, c.bucket, count(*), count(c.ended_at), min(c.at), max(c.at)
      FROM (SELECT e.lab_type COLLATE "C" AS lab_type, width_bucket(e.at, edges) AS bucket, e.at, s.at AS ended_at
              FROM event AS e
              LEFT JOIN LATERAL (
                SELECT n.at
                  FROM usage_session_end(e.lab_type, who, usage_session_key(e.event_data), e.at, e.id) AS n
                 WHERE indexed
                UNION ALL
                SELECT n.ended_at FROM session AS n WHERE n.start_id = e.id) AS s ON e.starts) AS c
     GROUP BY GROUPING SETS ((c.lab_type, c.bucket), (c.bucket));
END
$$;
