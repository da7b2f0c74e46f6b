-- pgbench: what GET /users/{id} asks of the database.
\set n random(1, :users)
SELECT id, username, full_name, email, created_at, last_active FROM users WHERE id = 'u' || :n::text;
