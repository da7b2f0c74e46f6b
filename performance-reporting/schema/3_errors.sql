-- The errors of records, and where they are kept.

-- The text of a JSON string. Only a string with an escaped number (\u) needs the call of a slower function.
CREATE OR REPLACE FUNCTION performance_error(string json) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN strpos(string::text, E'\\u') = 0 THEN string #>> '{}' ELSE performance_text(string) END
$$;

-- The strings in a list of errors, with their positions; no rows if the value is not a list.
CREATE OR REPLACE FUNCTION performance_strings(errors json)
RETURNS TABLE (value json, "position" bigint)
LANGUAGE sql STABLE ROWS 3 AS $$
    SELECT e.value, e.position
      FROM json_array_elements(CASE json_typeof(errors) WHEN 'array' THEN errors END)
           WITH ORDINALITY AS e (value, position)
     WHERE json_typeof(e.value) = 'string'
$$;

-- An error of a lab type as one text: no two are the same.
CREATE OR REPLACE FUNCTION performance_error_in(lab text, error text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT length(lab) || ':' || lab || error
$$;

-- The first place of each of some errors, named by performance_error_in(), in the records from the id `since` to the id
-- `upto`. One pass finds them all, whatever their lab types. It ends with the slice that has the last of them; each slice
-- is twice as long as the one before, so most errors cost a short one, and a rare one no more than a reading of all.
CREATE OR REPLACE FUNCTION performance_first_places(names text[], since bigint, upto bigint)
RETURNS TABLE (name text, place bigint[])
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    done bigint := since - 1;
    slice bigint := 100;
    last bigint;
BEGIN
    WHILE cardinality(names) > 0 LOOP
        SELECT max(s.id) INTO last
          FROM (SELECT p.id FROM user_performance p WHERE p.id > done AND p.id <= upto ORDER BY p.id LIMIT slice) AS s;
        EXIT WHEN last IS NULL;
        FOR name, place IN
            SELECT f.name, f.place
              FROM (SELECT performance_error_in(w.lab_type, performance_error(e.value)) AS name,
                           min(ARRAY[w.id, e.position]) AS place
                      FROM (SELECT p.lab_type COLLATE "C" AS lab_type, p.errors::text COLLATE "C" AS written,
                                   min(p.id)::bigint AS id
                              FROM user_performance p
                             WHERE p.id > done AND p.id <= last AND performance_lists(p.errors)
                             GROUP BY 1, 2) AS w,
                           LATERAL performance_strings(w.written::json) AS e
                     GROUP BY 1
                    OFFSET 0) AS f
             WHERE f.name = ANY (names)
        LOOP
            names := array_remove(names, name);
            RETURN NEXT;
        END LOOP;
        done := last;
        slice := 2 * slice;
    END LOOP;
END
$$;

-- What is stored of an error in a lab type, and where. As performance_learner_of, it is looked up for each row of a query;
-- the index that begins with lab types cannot be used for it.
CREATE OR REPLACE FUNCTION performance_error_of(lab text, name text)
RETURNS TABLE (place tid, times bigint, first bigint[])
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT k.ctid, k.times, k.first
      FROM performance_errors k
     WHERE performance_key(k.lab_type, k.error) = performance_key(lab, name) AND k.lab_type IS NOT DISTINCT FROM lab
       AND k.error = name
    OFFSET 0
$$;

-- The most frequent error of each lab type, of equally frequent ones the first: the first of performance_of_lab(), for all
-- lab types in one reading of what is not folded.
CREATE OR REPLACE FUNCTION performance_top_errors()
RETURNS TABLE (lab_type text, error text)
LANGUAGE plpgsql STABLE ROWS 20
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    folded bigint;
    first_note bigint;
BEGIN
    SELECT upto, notes_from INTO folded, first_note FROM performance_state;
    RETURN QUERY
    WITH list AS ( -- a list that many records have is decoded once
        SELECT c.lab_type COLLATE "C" AS lab_type, c.written COLLATE "C" AS written, sum(c.sign) AS times,
               min(c.id) FILTER (WHERE c.sign > 0) AS came, min(c.id) FILTER (WHERE c.sign < 0) AS went
          FROM (SELECT 1 AS sign, p.id::bigint AS id, p.lab_type, p.errors::text AS written
                  FROM user_performance p
                 WHERE p.id > folded AND num_nulls(p.lab_type) = 0 AND performance_lists(p.errors)
                UNION ALL
                SELECT n.sign, n.id, n.lab_type, n.errors::text
                  FROM performance_notes n
                 WHERE n.n >= first_note AND n.id <= folded AND num_nulls(n.lab_type) = 0
                   AND performance_lists(n.errors)) AS c
         GROUP BY 1, 2
    ), changed AS MATERIALIZED (
        SELECT l.lab_type, performance_error(e.value) AS error, sum(l.times)::bigint AS times,
               min(ARRAY[l.came, e.position]) FILTER (WHERE l.came IS NOT NULL) AS came,
               min(ARRAY[l.went, e.position]) FILTER (WHERE l.went IS NOT NULL) AS went
          FROM list l, LATERAL performance_strings(l.written::json) AS e
         GROUP BY 1, 2
    ), lab AS MATERIALIZED (
        SELECT part.lab_type, sum(part.changed) AS changed
          FROM (SELECT lab_type, 0 AS changed FROM performance_labs
                UNION ALL
                SELECT lab_type, 1 FROM changed) AS part
         GROUP BY 1
    ), candidate AS MATERIALIZED ( -- all errors that may be the most frequent
        SELECT every.*, every.went <= every.first AND count(*) OVER (PARTITION BY every.lab_type) > 1 AS is_lost
          FROM (SELECT *, rank() OVER (PARTITION BY lab_type ORDER BY times DESC) AS place
                  FROM (SELECT l.lab_type, k.error, k.times, k.first, NULL::bigint[] AS came, NULL::bigint[] AS went
                          FROM lab l,
                               LATERAL (SELECT error, times, first FROM performance_errors
                                         WHERE lab_type = l.lab_type ORDER BY times DESC, first
                                         LIMIT 1 + l.changed) AS k
                         WHERE (l.lab_type, k.error) NOT IN (SELECT lab_type, error FROM changed)
                        UNION ALL
                        SELECT c.lab_type, c.error, coalesce(k.times, 0) + c.times, coalesce(k.first, c.came), c.came, c.went
                          FROM changed c
                          LEFT JOIN LATERAL performance_error_of(c.lab_type, c.error) AS k ON true) AS any_of_them
                 WHERE times > 0) AS every
         WHERE place = 1
    ), lost AS MATERIALIZED (
        SELECT array_agg(performance_error_in(lab_type, error)) AS names, min(least(first, came)) AS since
          FROM candidate WHERE is_lost
    ), found AS MATERIALIZED (
        SELECT f.name, f.place
          FROM lost l, performance_first_places(l.names, l.since[1], 9223372036854775807) AS f
    )
    SELECT DISTINCT ON (c.lab_type) c.lab_type, c.error
      FROM candidate c
      LEFT JOIN found f ON c.is_lost AND f.name = performance_error_in(c.lab_type, c.error)
     ORDER BY c.lab_type, CASE WHEN c.is_lost THEN f.place ELSE least(c.first, c.came) END;
END
$$;
