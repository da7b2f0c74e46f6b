-- Tables of Performance Reporting. The daemon runs all up to the first step (4_steps.sql) in one transaction and under
-- its advisory lock: on an empty database, on one that the original service filled, or on an earlier version's.

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
