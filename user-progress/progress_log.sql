-- name: create_entry
-- Looks up the user and inserts the entry; without the user no id is returned.
WITH asked AS MATERIALIZED (
    SELECT a.*, CASE WHEN a.known OR u.id IS NOT NULL THEN nextval('progress_log_id_seq') END AS id
      FROM unnest($1::text[], $2::text[], $3::json[], $4::text[], $5::bool[])
           WITH ORDINALITY AS a (user_id, date, members, actor, known, n)
      LEFT JOIN users u ON u.id = a.user_id
), event AS (
    INSERT INTO progress_events (log_id, version, type, user_id, date, members, recorded_at, actor)
    SELECT id, 1, 'created', user_id, date::date, members, clock_timestamp(), actor
      FROM asked
     WHERE id IS NOT NULL
)
SELECT n, id
  FROM asked;

-- name: list_entries
-- A page of a user's entries after an id, in the order of the index on both columns.
SELECT log_id, user_id, to_char(date, 'YYYY-MM-DD') AS date, members
  FROM progress_logs
 WHERE (user_id, log_id) > ($1, $2)
   AND user_id <= $1
   AND members IS NOT NULL
 ORDER BY user_id, log_id
 LIMIT $3;

-- name: list_entries_as_of
-- Entries in the order of the index, each found by its first event; of each, the last event until then.
SELECT e.log_id, e.user_id, to_char(e.date, 'YYYY-MM-DD') AS date, e.members
  FROM progress_events AS created
 CROSS JOIN LATERAL (
       SELECT *
         FROM progress_events
        WHERE log_id = created.log_id
          AND recorded_at <= $4
        ORDER BY version DESC
        LIMIT 1
  ) AS e
 WHERE (created.user_id, created.log_id) > ($1, $2)
   AND created.user_id <= $1
   AND created.version = 1
   AND e.members IS NOT NULL
 ORDER BY created.user_id, created.log_id
 LIMIT $3;

-- name: list_events
SELECT version,
       type,
       recorded_at,
       actor,
       log_id AS "entry.log_id",
       user_id AS "entry.user_id",
       to_char(date, 'YYYY-MM-DD') AS "entry.date",
       members AS "entry.members"
  FROM progress_events
 WHERE log_id = $1
   AND version > $2
 ORDER BY version
 LIMIT $3;

-- name: list_person_events
-- A page of the events of all entries of a user, in the order of an index.
SELECT version,
       type,
       recorded_at,
       actor,
       log_id AS "entry.log_id",
       user_id AS "entry.user_id",
       to_char(date, 'YYYY-MM-DD') AS "entry.date",
       members AS "entry.members"
  FROM progress_events
 WHERE (user_id, log_id, version) > ($1, $2, $3)
   AND user_id <= $1
 ORDER BY user_id, log_id, version
 LIMIT $4;
