-- Sums that are kept for the statistics of users; docs/aggregates.md explains the method. A user with many attempts has
-- sums of the attempts up to an id, in the snapshot of the last fold. Attempts with a higher id are read directly. The
-- notes have the later changes of attempts up to that id.
CREATE TABLE IF NOT EXISTS attempt_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    upto bigint NOT NULL DEFAULT -9223372036854775808, -- attempts up to this id are folded
    notes_from bigint NOT NULL DEFAULT 0 -- notes with a lower number are folded
) WITH (fillfactor = 50);
-- grant: SELECT ON attempt_state
INSERT INTO attempt_state DEFAULT VALUES ON CONFLICT DO NOTHING;

-- A change of an attempt up to this id leaves a note. It is a sequence, because everybody sees the last value of a
-- sequence, no matter how old their snapshot is.
CREATE SEQUENCE IF NOT EXISTS attempt_noted_upto MINVALUE -9223372036854775808;

-- The last id at the last call of attempt_fold: from it follows how many attempts come in. Also a sequence, which no call
-- that is rolled back sets back.
CREATE SEQUENCE IF NOT EXISTS attempt_seen MINVALUE -9223372036854775808;

CREATE TABLE IF NOT EXISTS attempt_notes (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sign smallint NOT NULL, -- 1: the attempt was added, -1: it was removed
    id bigint NOT NULL,
    user_id varchar,
    lab_type varchar,
    completion_status boolean,
    time_spent integer
);
-- grant: SELECT ON attempt_notes
-- grant: SELECT ON SEQUENCE attempt_notes_n_seq

CREATE TABLE IF NOT EXISTS attempt_sums (
    user_id text COLLATE "C" NOT NULL,
    upto bigint NOT NULL,
    lab_type text COLLATE "C",
    attempts bigint NOT NULL,
    successful_attempts bigint NOT NULL,
    time_spent bigint NOT NULL,
    first bigint NOT NULL -- the lowest id
);
-- grant: SELECT ON attempt_sums
CREATE INDEX IF NOT EXISTS attempt_sums_user_id ON attempt_sums (user_id);

-- Leaves notes about what a statement did to attempts that may be folded already. New attempts have higher ids, so they
-- almost never leave a note.
CREATE OR REPLACE FUNCTION attempt_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    upto bigint := pg_sequence_last_value('attempt_noted_upto');
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO attempt_notes (sign, id, user_id, lab_type, completion_status, time_spent)
        SELECT -1, id, user_id, lab_type, completion_status, time_spent FROM gone WHERE id <= upto;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        IF EXISTS (SELECT FROM came WHERE id <= upto) THEN
            INSERT INTO attempt_notes (sign, id, user_id, lab_type, completion_status, time_spent)
            SELECT 1, id, user_id, lab_type, completion_status, time_spent FROM came WHERE id <= upto;
        END IF;
    END IF;
    RETURN NULL;
END
$$;

-- Makes the daemons add everything up again. An operator calls it after data was loaded with triggers disabled.
CREATE OR REPLACE FUNCTION attempt_rebuild() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7205759403792799); -- the lock of the connection that folds
    UPDATE attempt_state SET upto = DEFAULT;
    DELETE FROM attempt_notes;
    DELETE FROM attempt_sums;
    DELETE FROM attempt_learners;
END
$$;
CREATE OR REPLACE FUNCTION attempt_forget_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM attempt_rebuild();
    RETURN NULL;
END
$$;

-- The sums of a user's attempts up to an id, by lab type: the stored sums, the notes about these, and the later
-- attempts. If a removed attempt may have been the first of its lab type, the first is looked up. PostgreSQL inlines
-- this function into the query.
CREATE OR REPLACE FUNCTION attempts_of_user(who text, upto bigint)
RETURNS TABLE (lab_type text, attempts bigint, successful_attempts bigint, time_spent bigint, first bigint)
LANGUAGE sql STABLE ROWS 5 AS $$
    SELECT part.lab_type, sum(part.attempts)::bigint, sum(part.successful_attempts)::bigint,
           sum(part.time_spent)::bigint,
           CASE WHEN min(part.gone) <= min(part.first)
                THEN (SELECT a.id FROM lab_attempts a
                       WHERE a.user_id = who AND a.lab_type IS NOT DISTINCT FROM part.lab_type ORDER BY a.id LIMIT 1)
                ELSE min(part.first) END
      FROM (SELECT (SELECT notes_from FROM attempt_state) AS first_note,
                   (SELECT s.upto FROM attempt_sums s WHERE s.user_id = who LIMIT 1) AS folded
            OFFSET 0) AS at,
           LATERAL (
            SELECT s.lab_type, s.attempts, s.successful_attempts, s.time_spent, s.first, NULL::bigint AS gone
              FROM attempt_sums s WHERE s.user_id = who
            UNION ALL
            SELECT n.lab_type, n.sign, n.sign * (n.completion_status IS TRUE)::integer,
                   n.sign::bigint * coalesce(n.time_spent, 0), CASE WHEN n.sign > 0 THEN n.id END,
                   CASE WHEN n.sign < 0 THEN n.id END
              FROM attempt_notes n
             WHERE hashtextextended(n.user_id, 0) = hashtextextended(who, 0) AND n.user_id = who
               AND n.n + 0 >= at.first_note AND n.id <= at.folded -- the sum keeps the index of the numbers out
            UNION ALL
            SELECT a.lab_type, 1, (a.completion_status IS TRUE)::integer, coalesce(a.time_spent, 0), a.id, NULL
              FROM lab_attempts a
             WHERE a.user_id = who AND a.id > coalesce(at.folded, -9223372036854775808)
               AND a.id <= attempts_of_user.upto) AS part
     GROUP BY part.lab_type
    HAVING sum(part.attempts) > 0
$$;

-- The sums of all attempts of a user. The settings make PostgreSQL use an index.
CREATE OR REPLACE FUNCTION attempts_report_of_user(who text)
RETURNS TABLE (lab_type text, attempts bigint, successful_attempts bigint, time_spent bigint, first bigint)
LANGUAGE plpgsql STABLE ROWS 5
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT * FROM attempts_of_user(who, 9223372036854775807);
END
$$;
