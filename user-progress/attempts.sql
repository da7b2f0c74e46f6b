-- Lab attempts. The lab shown for a type is the oldest lab of that type.

-- name: insert_attempt
-- Looks up users and labs and inserts the attempts that have both; the rows tell what was not found.
WITH known AS MATERIALIZED (
    SELECT a.*,
           u.id IS NOT NULL AS user_found,
           l.id IS NOT NULL AS lab_found,
           l.name,
           l.description,
           l.difficulty,
           clock_timestamp() AT TIME ZONE 'UTC' AS at,
           CASE WHEN u.id IS NOT NULL AND l.id IS NOT NULL THEN nextval('lab_attempts_id_seq') END AS id
      FROM unnest($1::text[], $2::text[], $3::bool[], $4::int8[], $5::text[])
           WITH ORDINALITY AS a (user_id, lab_type, completion_status, time_spent, errors, n)
      LEFT JOIN users u ON u.id = a.user_id
      LEFT JOIN LATERAL (
           SELECT id, name, description, difficulty
             FROM labs
            WHERE lab_type = a.lab_type
            ORDER BY created_at, id
            LIMIT 1
      ) AS l ON true
), made AS (
    INSERT INTO lab_attempts
           (id, user_id, lab_type, completion_status, time_spent, errors_encountered, timestamp)
    SELECT id, user_id, lab_type, completion_status, time_spent, errors::varchar[], at
      FROM known
     WHERE id IS NOT NULL
)
SELECT n,
       true AS attempt_found,
       user_found,
       lab_found,
       id,
       at AS timestamp,
       name AS lab_name,
       description AS lab_description,
       difficulty AS lab_difficulty
  FROM known;

-- name: update_attempt
WITH known AS MATERIALIZED (
    SELECT t.id IS NOT NULL AS attempt_found,
           u.id IS NOT NULL AS user_found,
           l.id IS NOT NULL AS lab_found,
           l.name,
           l.description,
           l.difficulty
      FROM (SELECT $1 AS user_id, $2 AS lab_type) AS a
      LEFT JOIN lab_attempts t ON t.id = $6
      LEFT JOIN users u ON u.id = a.user_id
      LEFT JOIN LATERAL (
           SELECT id, name, description, difficulty
             FROM labs
            WHERE lab_type = a.lab_type
            ORDER BY created_at, id
            LIMIT 1
      ) AS l ON true
), made AS (
    UPDATE lab_attempts
       SET user_id = $1,
           lab_type = $2,
           completion_status = $3,
           time_spent = $4,
           errors_encountered = $5
     WHERE id = $6
       AND (SELECT user_found AND lab_found FROM known)
    RETURNING id, timestamp
)
SELECT attempt_found AND (m.id IS NOT NULL OR NOT (user_found AND lab_found)) AS attempt_found,
       user_found,
       lab_found,
       m.id,
       m.timestamp,
       name AS lab_name,
       description AS lab_description,
       difficulty AS lab_difficulty
  FROM known
  LEFT JOIN made m ON true;

-- name: list_attempts
-- A page of a user's attempts after an id, ordered by both columns of the index: with an equality on user_id the planner
-- might walk the ids of all users. No row: there is no such user. A row without an id: no attempts after that id.
SELECT a.user_id,
       a.lab_type,
       a.completion_status,
       a.time_spent,
       a.errors_encountered,
       a.id,
       a.timestamp,
       CASE WHEN l.id IS NULL THEN a.lab_type ELSE l.name END AS lab_name,
       CASE WHEN l.id IS NULL THEN 'No description available' ELSE l.description END AS lab_description,
       CASE WHEN l.id IS NULL THEN 'unknown' ELSE l.difficulty END AS lab_difficulty
  FROM users u
  LEFT JOIN LATERAL (
       SELECT *
         FROM lab_attempts
        WHERE (user_id, id) > (u.id, $2)
          AND user_id <= u.id
        ORDER BY user_id, id
        LIMIT $3
  ) AS a ON true
  LEFT JOIN LATERAL (
       SELECT id, name, description, difficulty
         FROM labs
        WHERE lab_type = a.lab_type
        ORDER BY created_at, id
        LIMIT 1
  ) AS l ON true
 WHERE u.id = $1
 ORDER BY a.id;

