-- What records add up to, and how the stored sums follow.

-- The sums of a user's records up to an id, by lab type: the stored sums, the notes about these, and the later records.
-- If a removed record may have been the last of its lab type, the last is looked up. PostgreSQL inlines this function
-- into the query.
CREATE OR REPLACE FUNCTION performance_of_user(who text, upto bigint)
RETURNS TABLE (lab_type text, attempts bigint, successes bigint, seconds bigint, timed bigint, last timestamptz)
LANGUAGE sql STABLE ROWS 5 AS $$
    SELECT part.lab_type, sum(part.attempts)::bigint, sum(part.successes)::bigint, sum(part.seconds)::bigint,
           sum(part.timed)::bigint,
           CASE WHEN max(part.gone) >= max(part.last)
                THEN (SELECT p.timestamp FROM user_performance p
                       WHERE hashtextextended(p.user_id, 0) = hashtextextended(who, 0) AND p.user_id = who
                         AND p.lab_type IS NOT DISTINCT FROM part.lab_type AND p.id <= performance_of_user.upto
                       ORDER BY coalesce(p.timestamp, '-infinity') DESC LIMIT 1)
                ELSE max(part.last) END
      FROM (SELECT (SELECT notes_from FROM performance_state) AS first_note,
                   (SELECT u.upto FROM performance_users u WHERE u.user_id = who LIMIT 1) AS folded
            OFFSET 0) AS at,
           LATERAL (
            SELECT u.lab_type, u.attempts, u.successes, u.seconds, u.timed, u.last, NULL::timestamptz AS gone
              FROM performance_users u WHERE u.user_id = who
            UNION ALL
            SELECT n.lab_type, n.sign, n.sign * (n.success IS TRUE)::integer,
                   n.sign::bigint * coalesce(n.completion_time, 0), n.sign * (n.completion_time IS NOT NULL)::integer,
                   CASE WHEN n.sign > 0 THEN n.timestamp END, CASE WHEN n.sign < 0 THEN n.timestamp END
              FROM performance_notes n
             WHERE hashtextextended(n.user_id, 0) = hashtextextended(who, 0) AND n.user_id = who
               AND n.n + 0 >= at.first_note AND n.id <= at.folded -- the sum keeps the index of the numbers out
            UNION ALL
            SELECT p.lab_type, 1, (p.success IS TRUE)::integer, coalesce(p.completion_time, 0),
                   (p.completion_time IS NOT NULL)::integer, p.timestamp, NULL
              FROM user_performance p
             WHERE hashtextextended(p.user_id, 0) = hashtextextended(who, 0) AND p.user_id = who
               AND p.id > coalesce(at.folded, -9223372036854775808) AND p.id <= performance_of_user.upto) AS part
     GROUP BY part.lab_type
    HAVING sum(part.attempts) > 0
$$;

-- The sums of all records of a user. The settings make PostgreSQL use an index.
CREATE OR REPLACE FUNCTION performance_report_of_user(who text)
RETURNS TABLE (lab_type text, attempts bigint, successes bigint, seconds bigint, timed bigint, last timestamptz)
LANGUAGE plpgsql STABLE ROWS 5
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT * FROM performance_of_user(who, 9223372036854775807);
END
$$;

-- The sums of a lab type's records, and its most frequent errors; no row if it has no records.
CREATE OR REPLACE FUNCTION performance_of_lab(lab text)
RETURNS TABLE (attempts bigint, successes bigint, seconds bigint, timed bigint, users bigint, common_errors text[])
LANGUAGE plpgsql STABLE ROWS 1
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    most CONSTANT integer := 5;
    folded bigint;
    first_note bigint;
