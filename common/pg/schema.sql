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
