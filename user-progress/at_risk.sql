-- Users who may need a person. The parameters are $1 the moment of the first page, $2 the days of inactivity, $3 the
-- failures in a row, $4 to $7 the key after which the page begins ($4 null: the first page), $8 the limit.

-- name: list_at_risk
-- Attempts that are not in the stored standings are ranked first. Only lab types whose latest attempt failed can be a
-- reason. Failures are later than the latest success, so the latest attempt is one of them if there are any. Order: the
-- number of reasons, failures, days, id.
WITH changed AS MATERIALIZED (
    SELECT *
      FROM attempt_learners_changed()
), now AS (
    SELECT user_id, solved_id, CASE WHEN lab_type IS NULL THEN 0 ELSE failures END AS failures, coalesce(failed_at, solved_at) AS at
      FROM attempt_learners
     WHERE (user_id, lab_type IS NULL, coalesce(lab_type, ''))
           NOT IN (SELECT user_id, lab_type IS NULL, coalesce(lab_type, '') FROM changed)
     UNION ALL
    SELECT user_id, solved_id, CASE WHEN lab_type IS NULL THEN 0 ELSE failures END, coalesce(failed_at, solved_at)
      FROM changed
), standing AS (
    SELECT user_id,
           count(*) FILTER (WHERE failures >= $3) AS labs,
           max(failures) AS failures,
           count(*) FILTER (WHERE solved_id IS NULL AND failures > 0) > 0 AS unfinished,
           max(at) AS latest
      FROM now
     GROUP BY user_id
), judged AS (
    SELECT u.id,
           u.username,
           s.labs,
           CASE WHEN s.labs > 0 THEN s.failures ELSE 0 END AS failures,
           last_attempt,
           s.unfinished AND (last_attempt IS NULL OR last_attempt <= $1 AT TIME ZONE 'UTC' - $2 * interval '1 day') AS inactive,
           date_part('day', $1 AT TIME ZONE 'UTC' - last_attempt)::bigint AS days
      FROM standing s
      JOIN users u ON u.id = s.user_id,
           LATERAL (SELECT CASE WHEN isfinite(s.latest) THEN s.latest END AS last_attempt) AS last
     WHERE s.labs > 0 OR s.unfinished
), placed AS (
    SELECT id,
           username,
           last_attempt,
           CASE WHEN inactive THEN days END AS days,
           inactive,
           labs + inactive::integer AS reason_count,
           failures,
           CASE WHEN inactive THEN coalesce(days, 9223372036854775807) ELSE 0 END AS place_days
      FROM judged
     WHERE labs > 0 OR inactive
), page AS MATERIALIZED (
    SELECT *
      FROM placed
     WHERE $4 IS NULL
        OR (-reason_count, -failures, -place_days, id COLLATE "C") > (-$4, -$5, -$6, $7 COLLATE "C")
     ORDER BY reason_count DESC, failures DESC, place_days DESC, id COLLATE "C"
     LIMIT $8
), pairs AS MATERIALIZED (
    SELECT p.id, l.lab_type, l.solved_id, l.failures, l.since, l.failed_id
      FROM page p
      JOIN attempt_learners l ON hashtextextended(l.user_id, 0) = hashtextextended(p.id, 0)
                             AND l.user_id = p.id
     WHERE l.failures > 0
       AND (l.user_id, l.lab_type) NOT IN (SELECT user_id, lab_type FROM changed WHERE lab_type IS NOT NULL)
       AND l.lab_type IS NOT NULL
     UNION ALL
    SELECT p.id, c.lab_type, c.solved_id, c.failures, c.since, c.failed_id
      FROM page p
      JOIN changed c ON c.user_id = p.id
     WHERE c.failures > 0
       AND c.lab_type IS NOT NULL
), reasons AS (
    SELECT p.id,
           string_agg(row_to_json(told)::text, ',' ORDER BY p.failures DESC, p.lab_type) AS text
      FROM pairs p,
           LATERAL (SELECT errors_encountered FROM lab_attempts WHERE id = p.failed_id OFFSET 0) AS a,
           LATERAL (
           SELECT 'failing' AS reason,
                  p.lab_type,
                  p.failures AS failures_in_a_row,
                  iso_naive(p.since) AS since,
                  ARRAY(SELECT left(e.error, 200)
                          FROM unnest(a.errors_encountered) WITH ORDINALITY AS e (error, n)
                         WHERE e.error IS NOT NULL
                         ORDER BY e.n
                         LIMIT 10) AS last_errors
      ) AS told
     WHERE p.failures >= $3
     GROUP BY p.id
), unfinished AS (
    SELECT id, array_agg(lab_type ORDER BY lab_type) AS labs
      FROM pairs
     WHERE solved_id IS NULL
     GROUP BY id
)
SELECT p.id AS user_id,
       p.username,
       p.last_attempt,
       '[' || concat_ws(',', r.text, CASE WHEN p.inactive THEN row_to_json(told)::text END) || ']' AS reasons,
       p.reason_count,
       p.failures,
       p.place_days
  FROM page p
  LEFT JOIN reasons r ON r.id = p.id
  LEFT JOIN unfinished n ON n.id = p.id,
       LATERAL (SELECT 'inactive' AS reason, p.days, n.labs AS unfinished) AS told
 ORDER BY p.reason_count DESC, p.failures DESC, p.place_days DESC, p.id COLLATE "C";

-- name: list_never
-- Users without an attempt, the earliest created first.
SELECT u.id AS user_id,
       u.username,
       NULL::timestamp AS last_attempt,
       '[' || row_to_json(told)::text || ']' AS reasons,
       1 AS reason_count,
       0 AS failures,
       age.days AS place_days
  FROM users u,
       LATERAL (SELECT date_part('day', $1 AT TIME ZONE 'UTC' - u.created_at)::bigint AS days) AS age,
       LATERAL (SELECT 'never' AS reason, age.days) AS told
 WHERE isfinite(u.created_at)
   AND u.created_at < $1 AT TIME ZONE 'UTC' - $2 * interval '1 day'
   AND NOT EXISTS (SELECT FROM lab_attempts a WHERE a.user_id = u.id)
   AND ($4 IS NULL OR (-age.days, u.id COLLATE "C") > (-$6, $7 COLLATE "C"))
 ORDER BY age.days DESC, u.id COLLATE "C"
 LIMIT $8;