BEGIN
    SELECT upto, notes_from INTO folded, first_note FROM performance_state;
    RETURN QUERY
    WITH change AS MATERIALIZED ( -- read by id: the index of lab types would give all records of the lab type
        SELECT 1 AS sign, p.id::bigint AS id, p.user_id, p.completion_time, p.success, p.errors
          FROM user_performance p
         WHERE p.id > folded AND p.lab_type IS NOT DISTINCT FROM lab
        UNION ALL
        SELECT n.sign, n.id, n.user_id, n.completion_time, n.success, n.errors
          FROM performance_notes n
         WHERE n.n >= first_note AND n.id <= folded AND n.lab_type IS NOT DISTINCT FROM lab
    ), total AS (
        SELECT sum(part.attempts)::bigint AS attempts, sum(part.successes)::bigint AS successes,
               sum(part.seconds)::bigint AS seconds, sum(part.timed)::bigint AS timed, sum(part.users)::bigint AS users
          FROM (SELECT l.attempts, l.successes, l.seconds, l.timed, l.users
                  FROM performance_labs l WHERE l.lab_type = lab
                UNION ALL
                SELECT sum(sign), sum(sign) FILTER (WHERE success), sum(sign::bigint * completion_time),
                       sum(sign) FILTER (WHERE completion_time IS NOT NULL), 0
                  FROM change
                UNION ALL
                SELECT 0, 0, 0, 0, sum(u.is_there::integer - u.was_there::integer)
                  FROM (SELECT (NOT c.went OR EXISTS (SELECT FROM user_performance p
                                                       WHERE hashtextextended(p.user_id, 0) = hashtextextended(c.user_id, 0)
                                                         AND p.user_id = c.user_id AND p.lab_type IS NOT DISTINCT FROM lab))
                               AS is_there,
                               EXISTS (SELECT FROM performance_learners l
                                        WHERE performance_key(l.lab_type, l.user_id) = performance_key(lab, c.user_id)
                                          AND l.lab_type = lab AND l.user_id = c.user_id) AS was_there
                          FROM (SELECT user_id, bool_or(sign < 0) AS went
                                  FROM change WHERE user_id IS NOT NULL GROUP BY user_id) AS c) AS u) AS part
    ), changed AS MATERIALIZED (
        SELECT performance_error(w.written::json) AS error, sum(w.times)::bigint AS times, min(w.came) AS came,
               min(w.went) AS went
          FROM (SELECT e.value::text AS written, sum(c.sign) AS times,
                       min(ARRAY[c.id, e.position]) FILTER (WHERE c.sign > 0) AS came,
                       min(ARRAY[c.id, e.position]) FILTER (WHERE c.sign < 0) AS went
                  FROM change c, LATERAL performance_strings(c.errors) AS e
                 GROUP BY 1) AS w
         GROUP BY 1
    ), candidate AS MATERIALIZED ( -- all errors that may be among the most frequent
        SELECT every.*, went <= every.first AS is_lost
          FROM (SELECT *, rank() OVER (ORDER BY times DESC) AS place
                  FROM (SELECT k.error, k.times, k.first, NULL::bigint[] AS came, NULL::bigint[] AS went
                          FROM (SELECT error, times, first FROM performance_errors
                                 WHERE lab_type = lab ORDER BY times DESC, first
                                 LIMIT most + (SELECT count(*) FROM changed)) AS k
                         WHERE k.error NOT IN (SELECT error FROM changed)
                        UNION ALL
                        SELECT c.error, coalesce(k.times, 0) + c.times, coalesce(k.first, c.came), c.came, c.went
                          FROM changed c
                          LEFT JOIN LATERAL performance_error_of(lab, c.error) AS k ON true) AS any_of_them
                 WHERE times > 0) AS every
         WHERE place <= most
    ), lost AS MATERIALIZED (
        SELECT array_agg(performance_error_in(lab, error)) AS names, min(least(first, came)) AS since
          FROM candidate WHERE is_lost
    )
    SELECT t.attempts, t.successes, t.seconds, t.timed, t.users,
           ARRAY(SELECT c.error
                   FROM candidate c
                   LEFT JOIN LATERAL (
                        SELECT f.name, f.place
                          FROM lost, performance_first_places(lost.names, lost.since[1], 9223372036854775807) AS f
                       ) AS f ON c.is_lost AND f.name = performance_error_in(lab, c.error)
                  ORDER BY c.times DESC, CASE WHEN c.is_lost THEN f.place ELSE least(c.first, c.came) END
                  LIMIT most)
      FROM total t
     WHERE t.attempts > 0;
END
$$;

-- Whether more is left to fold than is folded. A report on everything is then faster from the records themselves.
CREATE OR REPLACE FUNCTION performance_is_behind() RETURNS boolean
LANGUAGE sql STABLE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
    SELECT (SELECT count(*) FROM (SELECT FROM user_performance p WHERE p.id > f.upto LIMIT f.records + 1) AS later)
           + (SELECT count(*) FROM (SELECT FROM performance_notes n WHERE n.n >= f.notes_from LIMIT f.records + 1) AS noted)
           > f.records
      FROM (SELECT s.upto, s.notes_from, (SELECT coalesce(sum(attempts), 0)::bigint FROM performance_labs) AS records
              FROM performance_state s) AS f
$$;

