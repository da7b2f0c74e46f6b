-- How users stand in lab types. The list of users at risk is made from this. A row has the latest attempt of a user
-- that completed a lab of this type, and the failed attempts after it. It is correct for the attempts up to
-- attempt_state.upto, like the sums. Attempts without a time come before all others. Names can be too long for an
-- index, so rows are looked up by hashes.
DO $$
BEGIN
    IF to_regclass('attempt_learners') IS NULL THEN
        CREATE TABLE attempt_learners (
            user_id text COLLATE "C" NOT NULL,
            lab_type text COLLATE "C",
            solved_at timestamp, -- time of the latest attempt that completed the lab; null if none did
            solved_id bigint,
            failures bigint NOT NULL, -- number of attempts after it, which all failed
            since timestamp, -- time of the earliest of these
            failed_at timestamp, -- time of the latest of these
            failed_id bigint
        ) WITH (fillfactor = 80);
-- grant: SELECT ON attempt_learners
        CREATE INDEX attempt_learners_of_user
            ON attempt_learners (hashtextextended(user_id, 0), hashtextextended(coalesce(lab_type, ''), 0));
        PERFORM attempt_rebuild();
    END IF;
END
$$;

-- The stored row of a user and lab type, and where it is. It is looked up for each row of a query that calls this, whatever
-- the statistics say: a table that was empty when these were made would be read as a whole for each row. OFFSET keeps
-- the planner from joining it in another order.
CREATE OR REPLACE FUNCTION attempt_learner(who text, lab text)
RETURNS TABLE (place tid, solved_at timestamp, solved_id bigint, failures bigint, since timestamp, failed_at timestamp,
               failed_id bigint)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT l.ctid, l.solved_at, l.solved_id, l.failures, l.since, l.failed_at, l.failed_id
      FROM attempt_learners l
     WHERE hashtextextended(l.user_id, 0) = hashtextextended(who, 0)
       AND hashtextextended(coalesce(l.lab_type, ''), 0) = hashtextextended(coalesce(lab, ''), 0)
       AND l.user_id = who AND l.lab_type IS NOT DISTINCT FROM lab
    OFFSET 0
$$;

-- How the attempts of a user in a lab type up to an id make the user stand, from the attempts alone. They are read from
-- the latest one back, in the index of the user's pages, as far as the latest that completed the lab. PostgreSQL must not
-- sort all of them instead.
CREATE OR REPLACE FUNCTION attempt_standing(who text, lab text, upto bigint)
RETURNS TABLE (solved_at timestamp, solved_id bigint, failures bigint, since timestamp, failed_at timestamp,
               failed_id bigint)
LANGUAGE plpgsql STABLE ROWS 1
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    attempt record;
BEGIN
    failures := 0;
    FOR attempt IN
        SELECT coalesce(a.timestamp, '-infinity') AS at, a.id, a.completion_status IS TRUE AS solved
          FROM lab_attempts a
         WHERE hashtextextended(a.user_id, 0) = hashtextextended(who, 0) AND a.user_id = who
           AND a.lab_type IS NOT DISTINCT FROM lab AND a.id + 0 <= upto
         ORDER BY coalesce(a.timestamp, '-infinity') DESC, a.id DESC
    LOOP
        IF attempt.solved THEN
            solved_at := attempt.at;
            solved_id := attempt.id;
            EXIT;
        END IF;
        IF failures = 0 THEN
            failed_at := attempt.at;
            failed_id := attempt.id;
        END IF;
        failures := failures + 1;
        since := attempt.at;
    END LOOP;
    RETURN NEXT;
END
$$;

-- How the attempts up to the id `upto` make users stand: a row for each user and lab type with an attempt above the id
-- `after`, or with a note from `first_note` on. A row with no failures and no completed attempt means that no attempt
-- is left. Later attempts are ranked together with what is stored, except those before one that completed the lab; the
-- stored failures count as one part. A user and lab type are judged by their attempts alone if a note is about them, or
-- if an attempt completed the lab between the stored failures. Nested loops are only for what cannot be joined
-- otherwise.
CREATE OR REPLACE FUNCTION attempt_learners_since(after bigint, upto bigint, first_note bigint)
RETURNS TABLE (user_id text, lab_type text, solved_at timestamp, solved_id bigint, failures bigint, since timestamp,
               failed_at timestamp, failed_id bigint)
