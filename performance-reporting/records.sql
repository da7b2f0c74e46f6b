-- Errors and resources are JSON, their null the null of JSON, as the original has it.

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
