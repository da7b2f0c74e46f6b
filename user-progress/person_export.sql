-- name: get_person_user
SELECT username, full_name, email, id, created_at, last_active
  FROM users
 WHERE id = $1;
