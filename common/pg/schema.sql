-- Tables that every service has beside its own. Runs any number of times.

CREATE TABLE IF NOT EXISTS schema_version (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- What the last transaction of each writing connection was: a daemon that lost its connection while it committed asks
-- here whether that transaction is there. One row a connection, updated in place.
CREATE TABLE IF NOT EXISTS write_slots (
    slot uuid PRIMARY KEY,
    batch bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- The answer to each call with an Idempotency-Key that wrote something, kept for a day.
CREATE TABLE IF NOT EXISTS idempotency_keys (
    key text PRIMARY KEY,
    request bytea NOT NULL,
    status integer,
    body text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS ix_idempotency_keys_created_at ON idempotency_keys (created_at);
-- Not kept by earlier versions. The table is locked only where the column is not there yet.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'idempotency_keys'::regclass AND attname = 'headers') THEN
        ALTER TABLE idempotency_keys ADD COLUMN headers text;
    END IF;
END $$;

-- For tables whose sums are kept up to an id: has every change of a row up to there noted from now on, and waits for
-- the transactions that may have changed one without a note. `mark` is a sequence, since whoever reads it sees its
-- last value, whatever their snapshot. A transaction that has written the table holds its lock until it has ended.
-- False where one of them is still open after half a second.
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

-- The id up to which the next slice of a table's rows is taken, null where fewer than `few` are left. Ids beyond the
-- sequence are taken only with many others: were they not left alone, every new row would have to be noted.
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
