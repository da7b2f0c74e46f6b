-- The tables of Performance Reporting. The daemon runs the text before the first step (4_steps.sql) in one transaction,
-- while it holds its advisory lock. The database may be empty, filled by the original service, or of an earlier
-- version.

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
-- grant: SELECT, INSERT, UPDATE, DELETE ON user_performance
-- grant: USAGE ON SEQUENCE user_performance_id_seq

-- The original service writes this table while it answers a read. It is kept for the original only; nothing here reads
-- or writes it.
CREATE TABLE IF NOT EXISTS lab_statistics (
    id serial PRIMARY KEY,
    lab_type varchar,
    total_users integer,
    avg_completion_time double precision,
    success_rate double precision,
    common_errors json,
    last_updated timestamptz
);
-- grant: SELECT ON SEQUENCE lab_statistics_id_seq

-- Whether a value may have something to count among its errors. An empty list is two characters long and has nothing.
CREATE OR REPLACE FUNCTION performance_lists(errors json) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT octet_length(errors::text) > 2
$$;

-- Whether these values fit in an index entry, with room for its other columns. An entry has at most 2,704 bytes on
-- pages of the usual size.
CREATE OR REPLACE FUNCTION performance_is_short(errors json, user_id text, lab_type text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(octet_length(errors::text), 0) + coalesce(octet_length(user_id), 0)
           + coalesce(octet_length(lab_type), 0) < 2000
$$;

-- The text of a JSON string. A string with an escape that no text of PostgreSQL can hold (\u0000, half a surrogate
-- pair) is returned as it is written, without its quotes. The function is not safe in a parallel plan, because the
-- exception block is a subtransaction.
CREATE OR REPLACE FUNCTION performance_text(string json) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE AS $$
BEGIN
    RETURN string #>> '{}';
EXCEPTION WHEN data_exception OR feature_not_supported THEN
    RETURN btrim(string::text, E' \t\r\n"');
END
$$;

-- An object whose names PostgreSQL can all read: escapes that no text of PostgreSQL can hold (see above) become plain
-- characters, as they are written.
CREATE OR REPLACE FUNCTION performance_readable(object json) RETURNS json
LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE AS $$
BEGIN
    PERFORM FROM json_each(object);
    RETURN object;
EXCEPTION WHEN data_exception OR feature_not_supported THEN
    RETURN regexp_replace(object::text, '([^\\](?:\\\\)*)\\u(?=0000|[dD][89a-fA-F])', '\1\\\\u', 'g');
END
$$;

-- The members of an object of resources, with their positions `n`. `amount` is null if the value is not a number. A
-- number with more than 100 characters, or with an exponent beyond 99, does not count as one: it would fill the report.
CREATE OR REPLACE FUNCTION performance_amounts(used json)
RETURNS TABLE (name text, amount numeric, n bigint)
LANGUAGE sql STABLE ROWS 3 AS $$
    SELECT e.key,
           CASE WHEN json_typeof(e.value) = 'number' AND octet_length(e.value::text) <= 100
                     AND e.value::text !~ '[eE][+-]?[0-9]{3}'
                THEN e.value::text::numeric END,
           e.n
      FROM json_each(CASE WHEN json_typeof(used) = 'object'
                          THEN CASE WHEN strpos(used::text, '\u') = 0 THEN used ELSE performance_readable(used) END
                     END) WITH ORDINALITY AS e (key, value, n)
$$;
