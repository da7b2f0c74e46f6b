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

