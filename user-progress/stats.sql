-- name: sum_attempts
-- A row for each lab type. No row: there is no such user. A row without a count: the user has no attempts.
SELECT u.username,
       s.lab_type,
       CASE WHEN l.id IS NULL THEN s.lab_type ELSE l.name END AS lab_name,
       s.attempts,
       s.successful_attempts,
       s.time_spent
  FROM users u
  LEFT JOIN LATERAL attempts_report_of_user(u.id) AS s ON true
  LEFT JOIN LATERAL (
       SELECT id, name
         FROM labs
        WHERE lab_type = s.lab_type
        ORDER BY created_at, id
        LIMIT 1
  ) AS l ON true
 WHERE u.id = $1
 ORDER BY s.first;
