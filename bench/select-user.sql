-- pgbench: the query of GET /users/{id}.
\set n random(1, :users)
SELECT id, username, full_name, email, created_at, last_active FROM users WHERE id = 'u' || :n::text;
