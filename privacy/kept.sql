-- Answers that are kept for an Idempotency-Key, found by what is written in them: a colon and a value. Between the two
-- there may be space only where JSON that a client sent, such as event_data, is answered as it came. It is taken out of the
-- few bodies in which the value occurs at all.

-- name: count_kept
SELECT count(*) FILTER (WHERE names) AS rows,
       count(*) AS looked,
       max(key) AS last
  FROM (
        SELECT key,
               EXISTS (
               SELECT
                 FROM unnest($1::text[]) AS value
                WHERE strpos(body, value) > 0
                  AND strpos(regexp_replace(body, ':[[:space:]]+"', ':"', 'g'), ':' || value) > 0
               ) AS names
          FROM idempotency_keys
         WHERE key > $2
         ORDER BY key
         LIMIT $3
       ) AS kept;

-- name: forget_kept
WITH kept AS MATERIALIZED (
    SELECT key,
           EXISTS (
           SELECT
             FROM unnest($1::text[]) AS value
            WHERE strpos(body, value) > 0
              AND strpos(regexp_replace(body, ':[[:space:]]+"', ':"', 'g'), ':' || value) > 0
           ) AS names
      FROM idempotency_keys
     WHERE key > $2
     ORDER BY key
     LIMIT $3
), gone AS (
    DELETE FROM idempotency_keys
     WHERE key = ANY (ARRAY(SELECT key FROM kept WHERE names))
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) AS rows,
       count(*) AS looked,
       max(key) AS last
  FROM kept;
