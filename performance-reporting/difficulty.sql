-- name: difficulty_of_labs
-- For the whole history sums are kept; for a part of it ($1 to $2), or if most of it is not in the sums yet, the learners
-- are found from its records. `sign` -1 subtracts what is kept and not current any more. Lab types with fewer learners than
-- $3 come last, by their names. The bounds are compared wherever the sums are read, so that no plan of a part has them.
WITH way AS MATERIALIZED (
    SELECT $1::timestamptz IS NULL
       AND $2::timestamptz IS NULL
       AND NOT performance_is_behind() AS by_sums
), changed AS MATERIALIZED (
    SELECT c.*
      FROM performance_state s,
           performance_changed_learners(s.upto, 9223372036854775807, s.notes_from) AS c
     WHERE $1::timestamptz IS NULL
       AND $2::timestamptz IS NULL
       AND (SELECT by_sums FROM way)
), record AS (
    SELECT performance_key(lab_type, user_id) AS key, -- faster to sort by than names
           lab_type COLLATE "C" AS lab_type,
           user_id COLLATE "C" AS user_id,
           coalesce(timestamp, '-infinity') AS at,
           id,
           success,
           completion_time
      FROM user_performance
     WHERE NOT (SELECT by_sums FROM way)
       AND ($1::timestamptz IS NULL OR coalesce(timestamp, '-infinity') >= $1::timestamptz)
       AND ($2::timestamptz IS NULL OR timestamp IS NOT NULL AND coalesce(timestamp, '-infinity') < $2::timestamptz)
       AND lab_type IS NOT NULL
       AND user_id IS NOT NULL
), step AS (
    SELECT *,
           count(*) FILTER (WHERE success) OVER (PARTITION BY key, lab_type, user_id ORDER BY at, id
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) = 0 AS is_first
      FROM record
), outcome AS MATERIALIZED (
    SELECT 1 AS sign, lab_type, at, solved, tries, seconds
      FROM changed
     WHERE tries IS NOT NULL
     UNION ALL
    SELECT -1, lab_type, was_at, was_solved, was_tries, was_seconds
      FROM changed
     WHERE was_tries IS NOT NULL
     UNION ALL
    SELECT 1,
           lab_type,
           max(at),
           min(id) FILTER (WHERE success AND is_first),
           count(*) FILTER (WHERE is_first),
           sum(completion_time) FILTER (WHERE is_first)
      FROM step
     GROUP BY key, lab_type, user_id
), part AS (
    SELECT lab_type, users, solved, solved_first, tries, 0 AS gave_up
      FROM performance_outcomes
     WHERE $1::timestamptz IS NULL
       AND $2::timestamptz IS NULL
       AND (SELECT by_sums FROM way)
     UNION ALL
    SELECT lab_type, 0, 0, 0, 0, count(*)
      FROM performance_learners
     WHERE $1::timestamptz IS NULL
       AND $2::timestamptz IS NULL
       AND (SELECT by_sums FROM way)
       AND solved IS NULL
       AND at < now() - interval '14 days'
     GROUP BY lab_type
     UNION ALL
    SELECT lab_type,
           sum(sign),
           sum(sign) FILTER (WHERE solved IS NOT NULL),
           sum(sign) FILTER (WHERE solved IS NOT NULL AND tries = 1),
           sum(sign * tries) FILTER (WHERE solved IS NOT NULL),
           sum(sign) FILTER (WHERE solved IS NULL AND at < coalesce($2::timestamptz, now()) - interval '14 days')
      FROM outcome
     GROUP BY lab_type
), lab AS (
    SELECT lab_type,
           sum(users)::bigint AS users,
           coalesce(sum(solved), 0)::bigint AS solved,
           coalesce(sum(solved_first), 0)::bigint AS solved_first,
           sum(tries)::float8 AS tries,
           coalesce(sum(gave_up), 0)::bigint AS gave_up
      FROM part
     GROUP BY lab_type
    HAVING sum(users) > 0
), solution AS NOT MATERIALIZED ( -- read in the order of an index
    SELECT lab_type, seconds, users::integer AS users
      FROM performance_solutions
     WHERE $1::timestamptz IS NULL
       AND $2::timestamptz IS NULL
       AND (SELECT by_sums FROM way)
     UNION ALL
    SELECT lab_type, seconds, sign
      FROM outcome
     WHERE solved IS NOT NULL
       AND seconds IS NOT NULL
), median AS MATERIALIZED (
    SELECT lab_type, min(seconds) AS seconds
      FROM (
            SELECT lab_type, seconds, sum(users) OVER (PARTITION BY lab_type ORDER BY seconds) AS upto
              FROM solution
           ) AS counted
      JOIN (
            SELECT lab_type, sum(users) AS every
              FROM solution
             GROUP BY lab_type
           ) AS total USING (lab_type)
     WHERE upto > 0
       AND upto * 2 >= every
     GROUP BY lab_type
), written AS (
    SELECT lab_type COLLATE "C" AS lab_type, errors::text AS written, count(*) AS times, min(id)::bigint AS first
      FROM user_performance
     WHERE NOT (SELECT by_sums FROM way)
       AND ($1::timestamptz IS NULL OR coalesce(timestamp, '-infinity') >= $1::timestamptz)
       AND ($2::timestamptz IS NULL OR timestamp IS NOT NULL AND coalesce(timestamp, '-infinity') < $2::timestamptz)
       AND performance_lists(errors)
     GROUP BY 1, 2
), error AS (
    SELECT DISTINCT ON (lab_type) lab_type, performance_error(e.value) AS error
      FROM written w,
           LATERAL performance_strings(w.written::json) AS e
     GROUP BY 1, 2
     ORDER BY lab_type, sum(w.times) DESC, min(ARRAY[w.first, e.position])
), top AS MATERIALIZED (
    SELECT lab_type, error
      FROM error
     UNION ALL
    SELECT lab_type, error
      FROM performance_top_errors()
     WHERE $1::timestamptz IS NULL
       AND $2::timestamptz IS NULL
       AND (SELECT by_sums FROM way)
)
SELECT l.lab_type,
       l.users,
       l.solved,
       l.solved_first,
       l.solved_first::float8 / l.users AS first_try_rate,
       l.solved::float8 / l.users AS solve_rate,
       l.tries / nullif(l.solved, 0) AS average_attempts_to_solve,
       l.gave_up,
       (SELECT seconds FROM median WHERE median.lab_type = l.lab_type) AS p50_time_to_solve,
       (SELECT error FROM top WHERE top.lab_type = l.lab_type) AS top_error
  FROM lab l
 ORDER BY l.users < $3,
          CASE WHEN l.users >= $3 THEN l.solved_first::float8 / l.users END,
          l.lab_type COLLATE "C";
