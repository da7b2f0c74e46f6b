-- The answers that are stored for Idempotency-Keys.

-- name: look_key
-- Earlier versions also stored refusals, for which nothing was written.
SELECT request = decode(CASE key WHEN $1 THEN $2 ELSE $4 END, 'hex') AS same,
       status,
       headers,
       body
  FROM idempotency_keys
 WHERE key IN ($1, $3)
   AND status < 400
   AND created_at >= now() - interval '1 day'
 ORDER BY key = $1 DESC
 LIMIT 1;

-- name: claim_key
-- Waits for another request with the same key to end.
INSERT INTO idempotency_keys AS k (key, request)
VALUES ($1, decode($2, 'hex'))
    ON CONFLICT (key) DO UPDATE
   SET request = excluded.request,
       status = NULL,
       headers = NULL,
       body = NULL,
       created_at = now()
 WHERE k.created_at < now() - interval '1 day'
RETURNING key;

-- name: keep_answer
UPDATE idempotency_keys
   SET status = $2,
       headers = $3,
       body = $4
 WHERE key = $1
RETURNING key;
