-- The data of an event is JSON; a missing value is stored as the JSON null, as in the original.

-- name: insert_event
WITH event AS MATERIALIZED (
    SELECT e.*, nextval('usage_events_id_seq') AS id, clock_timestamp() AS at
      FROM unnest($1::text[], $2::text[], $3::text[], $4::json[])
           WITH ORDINALITY AS e (user_id, lab_type, event_type, event_data, n)
), inserted AS (
    INSERT INTO usage_events (id, user_id, lab_type, event_type, event_data, timestamp)
    SELECT id, user_id, lab_type, event_type, coalesce(event_data, 'null'), at
      FROM event
)
SELECT n, id, at AS timestamp
  FROM event;

-- name: draw_event_ids
SELECT nextval('usage_events_id_seq') AS id
  FROM generate_series(1, $1);

-- name: insert_events
-- In the order of the parameters, which is that of the client ids.
INSERT INTO usage_events (id, user_id, lab_type, event_type, event_data, timestamp, client_id, received_at)
SELECT id, user_id, lab_type, event_type, coalesce(event_data, 'null'), coalesce(timestamp, now()), client_id, received_at
  FROM unnest($1::int8[], $2::text[], $3::text[], $4::text[], $5::json[], $6::timestamptz[], $7::text[],
              $8::timestamptz[])
       AS e (id, user_id, lab_type, event_type, event_data, timestamp, client_id, received_at)
    ON CONFLICT DO NOTHING
RETURNING id;

-- name: find_events_sent
SELECT client_id, user_id, lab_type, event_type AS kind, id
  FROM usage_events
 WHERE client_id = ANY ($1);

-- name: get_event
SELECT user_id, lab_type, event_type, event_data, id, timestamp
  FROM usage_events
 WHERE id = $1;

-- name: update_event
UPDATE usage_events
   SET user_id = $1,
       lab_type = $2,
       event_type = $3,
       event_data = coalesce($4::json, 'null')
 WHERE id = $5
RETURNING id, timestamp;

-- name: delete_event
DELETE FROM usage_events
 WHERE id = $1
RETURNING id AS event_id;

