-- A record whose success is null did not succeed; one whose time is null is not part of the average. Errors are the
-- strings of a list; other values in that column are ignored.

-- name: report_of_lab
SELECT attempts AS total_attempts,
       users AS unique_users,
       successes::float8 / attempts AS success_rate,
       seconds::float8 / nullif(timed, 0) AS avg_completion_time,
       common_errors
  FROM performance_of_lab($1);

-- name: report_of_user
SELECT lab_type,
       attempts,
       successes::float8 / attempts AS success_rate,
       seconds::float8 / nullif(timed, 0) AS avg_completion_time,
       seconds AS total_time_spent,
       last AS last_attempt
  FROM performance_report_of_user($1)
 WHERE lab_type IS NOT NULL
 ORDER BY lab_type COLLATE "C";
