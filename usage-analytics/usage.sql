-- name: usage_of_lab
-- A row for each event type; the totals of the lab type are repeated in every row.
SELECT e.event_type,
       e.events,
       (sum(e.events) OVER ())::bigint AS total_events,
       coalesce(u.users, 0) AS unique_users,
       CASE WHEN s.sessions > 0 THEN (s.session_us / 1000000)::float8 / s.sessions END
           AS average_session_seconds
  FROM usage_events_since(ARRAY[$1::text], usage_days_ago($2)) AS e
  LEFT JOIN usage_users_since(ARRAY[$1::text], usage_days_ago($2)) AS u ON true
  LEFT JOIN usage_sessions_since(ARRAY[$1::text], usage_days_ago($2)) AS s ON true
 ORDER BY e.event_type <> 'start',
          e.event_type <> 'complete',
          e.events DESC,
          e.event_type COLLATE "C";

-- name: trends
-- The row with a null lab type has the events without one, which count only in the total.
SELECT e.lab_type COLLATE "C" AS lab_type,
       e.events AS total_events,
       coalesce(u.users, 0) AS unique_users,
       e.errors
  FROM (
       SELECT lab_type,
              sum(events)::bigint AS events,
              coalesce(sum(events) FILTER (WHERE event_type = 'error'), 0)::bigint AS errors
         FROM usage_events_since(usage_labs(), usage_days_ago($1))
        GROUP BY lab_type
  ) AS e
  LEFT JOIN usage_users_since(usage_labs(), usage_days_ago($1)) AS u ON u.lab_type = e.lab_type
 UNION ALL
SELECT NULL, count(*), count(DISTINCT user_id), count(*) FILTER (WHERE event_type = 'error')
  FROM usage_events
 WHERE lab_type IS NULL
   AND (timestamp >= usage_days_ago($1) OR usage_days_ago($1) = '-infinity' AND timestamp IS NULL)
HAVING count(*) > 0
 ORDER BY 2 DESC, 1;

-- name: fold_usage
-- Returns how many changes were folded; null if another daemon is folding.
SELECT usage_fold($1::integer) AS changes;
