-- name: insert_user
-- A new row is returned to one call only, even if two calls of a batch request the same user.
WITH asked AS (
    SELECT *
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
           WITH ORDINALITY AS a (id, username, full_name, email, n)
), made AS (
    INSERT INTO users (id, username, full_name, email, created_at, last_active)
    SELECT id, username, full_name, email, at, at
      FROM (SELECT *, clock_timestamp() AT TIME ZONE 'UTC' AS at FROM asked ORDER BY email, n) AS dated
        ON CONFLICT DO NOTHING
    RETURNING id, username, full_name, email, created_at, last_active
)
SELECT DISTINCT ON (m.id) a.n, m.username, m.full_name, m.email, m.id, m.created_at, m.last_active
  FROM made m
  JOIN asked a ON a.id = m.id
   AND a.username = m.username
   AND a.email = m.email
   AND a.full_name IS NOT DISTINCT FROM m.full_name
 ORDER BY m.id, a.n;

-- name: look_user_taken
-- Which of the unique values other users have; $4 is the id of the user that is changed, who does not count.
SELECT EXISTS (SELECT FROM users WHERE email = $3 AND id IS DISTINCT FROM $4) AS email_taken,
       EXISTS (SELECT FROM users WHERE username = $2 AND id IS DISTINCT FROM $4) AS username_taken,
       EXISTS (SELECT FROM users WHERE id = $1 AND id IS DISTINCT FROM $4) AS id_taken;

-- name: get_user
SELECT a.n, u.username, u.full_name, u.email, u.id, u.created_at, u.last_active
  FROM unnest($1::text[]) WITH ORDINALITY AS a (id, n)
  JOIN users u ON u.id = a.id;

-- name: count_users
SELECT count(*) AS total FROM users;

-- name: list_users
SELECT username, full_name, email, id, created_at, last_active
  FROM users
 ORDER BY created_at, id
OFFSET $1
 LIMIT $2;

-- name: update_user
UPDATE users
   SET username = $2,
       email = $3,
       full_name = CASE WHEN $4 THEN $5 ELSE full_name END,
       last_active = clock_timestamp() AT TIME ZONE 'UTC'
 WHERE id = $1
RETURNING username, full_name, email, id, created_at, last_active;

-- name: delete_user
DELETE FROM users
 WHERE id = $1
RETURNING id AS user_id;
