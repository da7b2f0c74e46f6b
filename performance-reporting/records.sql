-- Errors and resources are JSON; a missing value is stored as the JSON null, as in the original.

-- name: insert_record
WITH record AS MATERIALIZED (
    SELECT r.*, nextval('user_performance_id_seq') AS id, clock_timestamp() AS at
      FROM unnest($1::text[], $2::text[], $3::int8[], $4::bool[], $5::json[], $6::json[])
           WITH ORDINALITY AS r (user_id, lab_type, completion_time, success, errors, resources_used, n)
), inserted AS (
    INSERT INTO user_performance
           (id, user_id, lab_type, completion_time, success, errors, resources_used, timestamp)
    SELECT id,
           user_id,
           lab_type,
           completion_time,
           success,
           coalesce(errors, 'null'),
           coalesce(resources_used, 'null'),
           at
      FROM record
)
SELECT n, id, at AS timestamp
  FROM record;

-- name: draw_record_ids
SELECT nextval('user_performance_id_seq') AS id
  FROM generate_series(1, $1);

-- name: insert_records
-- In the order of the parameters, which is that of the client ids.
INSERT INTO user_performance
       (id, user_id, lab_type, completion_time, success, errors, resources_used, timestamp, client_id, received_at)
SELECT id,
       user_id,
       lab_type,
       completion_time,
       success,
       coalesce(errors, 'null'),
       coalesce(resources_used, 'null'),
       coalesce(timestamp, now()),
       client_id,
       received_at
  FROM unnest($1::int8[], $2::text[], $3::text[], $4::int8[], $5::bool[], $6::json[], $7::json[], $8::timestamptz[],
              $9::text[], $10::timestamptz[])
       AS r (id, user_id, lab_type, completion_time, success, errors, resources_used, timestamp, client_id, received_at)
    ON CONFLICT DO NOTHING
RETURNING id;

-- name: find_records_sent
SELECT client_id, user_id, lab_type, NULL::text AS kind, id
  FROM user_performance
 WHERE client_id = ANY ($1);

-- name: get_record
SELECT user_id,
       lab_type,
       completion_time,
       success,
       errors AS printed_errors,
       resources_used,
       id,
       timestamp
  FROM user_performance
 WHERE id = $1;

-- name: update_record
UPDATE user_performance
   SET user_id = $1,
       lab_type = $2,
       completion_time = $3,
       success = $4,
       errors = coalesce($5::json, 'null'),
       resources_used = coalesce($6::json, 'null')
 WHERE id = $7
RETURNING id, timestamp;

-- name: delete_record
DELETE FROM user_performance
 WHERE id = $1
RETURNING id AS performance_id;

