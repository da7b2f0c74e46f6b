-- name: count_person
-- An entry of the progress log is found by its events: it keeps its row when it is deleted, and no index has those.
SELECT (SELECT username FROM users WHERE id = $1) AS username,
       (SELECT email FROM users WHERE id = $1) AS email,
       (SELECT count(*) FROM users WHERE id = $1) AS users,
       (SELECT count(*) FROM lab_attempts WHERE user_id = $1) AS lab_attempts,
       (SELECT count(*) FROM progress_events WHERE user_id = $1) AS progress_events,
       (SELECT count(DISTINCT log_id) FROM progress_events WHERE user_id = $1) AS progress_logs;
