-- Time zones. PostgreSQL accepts any POSIX string as one (FOO5), so names are looked up in its list.

-- name: list_zones
-- The last four are abbreviations for PostgreSQL, of winter time all year round: zone.c uses the names with a prefix.
WITH zones AS MATERIALIZED (
    SELECT name
      FROM pg_timezone_names
)
SELECT z.name
  FROM zones z
 WHERE z.name NOT LIKE 'posix/%'
   AND z.name NOT IN ('localtime', 'posixrules')
   AND (z.name NOT IN ('CET', 'EET', 'MET', 'WET')
        OR EXISTS (SELECT FROM zones p WHERE p.name = 'posix/' || z.name));

-- name: find_starts
-- The parameters are described in zone.h. Nothing depends on the session's time zone: days are added to local times only,
-- and hours to instants. Midnight AT TIME ZONE is not always the beginning of a day: if it comes twice, it is the second
-- one; if clocks are set forward over it, as in Toronto in 1919 from 23:30 to 0:30, it is later than the change.
WITH given AS MATERIALIZED (
    SELECT CASE WHEN $4 THEN $3 AT TIME ZONE 'UTC' ELSE $3 AT TIME ZONE $1 END AS from_local,
           CASE WHEN $6 THEN $5 AT TIME ZONE 'UTC' ELSE coalesce($5, now()) AT TIME ZONE $1 END AS to_local,
           CASE $2
           WHEN 'day' THEN interval '1 day'
           WHEN 'week' THEN interval '7 days'
           WHEN 'month' THEN interval '1 month'
           END AS step
), days AS (
    SELECT 'from' AS bound, from_local AS day
      FROM given
     WHERE $4
     UNION ALL
    SELECT 'to', to_local
      FROM given
     WHERE $6
     UNION ALL
    SELECT NULL, day
      FROM given,
           LATERAL (SELECT date_trunc($2, coalesce(from_local, to_local - $7 * step)) - step AS low) AS l,
           LATERAL generate_series(low, least(to_local + 2 * step, low + ($8 + 4) * step), step) AS day
     WHERE step IS NOT NULL
), begins AS MATERIALIZED (
    SELECT bound,
           CASE
           WHEN (begin - interval '1 second') AT TIME ZONE $1 >= day THEN (
               SELECT min(at)
                 FROM generate_series(begin - interval '3 hours', begin, interval '1 second') AS at
                WHERE at AT TIME ZONE $1 >= day
           )
           ELSE begin
           END AS at
      FROM days,
           LATERAL (SELECT day AT TIME ZONE $1 AS midnight) AS a,
           LATERAL (SELECT midnight - interval '24 hours' AS before) AS b,
           LATERAL (
           SELECT (day - (before AT TIME ZONE $1 - before AT TIME ZONE 'UTC')) AT TIME ZONE 'UTC' AS early
      ) AS c,
           LATERAL (
           SELECT CASE WHEN early AT TIME ZONE $1 >= day AND early < midnight THEN early ELSE midnight END AS begin
      ) AS d
), bounds AS MATERIALIZED (
    SELECT CASE WHEN $4 THEN (SELECT at FROM begins WHERE bound = 'from') ELSE $3 END AS "from",
           CASE WHEN $6 THEN (SELECT at FROM begins WHERE bound = 'to') ELSE coalesce($5, now()) END AS "to"
), hours AS (
    SELECT second AT TIME ZONE 'UTC' AS at
      FROM bounds,
           LATERAL (
           SELECT date_trunc('hour', coalesce("from", "to" - ($7 + 1) * interval '1 hour') AT TIME ZONE 'UTC')
                  - interval '1 hour' AS low
      ) AS l,
           LATERAL generate_series(low,
                                   least("to" AT TIME ZONE 'UTC' + interval '1 hour', low + ($8 + 4) * interval '1 hour'),
                                   interval '1 hour') AS hour,
           LATERAL (
           SELECT (hour - interval '1 second') AT TIME ZONE 'UTC' AT TIME ZONE $1 AS first,
                  (hour + interval '3599 seconds') AT TIME ZONE 'UTC' AT TIME ZONE $1 AS last
      ) AS clock,
           LATERAL (
           SELECT hour + interval '3599 seconds' - (last - date_trunc('hour', last)) AS second
            WHERE last - first = interval '1 hour'
            UNION ALL
           SELECT second
             FROM generate_series(hour,
                                  CASE WHEN last - first <> interval '1 hour' THEN hour + interval '3599 seconds' END,
                                  interval '1 second') AS second,
                  LATERAL (
                  SELECT (second - interval '1 second') AT TIME ZONE 'UTC' AT TIME ZONE $1 AS before,
                         second AT TIME ZONE 'UTC' AT TIME ZONE $1 AS local
             ) AS c
            WHERE local = date_trunc('hour', local)
               OR local - before <> interval '1 second'
      ) AS starting
     WHERE $2 = 'hour'
), starts AS MATERIALIZED (
    SELECT at
      FROM begins
     WHERE bound IS NULL
     UNION
    SELECT at
      FROM hours
), range AS MATERIALIZED (
    SELECT CASE
           WHEN "from" IS NOT NULL OR $7 IS NULL THEN "from"
           WHEN $2 IS NULL THEN "to" - $7 * interval '24 hours'
           ELSE (SELECT at FROM starts WHERE at <= "to" ORDER BY at DESC OFFSET $7 LIMIT 1)
           END AS "from",
           "to"
      FROM bounds
), ends AS MATERIALIZED (
    SELECT (SELECT max(at) FROM starts WHERE at <= "from") AS first,
           (SELECT min(at) FROM starts WHERE at >= "to") AS last
      FROM range
)
SELECT s.at,
       extract(epoch FROM s.at AT TIME ZONE $1 - s.at AT TIME ZONE 'UTC')::bigint AS east,
       r."from",
       extract(epoch FROM r."from" AT TIME ZONE $1 - r."from" AT TIME ZONE 'UTC')::bigint AS from_east,
       r."to",
       extract(epoch FROM r."to" AT TIME ZONE $1 - r."to" AT TIME ZONE 'UTC')::bigint AS to_east,
       now() AS now
  FROM range r
 CROSS JOIN ends e
  LEFT JOIN starts s ON s.at >= e.first AND s.at <= coalesce(e.last, 'infinity')
 ORDER BY s.at;
