-- Erasures as the calls show them.

-- name: insert_erasure
-- Returns nothing if an erasure of the user runs already.
WITH made AS MATERIALIZED (
    SELECT gen_random_uuid()::text AS erasure_id, replace(gen_random_uuid()::text, '-', '') AS salt
)
INSERT INTO erasures (erasure_id, user_id, salt, subject, requested_by, sweep_at)
SELECT erasure_id, $1, salt, encode(sha256(convert_to(salt || $1, 'UTF8')), 'hex'), $2, 'infinity'
  FROM made
    ON CONFLICT (user_id) WHERE user_id IS NOT NULL DO NOTHING
RETURNING erasure_id, 'running' AS status, requested_at, requested_by;

-- name: begin_parts
-- The last statement of the transaction that begins an erasure: from its commit on nobody finds the user any more.
WITH begun AS (
    UPDATE erasures
       SET sweep_at = clock_timestamp() + $2 * interval '1 millisecond'
     WHERE erasure_id = $1
    RETURNING erasure_id
)
INSERT INTO erasure_parts (erasure_id, service)
SELECT erasure_id, unnest(ARRAY['user-progress', 'performance-reporting', 'usage-analytics'])
  FROM begun;

-- name: find_running
SELECT e.erasure_id,
       CASE WHEN EXISTS (SELECT FROM erasure_parts p WHERE p.erasure_id = e.erasure_id AND p.blocked)
            THEN 'blocked' ELSE 'running' END AS status,
       e.requested_at,
       e.requested_by
  FROM erasures e
 WHERE e.user_id = $1;

-- name: find_receipt
-- Each receipt has a salt of its own, so the hash of the id is another one in each: all of them are tried.
SELECT erasure_id, 'complete' AS status, requested_at, requested_by
  FROM erasures
 WHERE user_id IS NULL
   AND subject = encode(sha256(convert_to(salt || $1, 'UTF8')), 'hex')
 ORDER BY verified_at DESC
 LIMIT 1;

-- name: get_erasure
-- The JSON is made as text, because the functions for JSON put spaces into it.
WITH counted AS (
    SELECT c.service,
           string_agg(to_json(c.kind) || ':' || c.found, ',' ORDER BY array_position(k.kinds, c.kind)) AS members
      FROM erasure_counts c,
           (SELECT ARRAY['users', 'lab_attempts', 'progress_events', 'progress_logs', 'user_performance',
                         'usage_events', 'idempotency_keys'] AS kinds) AS k
     WHERE c.erasure_id = $1
     GROUP BY c.service
), parts AS (
    SELECT '{' || string_agg(to_json(p.service) || ':{' || concat_ws(',', c.members, '"error":' || to_json(p.error)) || '}',
                             ',' ORDER BY array_position(ARRAY['user-progress', 'performance-reporting'], p.service))
               || '}' AS services,
           bool_or(p.blocked) AS blocked
      FROM erasure_parts p
      LEFT JOIN counted c USING (service)
     WHERE p.erasure_id = $1
), late AS (
    SELECT '{' || coalesce(string_agg(to_json(kind) || ':' || late, ',' ORDER BY kind), '') || '}' AS late
      FROM (
           SELECT kind, sum(late) AS late
             FROM erasure_counts
            WHERE erasure_id = $1
            GROUP BY kind
           HAVING sum(late) > 0
      ) AS of_kind
)
SELECT e.erasure_id,
       CASE WHEN e.verified_at IS NOT NULL THEN 'complete' WHEN p.blocked THEN 'blocked' ELSE 'running' END AS status,
       e.requested_at,
       e.requested_by,
       e.erased_at,
       e.verified_at,
       'sha256:' || e.subject AS subject,
       e.salt,
       p.services,
       l.late
  FROM erasures e, parts p, late l
 WHERE e.erasure_id = $1;
