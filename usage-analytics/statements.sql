-- insert_event (set: user_id text, lab_type text, event_type text, event_data json) -> ordinal int8, id int4,
-- timestamp timestamptz
WITH event AS MATERIALIZED (
    SELECT e.*, nextval('usage_events_id_seq')::integer AS id, clock_timestamp() AS at
      FROM unnest($1::text[], $2::text[], $3::text[], $4::json[])
           WITH ORDINALITY AS e (user_id, lab_type, event_type, event_data, n)
), inserted AS (
    INSERT INTO usage_events (id, user_id, lab_type, event_type, event_data, timestamp)
    SELECT id, user_id, lab_type, event_type, event_data, at FROM event
)
SELECT n, id, at FROM event;

-- update_event (id int8, user_id text, lab_type text, event_type text, event_data json) -> id int4,
-- timestamp timestamptz; no row: 404
UPDATE usage_events SET user_id = $2, lab_type = $3, event_type = $4, event_data = $5
 WHERE id = $1::int8 RETURNING id, timestamp;

-- delete_event (id int8) -> id int4; no row: 404
DELETE FROM usage_events WHERE id = $1::int8 RETURNING id;

-- usage_of_lab (lab_type text, days int8) -> event_type text, events int8, total_events int8, unique_users int8,
-- average_session_seconds float8; a row an event type: start, complete, then the most frequent first, then by name;
-- no row: 404
SELECT e.event_type, e.events, (sum(e.events) OVER ())::bigint AS total_events, coalesce(u.users, 0) AS unique_users,
       CASE WHEN s.sessions > 0 THEN (s.session_us / 1000000)::float8 / s.sessions ELSE 0 END::float8
           AS average_session_seconds
  FROM usage_events_since(ARRAY[$1::text], usage_days_ago($2)) AS e
  LEFT JOIN usage_users_since(ARRAY[$1::text], usage_days_ago($2)) AS u ON true
  LEFT JOIN usage_sessions_since(ARRAY[$1::text], usage_days_ago($2)) AS s ON true
 ORDER BY e.event_type <> 'start', e.event_type <> 'complete', e.events DESC, e.event_type COLLATE "C";

-- trends (days int8) -> lab_type text, total_events int8, unique_users int8, errors int8; the busiest lab type first,
-- then by name. A row whose lab_type is null has the events of none: they belong to the total alone.
SELECT e.lab_type COLLATE "C" AS lab_type, e.events AS total_events, coalesce(u.users, 0) AS unique_users, e.errors
  FROM (SELECT lab_type, sum(events)::bigint AS events,
               coalesce(sum(events) FILTER (WHERE event_type = 'error'), 0)::bigint AS errors
          FROM usage_events_since(usage_labs(), usage_days_ago($1)) GROUP BY lab_type) AS e
  LEFT JOIN usage_users_since(usage_labs(), usage_days_ago($1)) AS u ON u.lab_type = e.lab_type
UNION ALL
SELECT NULL, count(*), count(DISTINCT user_id), count(*) FILTER (WHERE event_type = 'error')
  FROM usage_events
 WHERE lab_type IS NULL AND (timestamp >= usage_days_ago($1) OR $1 > 36500 AND timestamp IS NULL)
HAVING count(*) > 0
 ORDER BY 2 DESC, 1;

-- fold_usage () -> folded int4: so many changes taken in; null: another is at it. To be run every quarter of a second
-- or so, and again at once while it answers 1000 or more. Its effect shows in the time reports take, never in what
-- they answer.
SELECT usage_fold(4000);
