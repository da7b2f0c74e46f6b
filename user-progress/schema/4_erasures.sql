-- Erasures of people, and their receipts. Until an erasure is complete its row has the person's id; afterwards it has
-- only the hash, with which somebody who knows the id can show that the receipt is about it (docs/privacy.md).
CREATE TABLE IF NOT EXISTS erasures (
    erasure_id text PRIMARY KEY,
    user_id varchar,
    salt text NOT NULL,
    subject text NOT NULL, -- SHA-256 of the salt, as text, and the id, in hexadecimal digits
    requested_at timestamptz NOT NULL DEFAULT now(),
    requested_by text,
    sweep_at timestamptz NOT NULL, -- from then on the second sweep finds everything that is late
    erased_at timestamptz,
    verified_at timestamptz
);
-- grant: SELECT, INSERT, UPDATE ON erasures
-- Only one erasure of a person runs at a time.
CREATE UNIQUE INDEX IF NOT EXISTS erasures_running ON erasures (user_id) WHERE user_id IS NOT NULL;

-- What is left to do in each service.
CREATE TABLE IF NOT EXISTS erasure_parts (
    erasure_id text NOT NULL,
    service text NOT NULL,
    sweeps integer NOT NULL DEFAULT 0, -- those that are done, of two
    error text,                        -- why the last try failed
    blocked boolean NOT NULL DEFAULT false, -- it fails until somebody changes something
    tries integer NOT NULL DEFAULT 0,  -- that failed, one after the other
    next_try timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (erasure_id, service)
);
-- grant: SELECT, INSERT, UPDATE ON erasure_parts
CREATE INDEX IF NOT EXISTS erasure_parts_next_try ON erasure_parts (next_try) WHERE sweeps < 2;
