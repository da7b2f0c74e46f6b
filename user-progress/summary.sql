-- name: list_members
SELECT to_char(date, 'YYYY-MM-DD') AS date, members
  FROM progress_logs
 WHERE user_id = $1
   AND members IS NOT NULL
 ORDER BY log_id;
