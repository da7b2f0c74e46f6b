-- Adds rows :from to :to of :rows that lie over three years, the oldest first, of all users of seed.sql in :labs lab types.
-- One of the variables `events`, `records` and `attempts` is set. Each user goes from lab type to lab type; three events
-- are a session; three of ten records have errors.
\if :{?events}
INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp)
SELECT 'u' || 1 + s * 7919 % :users, CASE lab WHEN 0 THEN 'filesystem' ELSE 'lab' || lab END,
       (ARRAY['start', 'view', 'complete'])[1 + n % 3], json_build_object('session_id', 's' || s),
       now() - interval '3 years' * (1 - s * 3.0 / :rows) + n % 3 * interval '7 minutes'
  FROM generate_series(:from::bigint, :to) AS n, LATERAL (SELECT n / 3 AS s) AS session,
       LATERAL (SELECT (s / :users + s) % :labs AS lab) AS place;
\endif
\if :{?records}
INSERT INTO user_performance (user_id, lab_type, completion_time, success, errors, resources_used, timestamp)
SELECT 'u' || 1 + n * 7919 % :users, CASE lab WHEN 0 THEN 'filesystem' ELSE 'lab' || lab END, n * 31 % 900, n % 3 > 0,
       CASE WHEN n % 10 < 3 THEN json_build_array('e' || n % 17) ELSE '[]' END, json_build_object('cpu', n % 100, 'memory', n % 4096),
       now() - interval '3 years' * (1 - n::numeric / :rows)
  FROM generate_series(:from::bigint, :to) AS n, LATERAL (SELECT (n / :users + n) % :labs AS lab) AS place;
\endif
\if :{?attempts}
INSERT INTO lab_attempts (user_id, lab_type, completion_status, time_spent, errors_encountered, timestamp)
SELECT 'u' || 1 + n * 7919 % :users, CASE lab WHEN 0 THEN 'filesystem' ELSE 'lab' || lab END, n % 3 > 0, n * 31 % 900, '{}',
       now() - interval '3 years' * (1 - n::numeric / :rows)
  FROM generate_series(:from::bigint, :to) AS n, LATERAL (SELECT (n / :users + n) % :labs AS lab) AS place;
\endif
