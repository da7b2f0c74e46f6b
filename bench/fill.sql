-- Adds rows :from to :to to a table that the reports read, over 90 days, 50 lab types and all users of seed.sql. One of
-- the variables `events`, `records` and `attempts` is set.
\if :{?events}
INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp)
SELECT 'u' || 1 + n % :users, CASE n % 50 WHEN 0 THEN 'filesystem' ELSE 'lab' || n % 50 END,
       (ARRAY['start', 'pause', 'complete'])[1 + n % 3], '{"session_id":"s1"}', now() - random() * interval '90 days'
  FROM generate_series(:from, :to) AS n;
\endif
\if :{?records}
INSERT INTO user_performance (user_id, lab_type, completion_time, success, errors, resources_used, timestamp)
SELECT 'u' || 1 + n % :users, CASE n % 50 WHEN 0 THEN 'filesystem' ELSE 'lab' || n % 50 END, n % 900, n % 3 > 0,
       '["permission_denied"]', '{"cpu":5}', now() - random() * interval '90 days'
  FROM generate_series(:from, :to) AS n;
\endif
\if :{?attempts}
INSERT INTO lab_attempts (user_id, lab_type, completion_status, time_spent, errors_encountered, timestamp)
SELECT 'u' || 1 + n % :users, CASE n % 50 WHEN 0 THEN 'filesystem' ELSE 'lab' || n % 50 END, n % 3 > 0, n % 900,
       ARRAY['permission_denied'], now() - random() * interval '90 days'
  FROM generate_series(:from, :to) AS n;
\endif
