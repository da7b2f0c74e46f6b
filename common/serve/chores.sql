-- The regular work of a daemon on the tables that every service has.

-- name: forget_keys
WITH gone AS (
    DELETE FROM idempotency_keys
     WHERE key IN (
           SELECT key
             FROM idempotency_keys
            WHERE created_at < now() - interval '1 day'
            ORDER BY created_at
            LIMIT $1
     )
    RETURNING 1
)
SELECT count(*) AS rows
  FROM gone;

-- name: forget_slots
-- A row that is a day old belongs to a connection that is closed, or that has not written since.
WITH gone AS (
    DELETE FROM write_slots
     WHERE slot IN (
           SELECT slot
             FROM write_slots
            WHERE at < now() - interval '1 day'
            LIMIT $1
     )
    RETURNING 1
)
SELECT count(*) AS rows
  FROM gone;

-- name: list_ids
-- For each table with ids from a sequence: how many the column's type and the sequence allow, and how many are left.
SELECT relname::text AS of_table,
       total,
       total - last AS "left"
  FROM (
       SELECT c.relname,
              coalesce(pg_sequence_last_value(s.seqrelid), 0) AS last,
              least(s.seqmax, CASE a.atttypid
                              WHEN 'int2'::regtype THEN 32767
                              WHEN 'int4'::regtype THEN 2147483647
                              ELSE 9223372036854775807
                              END) AS total
         FROM pg_sequence s
         JOIN pg_depend d
           ON d.classid = 'pg_class'::regclass
          AND d.objid = s.seqrelid
          AND d.refclassid = 'pg_class'::regclass
          AND d.deptype IN ('a', 'i')
         JOIN pg_class c ON c.oid = d.refobjid AND c.relnamespace = current_schema()::regnamespace
         JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  ) AS ids
 ORDER BY relname;
