-- Answers that are kept for an Idempotency-Key, found by what is written in them.

-- name: count_kept
SELECT count(*) AS rows
  FROM idempotency_keys
 WHERE EXISTS (SELECT FROM unnest($1::text[]) AS value WHERE strpos(body, value) > 0);

-- name: forget_kept
WITH gone AS (
    DELETE FROM idempotency_keys
     WHERE EXISTS (SELECT FROM unnest($1::text[]) AS value WHERE strpos(body, value) > 0)
    RETURNING 1
)
SELECT count(*) AS rows
  FROM gone;
