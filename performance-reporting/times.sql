-- Completion times are whole seconds, so they are counted by value first, and percentiles are found from these counts.

-- name: times_of_lab
-- Two rows: of all records of the lab type, and of those that succeeded. A percentile is the smallest value that at least
-- so many per cent of the values do not exceed.
WITH value AS MATERIALIZED (
    SELECT completion_time AS seconds,
           count(*)::integer AS all_of_it, -- so that sums are bigint, which is faster than numeric
           (count(*) FILTER (WHERE success))::integer AS successful
      FROM user_performance
     WHERE hashtextextended(lab_type, 0) = hashtextextended($1, 0)
       AND lab_type = $1
       AND ($2::timestamptz IS NULL OR coalesce(timestamp, '-infinity') >= $2::timestamptz)
       AND ($3::timestamptz IS NULL OR timestamp IS NOT NULL AND coalesce(timestamp, '-infinity') < $3::timestamptz)
       AND completion_time IS NOT NULL
     GROUP BY completion_time
), counted AS (
    SELECT 1 AS half,
           array_agg(seconds) AS seconds,
           array_agg(upto) AS upto,
           max(upto) AS every,
           sum(seconds::bigint * all_of_it)::float8 AS total
      FROM (
           SELECT *, sum(all_of_it) OVER (ORDER BY seconds ROWS UNBOUNDED PRECEDING) AS upto
             FROM value
      ) AS every_one
     UNION ALL
    SELECT 2, array_agg(seconds), array_agg(upto), max(upto), sum(seconds::bigint * successful)::float8
      FROM (
           SELECT *, sum(successful) OVER (ORDER BY seconds ROWS UNBOUNDED PRECEDING) AS upto
             FROM value
      ) AS every_successful_one
), figure AS MATERIALIZED ( -- the time number n, in the order of the times, is the first with n or more times up to it
    SELECT half,
           every,
           total / nullif(every, 0)::float8 AS average,
           ARRAY(SELECT seconds[1 + width_bucket(greatest((every * part + 99) / 100, 1) - 1, upto)]
                   FROM unnest(ARRAY[0, 10, 25, 50, 75, 90, 95, 99, 100]) WITH ORDINALITY AS p (part, n)
                  ORDER BY n) AS times
      FROM counted
), step AS ( -- the smallest of 1, 2, 5, 10, … of which 20 hold the maximum
    SELECT min(unit * (10 ^ zeros)::bigint) AS seconds
      FROM unnest(ARRAY[1, 2, 5]) AS unit, generate_series(0, 9) AS zeros
     WHERE (SELECT max(seconds) FROM value) < 20 * unit * (10 ^ zeros)::bigint
), filled AS (
    SELECT greatest(v.seconds, 0) / step.seconds AS n, sum(v.all_of_it) AS times
      FROM value v
     CROSS JOIN step
     GROUP BY 1
), bucket AS (
    SELECT n, n * step.seconds AS start, (n + 1) * step.seconds AS stop, coalesce(f.times, 0) AS times
      FROM step
     CROSS JOIN LATERAL generate_series(0, (SELECT max(n) FROM filled)) AS n
      LEFT JOIN filled f USING (n)
)
SELECT coalesce(every, 0) AS count,
       times[1] AS min,
       times[2] AS p10,
       times[3] AS p25,
       times[4] AS p50,
       times[5] AS p75,
       times[6] AS p90,
       times[7] AS p95,
       times[8] AS p99,
       times[9] AS max,
       average,
       (SELECT coalesce('[' || string_agg(format('{"from":%s,"to":%s,"count":%s}',
                                                 CASE n WHEN 0 THEN least(start, (SELECT min(seconds) FROM value)) ELSE start END,
                                                 stop, times), ',' ORDER BY n) || ']', '[]')::json
          FROM bucket) AS histogram
  FROM figure
 ORDER BY half;
