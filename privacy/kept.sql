-- Answers that are kept for an Idempotency-Key, found by what is written in them: a colon and a value. Between the two
-- there may be space only where JSON that a client sent, such as event_data, is answered as it came. It is taken out of the
-- few bodies in which the value occurs at all.

-- name: count_kept
SELECT count(*) AS rows
  FROM idempotency_keys
 WHERE EXISTS (
       SELECT
         FROM unnest($1::text[]) AS value
        WHERE strpos(body, value) > 0
          AND strpos(regexp_replace(body, ':[[:space:]]+"', ':"', 'g'), ':' || value) > 0
 );

-- name: forget_kept
WITH gone AS (
    DELETE FROM idempotency_keys
     WHERE EXISTS (
           SELECT
             FROM unnest($1::text[]) AS value
            WHERE strpos(body, value) > 0
              AND strpos(regexp_replace(body, ':[[:space:]]+"', ':"', 'g'), ':' || value) > 0
     )
    RETURNING 1
)
SELECT count(*) AS rows
  FROM gone;
