-- name: count_records_of
SELECT count(*) AS rows
  FROM user_performance
 WHERE user_id = $1;

-- name: erase_records_of
WITH gone AS (
    DELETE FROM user_performance
     WHERE id = ANY (ARRAY(SELECT id FROM user_performance WHERE user_id = $1 LIMIT $2))
    RETURNING 1
)
SELECT count(*) AS rows
  FROM gone;

-- name: find_records_noted
-- Whether a note about the user is not folded yet: until then derived tables may have rows about the user.
SELECT count(*) AS rows
  FROM (
       SELECT
         FROM performance_notes
        WHERE hashtextextended(user_id, 0) = hashtextextended($1, 0)
          AND user_id = $1
        LIMIT 1
  ) AS noted;
