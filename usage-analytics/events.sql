-- An event's data is JSON, its null the null of JSON, as the original has it.

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
