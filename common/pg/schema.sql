-- Tables and functions that every service has in addition to its own. This text can be run any number of times.

CREATE TABLE IF NOT EXISTS schema_version (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
-- grant: SELECT ON schema_version

-- The last transaction of each connection that writes: one row per connection, updated in place. A daemon that lost its
-- connection during a commit finds out here whether the transaction was committed.
CREATE TABLE IF NOT EXISTS write_slots (
    slot uuid PRIMARY KEY,
    batch bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
-- grant: SELECT, INSERT, UPDATE, DELETE ON write_slots

-- The answers to calls with an Idempotency-Key that wrote something. Each is kept for a day.
CREATE TABLE IF NOT EXISTS idempotency_keys (
    key text PRIMARY KEY,
    request bytea NOT NULL,
    status integer,
    body text,
    created_at timestamptz NOT NULL DEFAULT now()
);
-- grant: SELECT, INSERT, UPDATE, DELETE ON idempotency_keys
CREATE INDEX IF NOT EXISTS ix_idempotency_keys_created_at ON idempotency_keys (created_at);
-- Earlier versions did not have this column. The table is locked only if the column is missing.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'idempotency_keys'::regclass AND attname = 'headers') THEN
        ALTER TABLE idempotency_keys ADD COLUMN headers text;
    END IF;
END $$;

-- What erasures deleted in this service, by table. It is counted in the transaction that deletes, so that a call that is
-- repeated counts nothing twice. `late` is what the second sweep found. No row says whose data it was.
CREATE TABLE IF NOT EXISTS erasure_counts (
    erasure_id text NOT NULL,
    service text NOT NULL,
    kind text NOT NULL, -- the table
    found bigint NOT NULL DEFAULT 0,
    late bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (erasure_id, service, kind)
);
-- grant: SELECT, INSERT, UPDATE ON erasure_counts

-- Regular work that the daemons of a service share, and when the last of them began a turn of it.
CREATE TABLE IF NOT EXISTS upkeep_turns (
    name text PRIMARY KEY,
    at timestamptz NOT NULL
) WITH (fillfactor = 50);
-- grant: SELECT, INSERT, UPDATE ON upkeep_turns

-- For tables whose sums are kept up to an id. From now on, every change of a row up to the id `upto` leaves a note.
-- Then the function waits for the transactions that may have changed such a row without a note. These are found by
-- their lock on the table: a transaction that wrote it holds its lock until it ends. `mark` is a sequence, because
-- everybody sees the last value of a sequence, no matter how old their snapshot is. Returns false if one of these
-- transactions is still open after half a second.
CREATE OR REPLACE FUNCTION settle_rows(of_table regclass, mark regclass, upto bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    open_before text[];
BEGIN
    PERFORM setval(mark, upto);
    open_before := ARRAY(SELECT virtualtransaction FROM pg_locks
                          WHERE relation = of_table AND pid IS DISTINCT FROM pg_backend_pid()
                            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                            AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock'));
    FOR i IN 1..50 LOOP
        IF NOT EXISTS (SELECT FROM pg_locks WHERE relation = of_table AND virtualtransaction = ANY (open_before)) THEN
            RETURN true;
        END IF;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN false;
END
$$;

-- The id at which the next slice of a table's rows ends; null if fewer than `few` rows are left. Ids above the last
-- value of the table's sequence are included only in a full slice of `many` rows: once they are folded, every new row
-- has a lower id and needs a note.
CREATE OR REPLACE FUNCTION next_slice(of_table regclass, after bigint, few integer, many integer) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    last bigint := pg_sequence_last_value(pg_get_serial_sequence(of_table::text, 'id')::regclass);
    found record;
BEGIN
    EXECUTE format('SELECT count(*) AS rows, max(id) AS all_of_them, max(id) FILTER (WHERE id <= $2) AS drawn'
                   '  FROM (SELECT id FROM %s WHERE id > $1 ORDER BY id LIMIT $3) AS next', of_table)
       INTO found USING after, coalesce(last, 9223372036854775807), many;
    RETURN CASE WHEN found.rows = many THEN found.all_of_them WHEN found.rows >= few THEN found.drawn END;
END
$$;
