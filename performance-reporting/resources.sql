-- name: report_of_resources
-- One row. Amounts are counted by value first; sums are exact, whatever their size. An average is printed as all averages
-- are, like Python's: with a point even if it is whole, and without an exponent from 0.0001 to below 10^16.
WITH member AS MATERIALIZED (
    SELECT m.name, m.amount, m.n IS NULL AS is_none, count(*) AS times, count(*) FILTER (WHERE m.n = 1) AS firsts
      FROM user_performance p
      LEFT JOIN LATERAL performance_amounts(p.resources_used) AS m ON true
     WHERE ($1 IS NULL OR hashtextextended(p.lab_type, 0) = hashtextextended($1, 0) AND p.lab_type = $1)
       AND coalesce(p.timestamp, '-infinity') >= $2::timestamptz
       AND coalesce(p.timestamp, '-infinity') < $3::timestamptz
     GROUP BY 1, 2, 3
), counted AS (
    SELECT name COLLATE "C" AS name, amount, times, sum(times) OVER (PARTITION BY name COLLATE "C" ORDER BY amount) AS upto,
           sum(times) OVER (PARTITION BY name COLLATE "C") AS every
      FROM member
     WHERE amount IS NOT NULL
), figure AS (
    SELECT name, max(every) AS every, min(amount) AS least, max(amount) AS most, sum(amount * times) AS total,
           min(amount) FILTER (WHERE upto * 100 >= every * 50) AS p50,
           min(amount) FILTER (WHERE upto * 100 >= every * 95) AS p95,
           sum(amount * times)::float8 / max(every)::float8 AS average
      FROM counted
     GROUP BY name
), resource AS (
    SELECT name, row_number() OVER (ORDER BY name) AS place,
           format('{"name":%s,"count":%s,"min":%s,"p50":%s,"p95":%s,"max":%s,"average":%s,"sum":%s}',
                  to_json(name), every, trim_scale(least), trim_scale(p50), trim_scale(p95), trim_scale(most),
                  CASE
                  WHEN abs(average) >= 1e16 OR abs(average) < 1e-4 AND average <> 0 THEN average::text
                  WHEN average = trunc(average) THEN trim_scale(average::text::numeric) || '.0'
                  ELSE trim_scale(average::text::numeric)::text
                  END, trim_scale(total)) AS figures
      FROM figure
)
SELECT coalesce(sum(firsts) + coalesce(sum(times) FILTER (WHERE is_none), 0), 0)::bigint AS records,
       coalesce(sum(firsts), 0)::bigint AS with_resources,
       (SELECT coalesce('[' || string_agg(figures, ',' ORDER BY name) || ']', '[]')::json
          FROM resource
         WHERE place <= $4) AS resources,
       (SELECT greatest(count(*) - $4, 0) FROM resource) AS more,
       coalesce(sum(times) FILTER (WHERE NOT is_none AND amount IS NULL), 0)::bigint AS ignored
  FROM member;
