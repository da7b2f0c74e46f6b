-- Folds the next slice of attempts and all notes. Returns whether there may be more. Only one connection at a time does
-- this. It does nothing if there are fewer than `few` attempts and fewer than `few_notes` notes. One attempt in
-- `one_of` selects its user, whose sums are computed again; a user with fewer than `few_of_user` attempts has none.
CREATE OR REPLACE FUNCTION attempt_fold(few integer DEFAULT 500, few_notes integer DEFAULT 1,
                                        few_of_user integer DEFAULT 100, one_of integer DEFAULT 128)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    slice CONSTANT integer := 50000;
    busy CONSTANT integer := 2000; -- attempts since the last call
    left_most CONSTANT integer := 100000; -- attempts that may be left to fold while it is busy
    last bigint := coalesce(pg_sequence_last_value(pg_get_serial_sequence('lab_attempts', 'id')::regclass), 0);
    seen bigint := pg_sequence_last_value('attempt_seen');
    state attempt_state;
    target bigint;
    notes_to bigint;
BEGIN
    -- This lock comes first: a TRUNCATE then waits for the end of the fold, or has already emptied everything.
    LOCK TABLE lab_attempts IN ACCESS SHARE MODE;
    IF NOT pg_try_advisory_xact_lock(7205759403792799) THEN
        RETURN false;
    END IF;
    SELECT * INTO state FROM attempt_state;
    IF last IS DISTINCT FROM seen THEN
        PERFORM setval('attempt_seen', last);
    END IF;
    IF last - seen > busy AND last - greatest(state.upto, 0) < left_most THEN
        RETURN false; -- writers need the time; reports read what is left
    END IF;
    target := next_slice('lab_attempts', state.upto, few, slice);
    IF target IS NULL AND (SELECT count(*) FROM (SELECT FROM attempt_notes WHERE n >= state.notes_from
                                                  LIMIT few_notes) AS noted) = few_notes THEN
        target := state.upto;
    END IF;
    -- Notes with a lower number are from transactions that have ended or for which settle_rows() waits.
    notes_to := coalesce(pg_sequence_last_value(pg_get_serial_sequence('attempt_notes', 'n')::regclass), 0) + 1;
    IF target IS NULL OR NOT settle_rows('lab_attempts', 'attempt_noted_upto', target) THEN
        RETURN false;
    END IF;

    WITH taken AS (
        DELETE FROM attempt_notes WHERE n >= state.notes_from RETURNING user_id
    ), changed AS MATERIALIZED (
        SELECT c.*, l.place
          FROM attempt_learners_since(state.upto, target, state.notes_from) AS c
          LEFT JOIN LATERAL attempt_learner(c.user_id, c.lab_type) AS l ON true
    ), forgotten AS (
        DELETE FROM attempt_learners
         WHERE ctid = ANY (ARRAY(SELECT place FROM changed WHERE solved_id IS NULL AND failures = 0 AND place IS NOT NULL))
    ), learned AS ( -- the place leaves no other way than to look up each
        UPDATE attempt_learners l
           SET solved_at = c.solved_at, solved_id = c.solved_id, failures = c.failures, since = c.since,
               failed_at = c.failed_at, failed_id = c.failed_id
          FROM changed c
         WHERE l.ctid = c.place AND (c.solved_id IS NOT NULL OR c.failures > 0)
    ), met AS (
        INSERT INTO attempt_learners
               (user_id, lab_type, solved_at, solved_id, failures, since, failed_at, failed_id)
        SELECT user_id, lab_type, solved_at, solved_id, failures, since, failed_at, failed_id
          FROM changed
         WHERE place IS NULL AND (solved_id IS NOT NULL OR failures > 0)
    ), due AS MATERIALIZED ( -- users chosen by chance, in proportion to their attempts, and users with notes
        SELECT user_id FROM lab_attempts
         WHERE id > state.upto AND id <= target AND hashint8(id) % one_of = 0 AND user_id IS NOT NULL
        UNION
        SELECT user_id FROM taken WHERE user_id IS NOT NULL
    ), counted AS MATERIALIZED (
        SELECT d.user_id, s.*, sum(s.attempts) OVER (PARTITION BY d.user_id) AS of_user
          FROM due d, LATERAL attempts_of_user(d.user_id, target) AS s
    ), cleared AS (
        DELETE FROM attempt_sums
         WHERE ctid = ANY (ARRAY(SELECT s.place
                                   FROM due d,
                                        LATERAL (SELECT ctid AS place FROM attempt_sums
                                                  WHERE user_id = d.user_id OFFSET 0) AS s))
    ), summed AS (
        INSERT INTO attempt_sums (user_id, upto, lab_type, attempts, successful_attempts, time_spent, first)
        SELECT user_id, target, lab_type, attempts, successful_attempts, time_spent, first
          FROM counted WHERE of_user >= few_of_user
    )
    UPDATE attempt_state SET upto = target, notes_from = notes_to;
    RETURN target > state.upto AND next_slice('lab_attempts', target, slice, slice) IS NOT NULL;
END
$$;
-- grant: EXECUTE ON FUNCTION attempt_fold
