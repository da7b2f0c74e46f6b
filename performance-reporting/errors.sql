-- name: errors_of_lab
-- Lists are grouped as they are written, so that each is read once. Always at least one row, which has the totals.
WITH record AS MATERIALIZED (
    SELECT written,
           user_id,
           count(*) AS attempts,
           count(*) FILTER (WHERE success) AS successes,
           min(timestamp) AS first_seen,
           max(timestamp) AS last_seen,
           min(id)::bigint AS first
      FROM (
            SELECT errors::text AS written, user_id, success, timestamp, id
              FROM user_performance
             WHERE hashtextextended(lab_type, 0) = hashtextextended($1, 0)
               AND lab_type = $1
               AND performance_lists(errors)
               AND performance_is_short(errors, user_id, lab_type)
               AND ($2::timestamptz IS NULL OR coalesce(timestamp, '-infinity') >= $2::timestamptz)
               AND ($3::timestamptz IS NULL OR timestamp IS NOT NULL AND coalesce(timestamp, '-infinity') < $3::timestamptz)
             UNION ALL
            SELECT errors::text, user_id, success, timestamp, id
              FROM user_performance
             WHERE hashtextextended(lab_type, 0) = hashtextextended($1, 0)
               AND lab_type = $1
               AND NOT performance_is_short(errors, user_id, lab_type)
               AND ($2::timestamptz IS NULL OR coalesce(timestamp, '-infinity') >= $2::timestamptz)
               AND ($3::timestamptz IS NULL OR timestamp IS NOT NULL AND coalesce(timestamp, '-infinity') < $3::timestamptz)
           ) AS lists
     GROUP BY written, user_id
), list AS MATERIALIZED (
    SELECT w.written, performance_error(e.value) AS error, count(*) AS times, min(e.position) AS position
      FROM (SELECT DISTINCT written FROM record) AS w,
           LATERAL performance_strings(w.written::json) AS e
     GROUP BY 1, 2
), error AS MATERIALIZED (
    SELECT l.error,
           sum(r.attempts * l.times)::bigint AS occurrences,
           sum(r.attempts)::bigint AS attempts,
           sum(r.successes)::bigint AS successes,
           count(DISTINCT r.user_id) AS users,
           min(r.first_seen) AS first_seen,
           max(r.last_seen) AS last_seen,
           min(ARRAY[r.first, l.position]) AS first
      FROM list l
      JOIN record r ON r.written = l.written
     GROUP BY l.error
), total AS (
    SELECT CASE
           WHEN $2::timestamptz IS NULL AND $3::timestamptz IS NULL
           THEN coalesce((SELECT attempts FROM performance_of_lab($1)), 0)
           ELSE (
                SELECT count(*)
                  FROM user_performance
                 WHERE hashtextextended(lab_type, 0) = hashtextextended($1, 0)
                   AND lab_type = $1
                   AND ($2::timestamptz IS NULL OR coalesce(timestamp, '-infinity') >= $2::timestamptz)
                   AND ($3::timestamptz IS NULL OR timestamp IS NOT NULL AND coalesce(timestamp, '-infinity') < $3::timestamptz)
                )
           END AS attempts,
           (SELECT coalesce(sum(attempts), 0)::bigint
              FROM record
             WHERE written IN (SELECT written FROM list)) AS attempts_with_errors,
           greatest((SELECT count(*) FROM error) - $4, 0) AS more
)
SELECT t.attempts AS all_attempts,
       t.attempts_with_errors,
       t.more,
       e.error,
       e.occurrences,
       e.attempts,
       e.users,
       e.attempts::float8 / t.attempts AS share,
       e.successes::float8 / e.attempts AS success_rate,
       e.first_seen,
       e.last_seen
  FROM total t
  LEFT JOIN (SELECT * FROM error ORDER BY occurrences DESC, first LIMIT $4) AS e ON true
 ORDER BY e.occurrences DESC, e.first;
