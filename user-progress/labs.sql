-- name: insert_lab
INSERT INTO labs (id, name, description, lab_type, difficulty, created_at, updated_at)
SELECT $1, $2, $3, $4, $5, at, at
  FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS at OFFSET 0) AS now
    ON CONFLICT DO NOTHING
RETURNING name, description, lab_type, difficulty, id, created_at, updated_at;

-- name: look_lab_taken
SELECT EXISTS (SELECT FROM labs WHERE name = $2) AS name,
       EXISTS (SELECT FROM labs WHERE id = $1) AS id;

-- name: get_lab
SELECT a.n, l.name, l.description, l.lab_type, l.difficulty, l.id, l.created_at, l.updated_at
  FROM unnest($1::text[]) WITH ORDINALITY AS a (id, n)
  JOIN labs l ON l.id = a.id;

-- name: count_labs
SELECT count(*) AS total FROM labs;

-- name: list_labs
SELECT name, description, lab_type, difficulty, id, created_at, updated_at
  FROM labs
 ORDER BY created_at, id
OFFSET $1
 LIMIT $2;

-- name: list_labs_of_type
SELECT name, description, lab_type, difficulty, id, created_at, updated_at
  FROM labs
 WHERE lab_type = $1
 ORDER BY created_at, id;

-- name: update_lab
UPDATE labs
   SET name = $2,
       description = $3,
       lab_type = $4,
       difficulty = $5,
       updated_at = clock_timestamp() AT TIME ZONE 'UTC'
 WHERE id = $1
RETURNING name, description, lab_type, difficulty, id, created_at, updated_at;

-- name: delete_lab
DELETE FROM labs
 WHERE id = $1
RETURNING id AS lab_id;
