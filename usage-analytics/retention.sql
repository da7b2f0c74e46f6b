-- Events that are older than a moment; rows without a time are not. The parameters and the rows are described in
-- common/items/retention.h.

-- name: match_old_events
SELECT coalesce(lab_type, 'null') AS lab_type,
       count(*) AS rows,
       min(timestamp) AS oldest,
       max(timestamp) AS newest
  FROM usage_events
 WHERE greatest(timestamp, '-infinity') > '-infinity'
   AND greatest(timestamp, '-infinity') < $1
 GROUP BY coalesce(lab_type, 'null')
 ORDER BY count(*) DESC, coalesce(lab_type, 'null') COLLATE "C";

-- name: delete_old_events
WITH old AS MATERIALIZED (
    SELECT id
      FROM usage_events
     WHERE greatest(timestamp, '-infinity') > '-infinity'
       AND greatest(timestamp, '-infinity') < $1
     ORDER BY greatest(timestamp, '-infinity'), id
     LIMIT $2
       FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM usage_events AS e
     USING old
     WHERE e.id = old.id
    RETURNING coalesce(e.lab_type, 'null') AS lab_type
)
SELECT lab_type, count(*) AS rows
  FROM gone
 GROUP BY lab_type;

-- name: has_old_events
SELECT EXISTS (
       SELECT
         FROM usage_events
        WHERE greatest(timestamp, '-infinity') > '-infinity'
          AND greatest(timestamp, '-infinity') < $1
       ) AS any;
