-- The rows that the loads read and refer to: users u1, u2, … and one lab.
INSERT INTO users (id, username, full_name, email, created_at, last_active)
SELECT 'u' || n, 'user' || n, 'User ' || n, 'user' || n || '@example.com', now(), now()
FROM generate_series(1, :users) AS n;

INSERT INTO labs (id, name, description, lab_type, difficulty, created_at, updated_at)
VALUES ('l1', 'Filesystem Lab', 'Learn about filesystem operations', 'filesystem', 'beginner', now(), now());

ANALYZE;
