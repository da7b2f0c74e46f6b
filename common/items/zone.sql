-- Time zones. PostgreSQL accepts any POSIX string as one (FOO5), so names are looked up in its list.

-- name: list_zones
SELECT name
  FROM pg_timezone_names
 WHERE name NOT LIKE 'posix/%'
   AND name NOT IN ('localtime', 'posixrules');

-- name: find_starts_of_days
-- The first instant of each day in the zone; if the zone skipped that day, of the next one. Midnight alone would be too
-- late if it comes twice, because AT TIME ZONE takes the second one.
SELECT max(CASE WHEN early AT TIME ZONE $1 >= day AND early < midnight THEN early ELSE midnight END)
           FILTER (WHERE bound = 'from') AS "from",
       max(CASE WHEN early AT TIME ZONE $1 >= day AND early < midnight THEN early ELSE midnight END)
           FILTER (WHERE bound = 'to') AS "to"
  FROM (
       VALUES ('from', $2::timestamptz AT TIME ZONE 'UTC'),
              ('to', $3::timestamptz AT TIME ZONE 'UTC')
  ) AS days (bound, day),
       LATERAL (SELECT day AT TIME ZONE $1 AS midnight) AS a,
       LATERAL (SELECT midnight - interval '1 day' AS before) AS b,
       LATERAL (
       SELECT (day - (before AT TIME ZONE $1 - before AT TIME ZONE 'UTC')) AT TIME ZONE 'UTC' AS early
  ) AS c;