-- name: draw_attempt_ids
SELECT nextval('lab_attempts_id_seq') AS id
  FROM generate_series(1, $1);

-- name: insert_attempts
-- In the order of the parameters, which is that of the client ids.
INSERT INTO lab_attempts
       (id, user_id, lab_type, completion_status, time_spent, errors_encountered, timestamp, client_id, received_at)
SELECT id,
       user_id,
       lab_type,
       completion_status,
       time_spent,
       errors::varchar[],
       coalesce(timestamp, now()) AT TIME ZONE 'UTC',
       client_id,
       received_at
  FROM unnest($1::int8[], $2::text[], $3::text[], $4::bool[], $5::int8[], $6::text[], $7::timestamptz[], $8::text[],
              $9::timestamptz[])
       AS a (id, user_id, lab_type, completion_status, time_spent, errors, timestamp, client_id, received_at)
    ON CONFLICT DO NOTHING
RETURNING id;

-- name: find_attempts_sent
SELECT client_id, user_id, lab_type, NULL::text AS kind, id
  FROM lab_attempts
 WHERE client_id = ANY ($1);

-- name: get_attempt
SELECT a.user_id,
       a.lab_type,
       a.completion_status,
       a.time_spent,
       a.errors_encountered,
       a.id,
       a.timestamp,
       CASE WHEN l.id IS NULL THEN a.lab_type ELSE l.name END AS lab_name,
       CASE WHEN l.id IS NULL THEN 'No description available' ELSE l.description END AS lab_description,
       CASE WHEN l.id IS NULL THEN 'unknown' ELSE l.difficulty END AS lab_difficulty
  FROM lab_attempts a
  LEFT JOIN LATERAL (
       SELECT id, name, description, difficulty
         FROM labs
        WHERE lab_type = a.lab_type
        ORDER BY created_at, id
        LIMIT 1
  ) AS l ON true
 WHERE a.id = $1;

-- name: delete_attempt
DELETE FROM lab_attempts
 WHERE id = $1
RETURNING id AS attempt_id;

