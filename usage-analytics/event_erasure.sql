-- name: count_events_of
SELECT count(*) AS rows
  FROM usage_events
 WHERE user_id = $1;

-- name: erase_events_of
WITH gone AS (
    DELETE FROM usage_events
     WHERE id = ANY (ARRAY(SELECT id FROM usage_events WHERE user_id = $1 LIMIT $2))
    RETURNING 1
)
SELECT count(*) AS rows
  FROM gone;

-- name: find_events_noted
-- Whether a note about the user is not folded yet, or a lab type is still to be worked out: until then derived tables may
-- have rows about the user.
SELECT count(*) AS rows
  FROM (
       SELECT FROM usage_notes WHERE user_id = $1
       UNION ALL
       SELECT FROM usage_marks
       UNION ALL
       SELECT FROM usage_state WHERE NOT taken_over
       LIMIT 1
  ) AS noted;