-- Folds the next slice of records and all notes. Returns whether there may be more. Only one connection at a time does
-- this. After it, everything derived is correct for the records up to the end of the slice, in the one snapshot of the
-- statement below. It does nothing if there are fewer than `few` records and fewer than `few_notes` notes. One record
-- in `one_of` selects its user, whose sums are computed again; a user with fewer than `few_of_user` records has none.
CREATE OR REPLACE FUNCTION performance_fold(few integer DEFAULT 500, few_notes integer DEFAULT 1,
                                            few_of_user integer DEFAULT 100, one_of integer DEFAULT 128)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_mergejoin = off SET jit = off SET work_mem = '16MB'
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    slice CONSTANT integer := 50000;
    state performance_state;
    target bigint;
    notes_to bigint;
BEGIN
    -- This lock comes first: a TRUNCATE then waits for the end of the fold, or has already emptied everything.
    LOCK TABLE user_performance IN ACCESS SHARE MODE;
    IF NOT pg_try_advisory_xact_lock(7205759403792799) THEN
        RETURN false;
    END IF;
    SELECT * INTO state FROM performance_state;
    target := next_slice('user_performance', state.upto, few, slice);
    IF target IS NULL AND (SELECT count(*) FROM (SELECT FROM performance_notes WHERE n >= state.notes_from
                                                  LIMIT few_notes) AS noted) = few_notes THEN
        target := state.upto;
    END IF;
    -- Notes with a lower number are from transactions that have ended or for which settle_rows() waits.
    notes_to := coalesce(pg_sequence_last_value(pg_get_serial_sequence('performance_notes', 'n')::regclass), 0) + 1;
    IF target IS NULL OR NOT settle_rows('user_performance', 'performance_noted_upto', target) THEN
        RETURN false;
    END IF;

    WITH taken AS (
        DELETE FROM performance_notes WHERE n >= state.notes_from RETURNING *
    ), change AS MATERIALIZED (
        SELECT 1 AS sign, id::bigint AS id, user_id, lab_type, completion_time, success, errors
          FROM user_performance WHERE id > state.upto AND id <= target
        UNION ALL
        SELECT sign, id, user_id, lab_type, completion_time, success, errors FROM taken WHERE id <= state.upto
    ), learner AS MATERIALIZED (
        SELECT c.*, l.place
          FROM performance_changed_learners(state.upto, target, state.notes_from) AS c
          LEFT JOIN LATERAL performance_learner_of(
                    c.lab_type, CASE WHEN c.was_tries IS NOT NULL THEN c.user_id END) AS l ON true
    ), appeared AS (
        INSERT INTO performance_learners (lab_type, user_id, at, solved, tries, seconds)
        SELECT lab_type, user_id, at, solved, tries, seconds FROM learner WHERE tries IS NOT NULL AND place IS NULL
    ), went_on AS ( -- the place leaves no other way than to look up each
        UPDATE performance_learners l SET at = c.at, solved = c.solved, tries = c.tries, seconds = c.seconds
          FROM learner c
         WHERE l.ctid = c.place AND c.tries IS NOT NULL
    ), vanished AS (
        DELETE FROM performance_learners
         WHERE ctid = ANY (ARRAY(SELECT place FROM learner WHERE tries IS NULL AND place IS NOT NULL))
    ), outcome AS MATERIALIZED (
        SELECT 1 AS sign, lab_type, solved, tries, seconds FROM learner WHERE tries IS NOT NULL
        UNION ALL
        SELECT -1, lab_type, was_solved, was_tries, was_seconds FROM learner WHERE was_tries IS NOT NULL
    ), came_out AS (
        INSERT INTO performance_outcomes AS o (lab_type, users, solved, solved_first, tries)
        SELECT lab_type, sum(sign), coalesce(sum(sign) FILTER (WHERE solved IS NOT NULL), 0),
               coalesce(sum(sign) FILTER (WHERE solved IS NOT NULL AND tries = 1), 0),
               coalesce(sum(sign * tries) FILTER (WHERE solved IS NOT NULL), 0)
          FROM outcome GROUP BY 1
        ON CONFLICT (lab_type) DO UPDATE
            SET users = o.users + excluded.users, solved = o.solved + excluded.solved,
                solved_first = o.solved_first + excluded.solved_first, tries = o.tries + excluded.tries
    ), solution AS MATERIALIZED ( -- with the place of the stored row if nobody is left in it
        SELECT c.lab_type, c.seconds, c.users, t.place
          FROM (SELECT lab_type, seconds, sum(sign) AS users
                  FROM outcome WHERE solved IS NOT NULL AND seconds IS NOT NULL GROUP BY 1, 2) AS c
          LEFT JOIN LATERAL (SELECT s.ctid AS place FROM performance_solutions s
                              WHERE s.lab_type = c.lab_type AND s.seconds = c.seconds AND s.users + c.users = 0
                             OFFSET 0) AS t ON true
         WHERE c.users <> 0
    ), left_over AS (
        DELETE FROM performance_solutions
         WHERE ctid = ANY (ARRAY(SELECT place FROM solution WHERE place IS NOT NULL))
    ), took AS (
        INSERT INTO performance_solutions AS t (lab_type, seconds, users)
        SELECT lab_type, seconds, users FROM solution WHERE place IS NULL
        ON CONFLICT (lab_type, seconds) DO UPDATE SET users = t.users + excluded.users
    ), added AS (
        INSERT INTO performance_labs AS l (lab_type, attempts, successes, seconds, timed, users)
        SELECT part.lab_type, sum(attempts), sum(successes), sum(seconds), sum(timed), sum(users)
          FROM (SELECT lab_type, sum(sign) AS attempts, coalesce(sum(sign) FILTER (WHERE success), 0) AS successes,
                       coalesce(sum(sign::bigint * completion_time), 0) AS seconds,
                       coalesce(sum(sign) FILTER (WHERE completion_time IS NOT NULL), 0) AS timed, 0 AS users
                  FROM change WHERE lab_type IS NOT NULL GROUP BY 1
                UNION ALL
                SELECT lab_type, 0, 0, 0, 0, sum(sign) FROM outcome GROUP BY 1) AS part
         GROUP BY 1
        ON CONFLICT (lab_type) DO UPDATE
            SET attempts = l.attempts + excluded.attempts, successes = l.successes + excluded.successes,
                seconds = l.seconds + excluded.seconds, timed = l.timed + excluded.timed,
                users = l.users + excluded.users
    ), changed AS MATERIALIZED (
        SELECT w.lab_type, performance_error(w.written::json) AS error, sum(w.times) AS times, min(w.came) AS came,
               min(w.went) AS went
          FROM (SELECT c.lab_type, e.value::text AS written, sum(c.sign) AS times,
                       min(ARRAY[c.id, e.position]) FILTER (WHERE c.sign > 0) AS came,
                       min(ARRAY[c.id, e.position]) FILTER (WHERE c.sign < 0) AS went
                  FROM change c, LATERAL performance_strings(c.errors) AS e
                 WHERE c.lab_type IS NOT NULL GROUP BY 1, 2) AS w
         GROUP BY 1, 2
    ), known AS MATERIALIZED (
        SELECT c.lab_type, c.error, k.place, coalesce(k.times, 0) + c.times AS times, least(k.first, c.came) AS first,
               c.went <= coalesce(k.first, c.came) AS is_lost
          FROM changed c
          LEFT JOIN LATERAL performance_error_of(c.lab_type, c.error) AS k ON true
    ), lost AS MATERIALIZED (
        SELECT array_agg(performance_error_in(lab_type, error)) AS names, min(first) AS since
          FROM known WHERE is_lost AND times > 0
    ), replaced AS (
        DELETE FROM performance_errors WHERE ctid = ANY (ARRAY(SELECT place FROM known WHERE place IS NOT NULL))
    ), found AS (
        INSERT INTO performance_errors (lab_type, error, times, first)
        SELECT k.lab_type, k.error, k.times, CASE WHEN k.is_lost THEN f.place ELSE k.first END
          FROM known k
          LEFT JOIN (SELECT f.name, f.place
                       FROM lost l, performance_first_places(l.names, l.since[1], target) AS f) AS f
            ON k.is_lost AND f.name = performance_error_in(k.lab_type, k.error)
         WHERE k.times > 0
    ), due AS MATERIALIZED ( -- users chosen by chance, in proportion to their records, and users with notes
        SELECT DISTINCT user_id FROM change
         WHERE user_id IS NOT NULL AND (id <= state.upto OR hashint8(id) % one_of = 0)
    ), counted AS MATERIALIZED (
        SELECT d.user_id, s.*, sum(s.attempts) OVER (PARTITION BY d.user_id) AS records
          FROM due d, LATERAL performance_of_user(d.user_id, target) AS s
    ), cleared AS (
        DELETE FROM performance_users
         WHERE ctid = ANY (ARRAY(SELECT u.place
                                   FROM due d,
                                        LATERAL (SELECT ctid AS place FROM performance_users
                                                  WHERE user_id = d.user_id OFFSET 0) AS u))
    ), summed AS (
        INSERT INTO performance_users (user_id, upto, lab_type, attempts, successes, seconds, timed, last)
        SELECT user_id, target, lab_type, attempts, successes, seconds, timed, last
          FROM counted WHERE records >= few_of_user
    )
    UPDATE performance_state SET upto = target, notes_from = notes_to;
    RETURN target > state.upto AND next_slice('user_performance', target, slice, slice) IS NOT NULL;
END
$$;
-- grant: EXECUTE ON FUNCTION performance_fold
