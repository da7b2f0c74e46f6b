-- What learners did in a lab type up to their first success, and how the stored rows follow.

-- What a user did in each lab type, by the records up to the id `upto`. All of the user's records are read, once.
-- PostgreSQL inlines this function into the query. The conditions are written so that only an index of users can be used,
-- because a plan that was made while the table was empty stays in use; OFFSET keeps the order of the window out of that
-- choice.
CREATE OR REPLACE FUNCTION performance_learners_of(who text, upto bigint)
RETURNS TABLE (lab_type text, at timestamptz, solved bigint, tries bigint, seconds bigint)
LANGUAGE sql STABLE ROWS 5 AS $$
    SELECT s.lab_type, max(s.at), min(s.id) FILTER (WHERE s.success), count(*), sum(s.completion_time)::bigint
      FROM (SELECT p.*, count(*) FILTER (WHERE p.success) OVER (PARTITION BY p.lab_type ORDER BY p.at, p.id
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) = 0 AS is_first -- up to the first success
              FROM (SELECT r.lab_type COLLATE "C" AS lab_type, coalesce(r.timestamp, '-infinity') AS at,
                           r.id::bigint AS id, r.success, r.completion_time
                      FROM user_performance r
                     WHERE hashtextextended(r.user_id, 0) = hashtextextended(who, 0) AND r.user_id = who
                       AND r.id + 0 <= performance_learners_of.upto
                    OFFSET 0) AS p) AS s
     WHERE s.is_first
     GROUP BY s.lab_type
$$;

-- The stored row of a user in a lab type, and where it is. It is looked up for each row of a query that calls this,
-- whatever the statistics say: a table that was empty when these were made would be read as a whole for each row. OFFSET
-- keeps the planner from joining it in another order.
CREATE OR REPLACE FUNCTION performance_learner_of(lab text, who text)
RETURNS TABLE (place tid, at timestamptz, solved bigint, tries bigint, seconds bigint)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT l.ctid, l.at, l.solved, l.tries, l.seconds
      FROM performance_learners l
     WHERE performance_key(l.lab_type, l.user_id) = performance_key(lab, who) AND l.lab_type = lab AND l.user_id = who
    OFFSET 0
$$;

-- The learners whose stored rows may not be current any more. The columns `was_*` are the stored row (`was_tries` is
-- null if there is none); the others are what the records up to `upto` give (`tries` is null if there are none).
-- `folded` and `first_note` are upto and notes_from of performance_state. A change after the first success changes
-- nothing. A record that comes after everything stored is added to the stored row. For any other change, the user's
-- records are read again, once for all lab types.
CREATE OR REPLACE FUNCTION performance_changed_learners(folded bigint, upto bigint, first_note bigint)
RETURNS TABLE (lab_type text, user_id text,
               was_at timestamptz, was_solved bigint, was_tries bigint, was_seconds bigint,
               at timestamptz, solved bigint, tries bigint, seconds bigint)
LANGUAGE plpgsql STABLE ROWS 500
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_mergejoin = off SET jit = off SET work_mem = '16MB'
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH change AS (
        SELECT 1 AS sign, p.id::bigint AS id, p.user_id::text COLLATE "C" AS user_id,
               p.lab_type::text COLLATE "C" AS lab_type, p.completion_time, p.success,
               coalesce(p.timestamp, '-infinity') AS at
          FROM user_performance p
         WHERE p.id > folded AND p.id <= upto AND num_nulls(p.lab_type, p.user_id) = 0
        UNION ALL
        SELECT n.sign, n.id, n.user_id, n.lab_type, n.completion_time, n.success, coalesce(n.timestamp, '-infinity')
          FROM performance_notes n
         WHERE n.n >= first_note AND n.id <= folded AND num_nulls(n.lab_type, n.user_id) = 0
    ), step AS (
        SELECT c.*, l.at AS was_at, l.solved AS was_solved, l.tries AS was_tries, l.seconds AS was_seconds,
               count(*) FILTER (WHERE c.success) OVER (PARTITION BY c.lab_type, c.user_id ORDER BY c.at, c.id
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) = 0 AS is_first -- up to the first success
          FROM change c
          LEFT JOIN LATERAL performance_learner_of(c.lab_type, c.user_id) AS l ON true
         WHERE l.solved IS NULL OR (c.at, c.id) <= (l.at, l.solved)
    ), learner AS (
        SELECT s.lab_type, s.user_id, s.was_at, s.was_solved, s.was_tries, s.was_seconds,
               bool_or(s.sign < 0) OR s.was_solved IS NOT NULL
               OR coalesce(min(s.at) FILTER (WHERE s.success) <= s.was_at, false) AS is_read,
               min(s.at) FILTER (WHERE s.success) AS first_at,
               min(s.id) FILTER (WHERE s.success AND s.is_first) AS first,
               max(s.at) AS last, count(*) FILTER (WHERE s.is_first) AS tries,
               sum(s.completion_time) FILTER (WHERE s.is_first) AS seconds
          FROM step s
         GROUP BY 1, 2, 3, 4, 5, 6
    ), known AS ( -- not joined, but brought together in groups: a join could compare each row with every other
        SELECT c.lab_type, c.user_id, c.was_at, c.was_solved, c.was_tries, c.was_seconds, true AS is_changed,
               CASE WHEN NOT c.is_read THEN coalesce(c.first_at, greatest(c.was_at, c.last)) END AS at,
               CASE WHEN NOT c.is_read THEN c.first END AS solved,
               CASE WHEN NOT c.is_read THEN coalesce(c.was_tries, 0) + c.tries END AS tries,
               CASE WHEN c.is_read THEN NULL
                    WHEN c.was_seconds IS NULL THEN c.seconds
                    ELSE c.was_seconds + coalesce(c.seconds, 0) END AS seconds
          FROM learner c
        UNION ALL
        SELECT r.lab_type, w.user_id, NULL, NULL, NULL, NULL, NULL, r.at, r.solved, r.tries, r.seconds
          FROM (SELECT DISTINCT user_id FROM learner WHERE is_read) AS w,
               LATERAL performance_learners_of(w.user_id, upto) AS r
    )
    SELECT k.lab_type, k.user_id, max(k.was_at), max(k.was_solved), max(k.was_tries), max(k.was_seconds),
           max(k.at), max(k.solved), max(k.tries), max(k.seconds)
      FROM known k
     GROUP BY k.lab_type, k.user_id
    HAVING bool_or(k.is_changed);
END
$$;