-- name: list_all_attempts
-- The parameters are described in common/items/list.h. Planned for their values, so only the order and the filters of the
-- query remain. Rows are compared with their key, and not sought by it and compared without, so that only the index
-- that begins with the key has the order. A CTE keeps the order in which it was filled, and is filled only as far as
-- it is read.
WITH looked_at AS MATERIALIZED (
    SELECT id, at, user_id, lab_type, completion_status
      FROM (
            SELECT *,
                   coalesce(timestamp, '-infinity') AS at,
                   CASE $2 WHEN 'user_id' THEN hashtextextended(user_id, 0)
                           WHEN 'lab_type' THEN hashtextextended(lab_type, 0)
                           WHEN 'kind' THEN completion_status::integer::bigint END AS key,
                   CASE $2 WHEN 'user_id' THEN hashtextextended($9, 0)
                           WHEN 'lab_type' THEN hashtextextended($11, 0)
                           WHEN 'kind' THEN $14::integer::bigint END AS sought
              FROM lab_attempts
           ) AS e
     WHERE CASE
           WHEN $1 = 'id' THEN id > $5 AND ($9 IS NULL OR hashtextextended(user_id, 0) = hashtextextended($9, 0) AND user_id = $9)
           WHEN $2 IS NULL THEN (at, id) > (coalesce($4::timestamptz AT TIME ZONE 'UTC', '-infinity'), $5) AND (at, id) < (coalesce($6::timestamptz AT TIME ZONE 'UTC', CASE WHEN $7 = 9223372036854775807 THEN 'infinity'::timestamp ELSE '-infinity' END), $7)
           ELSE (key, at, id) > (sought, coalesce($4::timestamptz AT TIME ZONE 'UTC', '-infinity'), $5) AND (key, at, id) < (sought, coalesce($6::timestamptz AT TIME ZONE 'UTC', CASE WHEN $7 = 9223372036854775807 THEN 'infinity'::timestamp ELSE '-infinity' END), $7)
           END
       AND ($10 IS NULL OR client_id = $10)
       AND ($13::timestamptz IS NULL OR timestamp IS NOT NULL)
     ORDER BY CASE $1 WHEN '-timestamp' THEN key END DESC,
              CASE $1 WHEN '-timestamp' THEN at END DESC,
              CASE $1 WHEN '-timestamp' THEN id END DESC,
              CASE $1 WHEN 'timestamp' THEN key END,
              CASE $1 WHEN 'timestamp' THEN at END,
              CASE WHEN $1 <> '-timestamp' THEN id END
     LIMIT $8
), found AS MATERIALIZED (
    SELECT id
      FROM looked_at
     WHERE ($9 IS NULL OR user_id = $9)
       AND ($11 IS NULL OR lab_type = $11)
       AND ($12::timestamptz IS NULL OR at >= $12::timestamptz AT TIME ZONE 'UTC')
       AND ($13::timestamptz IS NULL OR at < $13::timestamptz AT TIME ZONE 'UTC')
       AND ($14 IS NULL OR completion_status = $14)
     LIMIT $15
), short AS MATERIALIZED (
    SELECT CASE WHEN (SELECT count(*) FROM found) < $15 THEN (SELECT count(*) FROM looked_at) = $8 END AS yes
), rest AS MATERIALIZED (
    SELECT id, at, user_id, lab_type, completion_status
      FROM (
            SELECT *,
                   coalesce(timestamp, '-infinity') AS at,
                   CASE $3 WHEN 'user_id' THEN hashtextextended(user_id, 0)
                           WHEN 'lab_type' THEN hashtextextended(lab_type, 0)
                           WHEN 'kind' THEN completion_status::integer::bigint END AS key,
                   CASE $3 WHEN 'user_id' THEN hashtextextended($9, 0)
                           WHEN 'lab_type' THEN hashtextextended($11, 0)
                           WHEN 'kind' THEN $14::integer::bigint END AS sought
              FROM lab_attempts
           ) AS e
     WHERE $3 IS NOT NULL
       AND (SELECT yes FROM short)
       AND CASE $3
           WHEN 'time' THEN (at, id) > (coalesce($4::timestamptz AT TIME ZONE 'UTC', '-infinity'), $5) AND (at, id) < (coalesce($6::timestamptz AT TIME ZONE 'UTC', CASE WHEN $7 = 9223372036854775807 THEN 'infinity'::timestamp ELSE '-infinity' END), $7)
           ELSE (key, at, id) > (sought, coalesce($4::timestamptz AT TIME ZONE 'UTC', '-infinity'), $5) AND (key, at, id) < (sought, coalesce($6::timestamptz AT TIME ZONE 'UTC', CASE WHEN $7 = 9223372036854775807 THEN 'infinity'::timestamp ELSE '-infinity' END), $7)
           END
       AND ($13::timestamptz IS NULL OR timestamp IS NOT NULL)
     ORDER BY key, at, id
     LIMIT $8
), whole AS MATERIALIZED (
    SELECT $3 IS NOT NULL AND (SELECT yes FROM short) AND (SELECT count(*) FROM rest) < $8 AS yes
), page AS (
    SELECT id, false AS mark
      FROM found
     WHERE (SELECT yes FROM whole) IS NOT TRUE
     UNION ALL
    SELECT id, true
      FROM (SELECT id FROM looked_at OFFSET $8 - 1 LIMIT 1) AS last
     WHERE (SELECT yes FROM short)
       AND (SELECT yes FROM whole) IS NOT TRUE
     UNION ALL
    (SELECT id, false
      FROM rest
     WHERE (SELECT yes FROM whole)
       AND ($1 <> 'id' OR id > $5)
       AND ($9 IS NULL OR user_id = $9)
       AND ($11 IS NULL OR lab_type = $11)
       AND ($12::timestamptz IS NULL OR at >= $12::timestamptz AT TIME ZONE 'UTC')
       AND ($13::timestamptz IS NULL OR at < $13::timestamptz AT TIME ZONE 'UTC')
       AND ($14 IS NULL OR completion_status = $14)
     ORDER BY CASE $1 WHEN '-timestamp' THEN at END DESC,
              CASE $1 WHEN '-timestamp' THEN id END DESC,
              CASE $1 WHEN 'timestamp' THEN at END,
              CASE WHEN $1 <> '-timestamp' THEN id END
     LIMIT $15)
)
SELECT page.mark,
       e.user_id,
       e.lab_type,
       e.completion_status,
       e.time_spent,
       e.errors_encountered,
       e.id,
       e.timestamp,
       CASE WHEN l.id IS NULL THEN e.lab_type ELSE l.name END AS lab_name,
       CASE WHEN l.id IS NULL THEN 'No description available' ELSE l.description END AS lab_description,
       CASE WHEN l.id IS NULL THEN 'unknown' ELSE l.difficulty END AS lab_difficulty,
       e.client_id,
       e.received_at
  FROM page
  JOIN lab_attempts e ON e.id = page.id
  LEFT JOIN LATERAL (
       SELECT id, name, description, difficulty
         FROM labs
        WHERE lab_type = e.lab_type
        ORDER BY created_at, id
        LIMIT 1
  ) AS l ON true
 ORDER BY CASE $1 WHEN '-timestamp' THEN coalesce(e.timestamp, '-infinity') END DESC,
          CASE $1 WHEN '-timestamp' THEN e.id END DESC,
          CASE $1 WHEN 'timestamp' THEN coalesce(e.timestamp, '-infinity') END,
          CASE WHEN $1 <> '-timestamp' THEN e.id END,
          page.mark;

