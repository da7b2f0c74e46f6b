-- insert_record (set: user_id text, lab_type text, completion_time int8, success bool, errors json,
-- resources_used json) -> ordinal int8, id int4, timestamp timestamptz
WITH record AS MATERIALIZED (
    SELECT r.*, nextval('user_performance_id_seq')::integer AS id, clock_timestamp() AS at
      FROM unnest($1::text[], $2::text[], $3::int8[], $4::bool[], $5::json[], $6::json[])
           WITH ORDINALITY AS r (user_id, lab_type, completion_time, success, errors, resources_used, n)
), inserted AS (
    INSERT INTO user_performance
           (id, user_id, lab_type, completion_time, success, errors, resources_used, timestamp)
    SELECT id, user_id, lab_type, completion_time::integer, success, errors, resources_used, at FROM record
)
SELECT n, id, at FROM record;

-- update_record (id int8, user_id text, lab_type text, completion_time int8, success bool, errors json,
-- resources_used json) -> id int4, timestamp timestamptz; no row: 404
UPDATE user_performance
   SET user_id = $2, lab_type = $3, completion_time = $4::int8, success = $5, errors = $6, resources_used = $7
 WHERE id = $1::int8 RETURNING id, timestamp;

-- delete_record (id int8) -> id int4; no row: 404
DELETE FROM user_performance WHERE id = $1::int8 RETURNING id;

-- report_of_lab (lab_type text) -> total_attempts int8, unique_users int8, success_rate float8,
-- avg_completion_time float8, common_errors text[]; no row: 404. An attempt whose success is null did not succeed;
-- one whose completion time is null is left out of the average (none has one: 0). Errors are the strings of a list;
-- anything else in that column is none.
SELECT total.attempts AS total_attempts, total.users AS unique_users,
       total.successes::float8 / total.attempts AS success_rate,
       coalesce(total.seconds::float8 / nullif(total.timed, 0), 0) AS avg_completion_time,
       ARRAY(SELECT performance_text(written::json)
               FROM (SELECT e.value::text AS written, count(*) AS n, min(ARRAY[p.id, e.position]) AS first
                       FROM user_performance p,
                            LATERAL json_array_elements(p.errors) WITH ORDINALITY AS e (value, position)
                      WHERE p.lab_type = $1 AND performance_has_errors(p.errors)
                        AND json_typeof(e.value) = 'string'
                      GROUP BY 1) AS each_error -- as it is written: the same text can be escaped in several ways
              GROUP BY 1
              ORDER BY sum(n) DESC, min(first)
              LIMIT 5) AS common_errors
  FROM (SELECT sum(n)::int8 AS attempts, count(user_id) AS users, sum(successes)::int8 AS successes,
               sum(seconds)::int8 AS seconds, sum(timed)::int8 AS timed
          FROM (SELECT user_id, count(*) AS n, count(*) FILTER (WHERE success) AS successes,
                       coalesce(sum(completion_time), 0) AS seconds, count(completion_time) AS timed
                  FROM user_performance WHERE lab_type = $1 GROUP BY user_id) AS each_user) AS total
 WHERE total.attempts > 0;

-- report_of_user (user_id text) -> lab_type text, attempts int8, success_rate float8, avg_completion_time float8,
-- total_time_spent int8, last_attempt timestamptz; by lab type. Nulls as above; a record without a lab type is of
-- none and left out; the last attempt is null where none has a time.
SELECT lab_type, count(*) AS attempts, count(*) FILTER (WHERE success)::float8 / count(*) AS success_rate,
       coalesce(sum(completion_time)::float8 / nullif(count(completion_time), 0), 0) AS avg_completion_time,
       coalesce(sum(completion_time), 0)::int8 AS total_time_spent, max(timestamp) AS last_attempt
  FROM user_performance
 WHERE user_id = $1 AND lab_type IS NOT NULL
 GROUP BY lab_type ORDER BY lab_type COLLATE "C";
