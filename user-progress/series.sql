-- Figures of lab attempts over time, whose times are in UTC. One whose status is null did not complete the lab.
-- The parameters and the rows are described in common/reports/series.h.

-- name: attempt_series
-- The table is read for the figures that are sums, and again, then sorted, for the others.
WITH row AS NOT MATERIALIZED (
    SELECT CASE $3 WHEN 'lab_type' THEN lab_type END AS name,
           width_bucket(timestamp AT TIME ZONE 'UTC', $1) AS n,
           user_id COLLATE "C" AS user_id,
           completion_status AS passed,
           time_spent AS seconds
      FROM lab_attempts
     WHERE coalesce(timestamp, '-infinity') >= $1[1] AT TIME ZONE 'UTC'
       AND coalesce(timestamp, '-infinity') < $1[cardinality($1)] AT TIME ZONE 'UTC'
       AND ($2 IS NULL OR hashtextextended(lab_type, 0) = hashtextextended($2, 0) AND lab_type = $2)
), counted AS MATERIALIZED (
    SELECT name,
           n,
           count(*) AS attempts,
           count(*) FILTER (WHERE passed) AS passed,
           sum(seconds) AS seconds,
           count(seconds) AS timed
      FROM row
     GROUP BY name, n
), place AS MATERIALIZED (
    SELECT name, least(row_number() OVER (ORDER BY sum(attempts) DESC, name COLLATE "C"), $4 + 1) AS place
      FROM counted
     WHERE name IS NOT NULL
     GROUP BY name
), figure AS (
    SELECT place,
           n,
           sum(attempts) AS attempts,
           sum(passed) AS passed,
           sum(seconds) AS seconds,
           sum(timed) AS timed,
           NULL::bigint AS users
      FROM counted
      LEFT JOIN place USING (name)
     GROUP BY GROUPING SETS ((n), (place, n))
    HAVING place IS NOT NULL
        OR grouping(place) = 1
     UNION ALL
    SELECT place,
           n,
           NULL,
           NULL,
           NULL,
           NULL,
           count(DISTINCT user_id) FILTER (WHERE 'users' = ANY ($5))
      FROM row
      LEFT JOIN place USING (name)
     WHERE 'users' = ANY ($5)
     GROUP BY GROUPING SETS ((n), (place, n))
    HAVING place IS NOT NULL
        OR grouping(place) = 1
)
SELECT f.place,
       p.name,
       f.n::bigint AS bucket,
       (
       SELECT timestamp
         FROM lab_attempts
        WHERE coalesce(timestamp, '-infinity') > '-infinity'
        ORDER BY coalesce(timestamp, '-infinity'), id
        LIMIT 1
  ) AS since,
       sum(f.attempts)::bigint AS attempts,
       sum(f.users)::bigint AS users,
       sum(f.passed)::float8 / sum(f.attempts)::float8 AS success_rate,
       sum(f.seconds)::float8 / nullif(sum(f.timed), 0)::float8 AS average_time
  FROM (SELECT 1) AS one
  LEFT JOIN figure f ON true
  LEFT JOIN place p ON p.place = f.place AND p.place <= $4
 GROUP BY 1, 2, 3;
