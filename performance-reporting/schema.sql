-- Tables of Performance Reporting. The daemon runs this file whole, in one transaction and under its advisory lock,
-- at every start: on an empty database, on one that the original service filled, or on its own.

CREATE TABLE IF NOT EXISTS user_performance (
    id serial PRIMARY KEY,
    user_id varchar,
    lab_type varchar,
    completion_time integer,
    success boolean,
    errors json,
    resources_used json,
    timestamp timestamptz
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

-- Looked for by name first: even to find an index there, CREATE INDEX would wait for every writer.
DO $$
BEGIN
    IF to_regclass('ix_user_performance_user_id') IS NULL THEN
        CREATE INDEX ix_user_performance_user_id ON user_performance (user_id);
    END IF;
    IF to_regclass('ix_user_performance_lab_type') IS NULL THEN
        CREATE INDEX ix_user_performance_lab_type ON user_performance (lab_type);
    END IF;
    IF to_regclass('user_performance_of_lab') IS NULL THEN
        CREATE INDEX user_performance_of_lab ON user_performance (lab_type, user_id) INCLUDE (completion_time, success);
    END IF;
    IF to_regclass('user_performance_with_errors') IS NULL THEN
        CREATE INDEX user_performance_with_errors ON user_performance (lab_type, id)
         WHERE performance_has_errors(errors);
    END IF;
END
$$;
