-- name: next_events
-- Events with the state of their entry, from one snapshot; events that are added meanwhile are on a later page.
SELECT e.log_id,
       e.type,
       e.version AS "event.version",
       e.user_id AS "event.user_id",
       e.date::text AS "event.date",
       e.members AS "event.members",
       e.recorded_at AS "event.recorded_at",
       l.version AS "state.version",
       l.user_id AS "state.user_id",
       l.date::text AS "state.date",
       l.members AS "state.members",
       l.recorded_at AS "state.recorded_at"
  FROM (
       SELECT *
         FROM progress_events
        WHERE (log_id, version) > ($1, $2)
        ORDER BY log_id, version
        LIMIT $3
  ) AS e
  LEFT JOIN progress_logs l USING (log_id)
 ORDER BY e.log_id, e.version;

-- name: next_orphans
SELECT log_id
  FROM progress_logs l
 WHERE log_id > $1
   AND NOT EXISTS (SELECT FROM progress_events WHERE log_id = l.log_id)
 ORDER BY log_id
 LIMIT $2;
