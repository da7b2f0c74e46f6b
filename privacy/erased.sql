-- name: add_erased
INSERT INTO erasure_counts AS c (erasure_id, service, kind, found, late)
VALUES ($1, $2, $3, CASE WHEN $5 THEN 0 ELSE $4 END, CASE WHEN $5 THEN $4 ELSE 0 END)
    ON CONFLICT (erasure_id, service, kind) DO UPDATE
   SET found = c.found + excluded.found,
       late = c.late + excluded.late;

-- name: list_erased
SELECT kind, found
  FROM erasure_counts
 WHERE erasure_id = $1
 ORDER BY kind = 'idempotency_keys', kind;
