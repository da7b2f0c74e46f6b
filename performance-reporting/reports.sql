-- A record whose success is null did not succeed; one whose time is null is left out of the average. Errors are
-- the strings of a list; anything else in that column is none.

-- name: report_of_lab
SELECT total.attempts AS total_attempts,
       total.users AS unique_users,
       total.successes::float8 / total.attempts AS success_rate,
       total.seconds::float8 / nullif(total.timed, 0) AS avg_completion_time,
       ARRAY(
           SELECT error
             FROM (
                  SELECT performance_text(e.value) AS error, p.id, e.position
                    FROM user_performance p,
                         LATERAL json_array_elements(p.errors) WITH ORDINALITY AS e (value, position)
                   WHERE p.lab_type = $1
                     AND performance_has_errors(p.errors)
                     AND json_typeof(e.value) = 'string'
             ) AS every
            GROUP BY error
            ORDER BY count(*) DESC, min(ARRAY[id, position])
            LIMIT 5
       ) AS common_errors
  FROM (
       SELECT sum(n)::int8 AS attempts,
              count(user_id) AS users,
              sum(successes)::int8 AS successes,
              sum(seconds)::int8 AS seconds,
              sum(timed)::int8 AS timed
         FROM (
              SELECT user_id,
                     count(*) AS n,
                     count(*) FILTER (WHERE success) AS successes,
                     coalesce(sum(completion_time), 0) AS seconds,
                     count(completion_time) AS timed
                FROM user_performance
               WHERE lab_type = $1
               GROUP BY user_id
         ) AS each_user
  ) AS total
 WHERE total.attempts > 0;

-- name: report_of_user
SELECT lab_type,
       count(*) AS attempts,
       count(*) FILTER (WHERE success)::float8 / count(*) AS success_rate,
       sum(completion_time)::float8 / nullif(count(completion_time), 0) AS avg_completion_time,
       coalesce(sum(completion_time), 0)::int8 AS total_time_spent,
       max(timestamp) AS last_attempt
  FROM user_performance
 WHERE user_id = $1
   AND lab_type IS NOT NULL
 GROUP BY lab_type
 ORDER BY lab_type COLLATE "C";