LANGUAGE sql STABLE ROWS 100
SET enable_seqscan = off SET enable_mergejoin = off SET enable_nestloop = off SET jit = off SET work_mem = '16MB' AS $$
    WITH later AS MATERIALIZED (
        SELECT a.user_id::text COLLATE "C" AS user_id, a.lab_type::text COLLATE "C" AS lab_type,
               coalesce(a.timestamp, '-infinity') AS at, a.id, a.completion_status IS TRUE AS solved
          FROM lab_attempts a
         WHERE a.id > after AND a.id <= upto AND a.user_id IS NOT NULL
    ), pairs AS MATERIALIZED (
        SELECT user_id, lab_type, max(at) FILTER (WHERE solved) AS solved_later
          FROM later
         GROUP BY user_id, lab_type
    ), known AS MATERIALIZED (
        SELECT p.*, l.*
          FROM pairs p, LATERAL attempt_learner(p.user_id, p.lab_type) AS l
    ), doubtful AS MATERIALIZED (
        SELECT n.user_id::text COLLATE "C" AS user_id, n.lab_type::text COLLATE "C" AS lab_type
          FROM attempt_notes n
         WHERE n.n >= first_note AND n.user_id IS NOT NULL
         UNION
        SELECT k.user_id, k.lab_type
          FROM known k
          JOIN later a ON a.user_id = k.user_id AND a.lab_type IS NOT DISTINCT FROM k.lab_type
         WHERE k.solved_later >= k.since AND a.solved AND a.at >= k.since AND a.at <= k.failed_at
    ), parts AS (
        SELECT a.user_id, a.lab_type, a.at, a.id, a.solved, 1::bigint AS attempts, a.at AS since
          FROM later a
          JOIN pairs p ON p.user_id = a.user_id AND coalesce(p.lab_type, '') = coalesce(a.lab_type, '')
                      AND (p.lab_type IS NULL) = (a.lab_type IS NULL)
         WHERE (a.at < p.solved_later) IS NOT TRUE
         UNION ALL
        SELECT k.user_id, k.lab_type, k.solved_at, k.solved_id, true, 0, NULL
          FROM known k
         WHERE k.solved_id IS NOT NULL
         UNION ALL
        SELECT k.user_id, k.lab_type, k.failed_at, k.failed_id, false, k.failures, k.since
          FROM known k
         WHERE k.failures > 0
    ), ranked AS (
        SELECT *, row_number() OVER latest_first AS rank, count(*) FILTER (WHERE solved) OVER latest_first AS solved_since
          FROM parts
         WHERE (user_id, lab_type IS NULL, coalesce(lab_type, ''))
               NOT IN (SELECT user_id, lab_type IS NULL, coalesce(lab_type, '') FROM doubtful)
        WINDOW latest_first AS (PARTITION BY user_id, lab_type ORDER BY at DESC, id DESC ROWS UNBOUNDED PRECEDING)
    )
    SELECT user_id, lab_type,
           max(at) FILTER (WHERE solved AND solved_since = 1),
           max(id) FILTER (WHERE solved AND solved_since = 1),
           coalesce(sum(attempts) FILTER (WHERE solved_since = 0), 0)::bigint,
           min(since) FILTER (WHERE solved_since = 0),
           max(at) FILTER (WHERE NOT solved AND rank = 1),
           max(id) FILTER (WHERE NOT solved AND rank = 1)
      FROM ranked
     GROUP BY user_id, lab_type
     UNION ALL
    SELECT d.user_id, d.lab_type, s.*
      FROM doubtful d, LATERAL attempt_standing(d.user_id, d.lab_type, upto) AS s
$$;

-- The same for all attempts and notes that are not folded yet.
CREATE OR REPLACE FUNCTION attempt_learners_changed()
RETURNS TABLE (user_id text, lab_type text, solved_at timestamp, solved_id bigint, failures bigint, since timestamp,
               failed_at timestamp, failed_id bigint)
LANGUAGE sql STABLE ROWS 1000 AS $$
    SELECT c.*
      FROM attempt_state s, LATERAL attempt_learners_since(s.upto, 9223372036854775807, s.notes_from) AS c
     WHERE s.one
$$;

-- A time as the calls print it, for JSON that statements make. Infinite times stand for no time and give null.
CREATE OR REPLACE FUNCTION iso_naive(at timestamp) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN isfinite(at)
                THEN to_char(at, CASE WHEN at = date_trunc('second', at) THEN 'YYYY-MM-DD"T"HH24:MI:SS'
                                      ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US' END) END
$$;
