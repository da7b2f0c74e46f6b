-- pgbench: writes only the row that POST /performance/record writes.
\set n random(1, :users)
INSERT INTO user_performance (user_id, lab_type, completion_time, success, errors, resources_used, timestamp)
VALUES ('u' || :n::text, 'filesystem', 295, true, '["permission_denied"]', '{"cpu":5}', now())
RETURNING id;