-- name: list_events
-- The parameters are described in common/items/list.h. Planned for their values, so only the order and the filters of the
-- query remain. Rows are compared with their key, and not sought by it and compared without, so that only the index
-- that begins with the key has the order. A CTE keeps the order in which it was filled, and is filled only as far as
-- it is read.
WITH looked_at AS MATERIALIZED (
    SELECT id, at, user_id, lab_type, event_type
      FROM (
            SELECT *,
                   greatest(timestamp, '-infinity') AS at,
                   CASE $2 WHEN 'user_id' THEN hashtextextended(user_id, 0)
                           WHEN 'lab_type' THEN hashtextextended(lab_type, 0)
                           WHEN 'kind' THEN hashtextextended(event_type, 0) END AS key,
                   CASE $2 WHEN 'user_id' THEN hashtextextended($9, 0)
                           WHEN 'lab_type' THEN hashtextextended($11, 0)
                           WHEN 'kind' THEN hashtextextended($14, 0) END AS sought
              FROM usage_events
           ) AS e
     WHERE CASE
           WHEN $1 = 'id' THEN id > $5 AND ($9 IS NULL OR hashtextextended(user_id, 0) = hashtextextended($9, 0) AND user_id = $9)
           WHEN $2 IS NULL THEN (at, id) > (coalesce($4::timestamptz, '-infinity'), $5) AND (at, id) < (coalesce($6::timestamptz, CASE WHEN $7 = 9223372036854775807 THEN 'infinity'::timestamptz ELSE '-infinity' END), $7)
           ELSE (key, at, id) > (sought, coalesce($4::timestamptz, '-infinity'), $5) AND (key, at, id) < (sought, coalesce($6::timestamptz, CASE WHEN $7 = 9223372036854775807 THEN 'infinity'::timestamptz ELSE '-infinity' END), $7)
           END
       AND ($2 IS DISTINCT FROM 'kind' OR (event_type IN ('start', 'complete')) IS NOT TRUE)
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
       AND ($14 IS NULL OR event_type = $14)
     LIMIT $15
), short AS MATERIALIZED (
    SELECT CASE WHEN (SELECT count(*) FROM found) < $15 THEN (SELECT count(*) FROM looked_at) = $8 END AS yes
), rest AS MATERIALIZED (
    SELECT id, at, user_id, lab_type, event_type
      FROM (
            SELECT *,
                   greatest(timestamp, '-infinity') AS at,
                   CASE $3 WHEN 'user_id' THEN hashtextextended(user_id, 0)
                           WHEN 'lab_type' THEN hashtextextended(lab_type, 0)
                           WHEN 'kind' THEN hashtextextended(event_type, 0) END AS key,
                   CASE $3 WHEN 'user_id' THEN hashtextextended($9, 0)
                           WHEN 'lab_type' THEN hashtextextended($11, 0)
                           WHEN 'kind' THEN hashtextextended($14, 0) END AS sought
              FROM usage_events
           ) AS e
     WHERE $3 IS NOT NULL
       AND (SELECT yes FROM short)
       AND CASE $3
           WHEN 'time' THEN (at, id) > (coalesce($4::timestamptz, '-infinity'), $5) AND (at, id) < (coalesce($6::timestamptz, CASE WHEN $7 = 9223372036854775807 THEN 'infinity'::timestamptz ELSE '-infinity' END), $7)
           ELSE (key, at, id) > (sought, coalesce($4::timestamptz, '-infinity'), $5) AND (key, at, id) < (sought, coalesce($6::timestamptz, CASE WHEN $7 = 9223372036854775807 THEN 'infinity'::timestamptz ELSE '-infinity' END), $7)
           END
       AND ($3 IS DISTINCT FROM 'kind' OR (event_type IN ('start', 'complete')) IS NOT TRUE)
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
       AND ($14 IS NULL OR event_type = $14)
     ORDER BY CASE $1 WHEN '-timestamp' THEN at END DESC,
              CASE $1 WHEN '-timestamp' THEN id END DESC,
              CASE $1 WHEN 'timestamp' THEN at END,
              CASE WHEN $1 <> '-timestamp' THEN id END
     LIMIT $15)
)
SELECT page.mark,
       e.user_id,
       e.lab_type,
       e.event_type,
       e.event_data,
       e.id,
       e.timestamp,
       e.client_id,
       e.received_at
  FROM page
  JOIN usage_events e ON e.id = page.id
 ORDER BY CASE $1 WHEN '-timestamp' THEN greatest(e.timestamp, '-infinity') END DESC,
          CASE $1 WHEN '-timestamp' THEN e.id END DESC,
          CASE $1 WHEN 'timestamp' THEN greatest(e.timestamp, '-infinity') END,
          CASE WHEN $1 <> '-timestamp' THEN e.id END,
          page.mark;

-- name: export_events
-- The parameters are described in common/items/export.h.
SELECT e.user_id,
       e.lab_type,
       e.event_type,
       e.event_data,
       e.id,
       e.timestamp,
       e.client_id,
       e.received_at
  FROM usage_events e
 WHERE ($2 IS NULL OR hashtextextended(e.user_id, 0) = hashtextextended($2, 0) AND e.user_id = $2)
   AND ($3 IS NULL OR hashtextextended(e.lab_type, 0) = hashtextextended($3, 0) AND e.lab_type = $3)
   AND ($4 IS NULL OR e.client_id = $4)
   AND ($5::timestamptz IS NULL OR greatest(e.timestamp, '-infinity') >= $5::timestamptz)
   AND ($6::timestamptz IS NULL OR e.timestamp IS NOT NULL AND greatest(e.timestamp, '-infinity') < $6::timestamptz)
   AND ($7 IS NULL OR e.event_type = $7)
   AND ($8 IS NULL OR e.id > $8)
 ORDER BY CASE $1 WHEN 'timestamp' THEN greatest(e.timestamp, '-infinity') END, e.id;