-- name: export_attempts
-- The parameters are described in common/items/export.h.
SELECT e.user_id,
       e.lab_type,
       e.completion_status,
       e.time_spent,
       e.errors_encountered,
       e.id,
       e.timestamp,
       CASE WHEN l.id IS NULL THEN e.lab_type ELSE l.name END AS lab_name,
       CASE WHEN l.id IS NULL THEN 'No description available' ELSE l.description END AS lab_description,
       CASE WHEN l.id IS NULL THEN 'unknown' ELSE l.difficulty END AS lab_difficulty,
       e.client_id,
       e.received_at
  FROM lab_attempts e
  LEFT JOIN LATERAL (
       SELECT id, name, description, difficulty
         FROM labs
        WHERE lab_type = e.lab_type
        ORDER BY created_at, id
        LIMIT 1
  ) AS l ON true
 WHERE ($2 IS NULL OR hashtextextended(e.user_id, 0) = hashtextextended($2, 0) AND e.user_id = $2)
   AND ($3 IS NULL OR hashtextextended(e.lab_type, 0) = hashtextextended($3, 0) AND e.lab_type = $3)
   AND ($4 IS NULL OR e.client_id = $4)
   AND ($5::timestamptz IS NULL OR coalesce(e.timestamp, '-infinity') >= $5::timestamptz AT TIME ZONE 'UTC')
   AND ($6::timestamptz IS NULL OR e.timestamp IS NOT NULL AND coalesce(e.timestamp, '-infinity') < $6::timestamptz AT TIME ZONE 'UTC')
   AND ($7 IS NULL OR e.completion_status = $7)
   AND ($8 IS NULL OR e.id > $8)
 ORDER BY CASE $1 WHEN 'timestamp' THEN coalesce(e.timestamp, '-infinity') END, e.id;

-- name: list_person_attempts
-- As list_attempts, also of a user who does not exist any more.
SELECT a.user_id,
       a.lab_type,
       a.completion_status,
       a.time_spent,
       a.errors_encountered,
       a.id,
       a.timestamp,
       CASE WHEN l.id IS NULL THEN a.lab_type ELSE l.name END AS lab_name,
       CASE WHEN l.id IS NULL THEN 'No description available' ELSE l.description END AS lab_description,
       CASE WHEN l.id IS NULL THEN 'unknown' ELSE l.difficulty END AS lab_difficulty,
       a.client_id,
       a.received_at
  FROM (
       SELECT *
         FROM lab_attempts
        WHERE (user_id, id) > ($1, $2)
          AND user_id <= $1
        ORDER BY user_id, id
        LIMIT $3
  ) AS a
  LEFT JOIN LATERAL (
       SELECT id, name, description, difficulty
         FROM labs
        WHERE lab_type = a.lab_type
        ORDER BY created_at, id
        LIMIT 1
  ) AS l ON true
 ORDER BY a.id;
