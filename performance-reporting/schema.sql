-- Tables of Performance Reporting. The daemon runs all up to the first step in one transaction and under its advisory
-- lock: on an empty database, on one that the original service filled, or on an earlier version's.

CREATE TABLE IF NOT EXISTS user_performance (
    id serial PRIMARY KEY,
    user_id varchar,
    lab_type varchar,
    completion_time integer,
    success boolean,
    errors json,
    resources_used json,
    timestamp timestamptz,
    client_id text,
    received_at timestamptz
);

-- The original writes this one when it reads. It stays for the original's sake; nothing here reads or writes it.
CREATE TABLE IF NOT EXISTS lab_statistics (
    id serial PRIMARY KEY,
    lab_type varchar,
    total_users integer,
    avg_completion_time double precision,
    success_rate double precision,
    common_errors json,
    last_updated timestamptz
);

-- Whether a value has something to count among errors: a list that is not empty.
CREATE OR REPLACE FUNCTION performance_has_errors(errors json) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE json_typeof(errors) WHEN 'array' THEN json_array_length(errors) > 0 ELSE false END
$$;

-- The text of a JSON string. What no text of PostgreSQL can hold (\u0000, half a surrogate pair) stays escaped.
-- Not safe in a parallel plan: an exception's block is a subtransaction.
CREATE OR REPLACE FUNCTION performance_text(string json) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE AS $$
BEGIN
    RETURN string #>> '{}';
EXCEPTION WHEN data_exception OR feature_not_supported THEN
    RETURN btrim(string::text, E' \t\r\n"');
END
$$;

-- Indexes are made while others write (common/pg/keeper.h says how).
-- step: index ix_user_performance_user_id
CREATE INDEX CONCURRENTLY ix_user_performance_user_id ON user_performance (user_id);
-- step: index ix_user_performance_lab_type
CREATE INDEX CONCURRENTLY ix_user_performance_lab_type ON user_performance (lab_type);
-- step: index user_performance_of_lab
CREATE INDEX CONCURRENTLY user_performance_of_lab
    ON user_performance (lab_type, user_id) INCLUDE (completion_time, success);
-- step: index user_performance_with_errors
CREATE INDEX CONCURRENTLY user_performance_with_errors ON user_performance (lab_type, id)
 WHERE performance_has_errors(errors);

-- What a batch says of an item beside what the original keeps: the caller's own id of it, and when it came where the
-- caller told its time. Rows of the original and of single calls have neither.
-- step: lock performance_arrivals
DO $$
BEGIN
    IF (SELECT count(*) FROM pg_attribute
         WHERE attrelid = 'user_performance'::regclass AND attname IN ('client_id', 'received_at')) < 2 THEN
        ALTER TABLE user_performance ADD COLUMN IF NOT EXISTS client_id text, ADD COLUMN IF NOT EXISTS received_at timestamptz;
    END IF;
END
$$;
-- step: index user_performance_client_id
CREATE UNIQUE INDEX CONCURRENTLY user_performance_client_id ON user_performance (client_id) WHERE client_id IS NOT NULL;

-- What the pages of a list are read from, in either direction: of all, of a user, of a lab type. Rows without a time lie
-- before all others. Names by their hash: it is shorter, and no index takes a name of any length.
-- step: index user_performance_page
CREATE INDEX CONCURRENTLY user_performance_page ON user_performance (coalesce(timestamp, '-infinity'), id);
-- step: index user_performance_user_page
CREATE INDEX CONCURRENTLY user_performance_user_page
    ON user_performance (hashtextextended(user_id, 0), coalesce(timestamp, '-infinity'), id);
-- step: index user_performance_lab_page
CREATE INDEX CONCURRENTLY user_performance_lab_page
    ON user_performance (hashtextextended(lab_type, 0), coalesce(timestamp, '-infinity'), id);