-- name: list_records
-- The parameters are described in common/items/list.h. Planned for their values, so only the order and the filters of the
-- query remain. Rows are compared with their key, and not sought by it and compared without, so that only the index
-- that begins with the key has the order. A CTE keeps the order in which it was filled, and is filled only as far as
-- it is read.
WITH looked_at AS MATERIALIZED (
    SELECT id, at, user_id, lab_type, success
      FROM (
            SELECT *,
                   coalesce(timestamp, '-infinity') AS at,
                   CASE $2 WHEN 'user_id' THEN hashtextextended(user_id, 0)
                           WHEN 'lab_type' THEN hashtextextended(lab_type, 0)
                           WHEN 'kind' THEN success::integer::bigint END AS key,
                   CASE $2 WHEN 'user_id' THEN hashtextextended($9, 0)
                           WHEN 'lab_type' THEN hashtextextended($11, 0)
                           WHEN 'kind' THEN $14::integer::bigint END AS sought
              FROM user_performance
           ) AS e
     WHERE CASE
           WHEN $1 = 'id' THEN id > $5 AND ($9 IS NULL OR hashtextextended(user_id, 0) = hashtextextended($9, 0) AND user_id = $9)
           WHEN $2 IS NULL THEN (at, id) > (coalesce($4::timestamptz, '-infinity'), $5) AND (at, id) < (coalesce($6::timestamptz, CASE WHEN $7 = 9223372036854775807 THEN 'infinity'::timestamptz ELSE '-infinity' END), $7)
           ELSE (key, at, id) > (sought, coalesce($4::timestamptz, '-infinity'), $5) AND (key, at, id) < (sought, coalesce($6::timestamptz, CASE WHEN $7 = 9223372036854775807 THEN 'infinity'::timestamptz ELSE '-infinity' END), $7)
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
       AND ($12::timestamptz IS NULL OR at >= $12::timestamptz)
       AND ($13::timestamptz IS NULL OR at < $13::timestamptz)
       AND ($14 IS NULL OR success = $14)
     LIMIT $15
), short AS MATERIALIZED (
    SELECT CASE WHEN (SELECT count(*) FROM found) < $15 THEN (SELECT count(*) FROM looked_at) = $8 END AS yes
), rest AS MATERIALIZED (
    SELECT id, at, user_id, lab_type, success
      FROM (
            SELECT *,
                   coalesce(timestamp, '-infinity') AS at,
                   CASE $3 WHEN 'user_id' THEN hashtextextended(user_id, 0)
                           WHEN 'lab_type' THEN hashtextextended(lab_type, 0)
                           WHEN 'kind' THEN success::integer::bigint END AS key,
                   CASE $3 WHEN 'user_id' THEN hashtextextended($9, 0)
                           WHEN 'lab_type' THEN hashtextextended($11, 0)
                           WHEN 'kind' THEN $14::integer::bigint END AS sought
              FROM user_performance
           ) AS e
     WHERE $3 IS NOT NULL
       AND (SELECT yes FROM short)
       AND CASE $3
           WHEN 'time' THEN (at, id) > (coalesce($4::timestamptz, '-infinity'), $5) AND (at, id) < (coalesce($6::timestamptz, CASE WHEN $7 = 9223372036854775807 THEN 'infinity'::timestamptz ELSE '-infinity' END), $7)
           ELSE (key, at, id) > (sought, coalesce($4::timestamptz, '-infinity'), $5) AND (key, at, id) < (sought, coalesce($6::timestamptz, CASE WHEN $7 = 9223372036854775807 THEN 'infinity'::timestamptz ELSE '-infinity' END), $7)
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
       AND ($12::timestamptz IS NULL OR at >= $12::timestamptz)
       AND ($13::timestamptz IS NULL OR at < $13::timestamptz)
       AND ($14 IS NULL OR success = $14)
     ORDER BY CASE $1 WHEN '-timestamp' THEN at END DESC,
              CASE $1 WHEN '-timestamp' THEN id END DESC,
              CASE $1 WHEN 'timestamp' THEN at END,
              CASE WHEN $1 <> '-timestamp' THEN id END
     LIMIT $15)
)
SELECT page.mark,
       e.user_id,
       e.lab_type,
       e.completion_time,
       e.success,
       e.errors AS printed_errors,
       e.resources_used,
       e.id,
       e.timestamp,
       e.client_id,
       e.received_at
  FROM page
  JOIN user_performance e ON e.id = page.id
 ORDER BY CASE $1 WHEN '-timestamp' THEN coalesce(e.timestamp, '-infinity') END DESC,
          CASE $1 WHEN '-timestamp' THEN e.id END DESC,
          CASE $1 WHEN 'timestamp' THEN coalesce(e.timestamp, '-infinity') END,
          CASE WHEN $1 <> '-timestamp' THEN e.id END,
          page.mark;

-- name: export_records
-- The parameters are described in common/items/export.h.
SELECT e.user_id,
       e.lab_type,
       e.completion_time,
       e.success,
       e.errors AS printed_errors,
       e.resources_used,
       e.id,
       e.timestamp,
       e.client_id,
       e.received_at
  FROM user_performance e
 WHERE ($2 IS NULL OR hashtextextended(e.user_id, 0) = hashtextextended($2, 0) AND e.user_id = $2)
   AND ($3 IS NULL OR hashtextextended(e.lab_type, 0) = hashtextextended($3, 0) AND e.lab_type = $3)
   AND ($4 IS NULL OR e.client_id = $4)
   AND ($5::timestamptz IS NULL OR coalesce(e.timestamp, '-infinity') >= $5::timestamptz)
   AND ($6::timestamptz IS NULL OR e.timestamp IS NOT NULL AND coalesce(e.timestamp, '-infinity') < $6::timestamptz)
   AND ($7 IS NULL OR e.success = $7)
   AND ($8 IS NULL OR e.id > $8)
 ORDER BY CASE $1 WHEN 'timestamp' THEN coalesce(e.timestamp, '-infinity') END, e.id;
