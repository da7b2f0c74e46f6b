-- pgbench: writes only the row that POST /analytics/event writes.
\set n random(1, :users)
INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp)
VALUES ('u' || :n::text, 'filesystem', 'start', '{"session_id":"test-session-1"}', now())
RETURNING id;
