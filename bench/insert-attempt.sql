-- pgbench: writes only the row that POST /progress/lab-attempt writes.
\set n random(1, :users)
INSERT INTO lab_attempts (user_id, lab_type, completion_status, time_spent, errors_encountered, "timestamp")
VALUES ('u' || :n::text, 'filesystem', true, 300, ARRAY['permission_denied', 'file_not_found'], now())
RETURNING id;
