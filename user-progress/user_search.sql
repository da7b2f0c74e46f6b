-- name: find_users
-- One of $1 to $3 is given; $4 is the username after which the page begins. Planned for its values. Names are compared by
-- their bytes, so the beginning of a name is a range of an index.
SELECT username, full_name, email, id, created_at, last_active
  FROM users
 WHERE ($1 IS NULL OR username = $1)
   AND ($2 IS NULL OR email = $2)
   AND ($3 IS NULL OR username COLLATE "C" ^@ $3)
   AND ($4 IS NULL OR username COLLATE "C" > $4)
 ORDER BY username COLLATE "C"
 LIMIT $5;
