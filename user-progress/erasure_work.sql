-- What an erasure does in this service, and what is left to do in all of them.

-- name: allow_erasing
-- The trigger of the progress log lets this transaction delete events of this user.
SELECT set_config('progress.erase', $1, true) AS user_id;

-- name: erase_user
DELETE FROM users
 WHERE id = $1
RETURNING username, email;

-- name: erase_attempts_of
WITH gone AS (
    DELETE FROM lab_attempts
     WHERE id = ANY (ARRAY(SELECT id FROM lab_attempts WHERE user_id = $1 LIMIT $2))
    RETURNING 1
)
SELECT count(*) AS rows
  FROM gone;

-- name: erase_logs_of
-- First the states of entries: a change of an entry locks its state, so none is in progress afterwards.
WITH gone AS (
    DELETE FROM progress_logs
     WHERE log_id = ANY (ARRAY(SELECT DISTINCT log_id FROM progress_events WHERE user_id = $1 ORDER BY log_id LIMIT $2))
    RETURNING log_id
)
SELECT count(*) AS rows,
       coalesce(max(log_id), 0)::bigint AS last
  FROM gone;

-- name: erase_log_events_of
-- Up to the entry whose state was deleted last: those after it are not looked at before it is their turn.
WITH gone AS (
    DELETE FROM progress_events e
     WHERE user_id = $1
       AND log_id <= $2::bigint
       AND NOT EXISTS (SELECT FROM progress_logs WHERE log_id = e.log_id)
    RETURNING 1
)
SELECT count(*) AS rows
  FROM gone;

-- name: forget_requester
-- The receipts of erasures that the person requested for others would still name the person.
UPDATE erasures
   SET requested_by = NULL
 WHERE requested_by IN ($1, $2, $3);

-- name: find_attempts_noted
-- Whether a note about the user is not folded yet: until then derived tables may have rows about the user.
SELECT count(*) AS rows
  FROM (
       SELECT
         FROM attempt_notes
        WHERE hashtextextended(user_id, 0) = hashtextextended($1, 0)
          AND user_id = $1
        LIMIT 1
  ) AS noted;

-- name: claim_part
-- The part that has waited longest. For as long as the work on it takes, other daemons of this database leave it alone.
UPDATE erasure_parts p
   SET next_try = now() + $1 * interval '1 millisecond'
  FROM erasures e
 WHERE e.erasure_id = p.erasure_id
   AND (p.erasure_id, p.service) = (
       SELECT erasure_id, service
         FROM erasure_parts
        WHERE sweeps < 2
          AND next_try <= now()
        ORDER BY next_try
        LIMIT 1
          FOR UPDATE SKIP LOCKED
  )
RETURNING p.erasure_id, e.user_id, p.service, p.sweeps;

-- name: set_erased
-- What a service counted, in all calls of the erasure.
INSERT INTO erasure_counts AS c (erasure_id, service, kind, found, late)
VALUES ($1, $2, $3, CASE WHEN $5 THEN 0 ELSE $4 END, CASE WHEN $5 THEN $4 ELSE 0 END)
    ON CONFLICT (erasure_id, service, kind) DO UPDATE
   SET found = CASE WHEN $5 THEN c.found ELSE greatest(c.found, $4) END,
       late = CASE WHEN $5 THEN greatest(c.late, $4 - c.found) ELSE c.late END;

-- name: go_on
-- More is left, and is done after a pause.
UPDATE erasure_parts
   SET error = NULL,
       blocked = false,
       tries = 0,
       next_try = clock_timestamp() + $4 * interval '1 millisecond'
 WHERE erasure_id = $1
   AND service = $2
   AND sweeps = $3;

-- name: end_sweep
UPDATE erasure_parts p
   SET sweeps = p.sweeps + 1,
       error = NULL,
       blocked = false,
       tries = 0,
       next_try = greatest(e.sweep_at, clock_timestamp())
  FROM erasures e
 WHERE e.erasure_id = p.erasure_id
   AND p.erasure_id = $1
   AND p.service = $2
   AND p.sweeps = $3;

-- name: try_again
-- After a pause that grows with each try up to $6, by chance up to a half shorter.
UPDATE erasure_parts
   SET error = $4,
       blocked = $5,
       tries = least(tries + 1, 30),
       next_try = clock_timestamp() + least(500 * 2 ^ tries, $6) * (1 - random() / 2) * interval '1 millisecond'
 WHERE erasure_id = $1
   AND service = $2
   AND sweeps = $3;

-- name: end_erasures
-- An erasure is verified after the second sweep of all services, and forgets whom it was about.
UPDATE erasures e
   SET erased_at = coalesce(e.erased_at, clock_timestamp()),
       verified_at = CASE WHEN p.sweeps = 2 THEN clock_timestamp() END,
       user_id = CASE WHEN p.sweeps < 2 THEN e.user_id END
  FROM (
       SELECT r.erasure_id, min(sweeps) AS sweeps
         FROM erasures r
         JOIN erasure_parts USING (erasure_id)
        WHERE r.user_id IS NOT NULL
        GROUP BY r.erasure_id
  ) AS p
 WHERE p.erasure_id = e.erasure_id
   AND e.user_id IS NOT NULL
   AND (p.sweeps = 2 OR p.sweeps = 1 AND e.erased_at IS NULL);

-- name: count_running
SELECT count(*) AS running,
       count(*) FILTER (WHERE EXISTS (SELECT FROM erasure_parts p
                                       WHERE p.erasure_id = e.erasure_id AND p.blocked)) AS blocked,
       coalesce(extract(epoch FROM now() - min(requested_at)), 0)::bigint AS oldest
  FROM erasures e
 WHERE user_id IS NOT NULL;
