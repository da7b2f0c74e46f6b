-- A change of an entry appends its next event while the entry is locked.

-- name: get_owner
-- The user of an entry, who never changes.
SELECT a.n, l.user_id
  FROM unnest($1::int8[]) WITH ORDINALITY AS a (log_id, n)
  JOIN progress_logs l ON l.log_id = a.log_id;

-- name: lock_entry
-- A change of an entry waits here until the change before it has ended.
SELECT log_id, user_id, to_char(date, 'YYYY-MM-DD') AS date, members
  FROM progress_logs
 WHERE log_id = $1
   FOR UPDATE;

-- name: append_event
-- Each event is later than the one before, even if the clock is set back, so that there is a time for every version.
INSERT INTO progress_events (log_id, version, type, user_id, date, members, recorded_at, actor)
SELECT l.log_id,
       l.version + 1,
       $2,
       l.user_id,
       $3::date,
       $4,
       greatest(clock_timestamp(), l.recorded_at + interval '1 microsecond'),
       $5
  FROM progress_logs l
 WHERE l.log_id = $1
RETURNING log_id AS id;

-- name: get_version
SELECT log_id, user_id, to_char(date, 'YYYY-MM-DD') AS date, members
  FROM progress_events
 WHERE log_id = $1
   AND version = $2;

-- name: delete_entries
WITH l AS MATERIALIZED (
    SELECT *
      FROM progress_logs
     WHERE user_id = $1
       AND members IS NOT NULL
     ORDER BY log_id
       FOR UPDATE
), event AS (
    INSERT INTO progress_events (log_id, version, type, user_id, date, members, recorded_at, actor)
    SELECT log_id,
           version + 1,
           'deleted',
           user_id,
           NULL,
           NULL,
           greatest(clock_timestamp(), l.recorded_at + interval '1 microsecond'),
           $2
      FROM l
    RETURNING log_id
)
SELECT count(*) AS count
  FROM event;
