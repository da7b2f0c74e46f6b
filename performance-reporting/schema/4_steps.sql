-- What is done while others write to the table; common/pg/steps.h explains the steps. Each step finds out by itself,
-- without a lock, whether it is still needed.

-- step: index ix_user_performance_user_id
CREATE INDEX CONCURRENTLY ix_user_performance_user_id ON user_performance (user_id);
-- step: index ix_user_performance_lab_type
CREATE INDEX CONCURRENTLY ix_user_performance_lab_type ON user_performance (lab_type);
-- The user's records that are not in the sums yet.
-- step: index user_performance_user_ids
CREATE INDEX CONCURRENTLY user_performance_user_ids ON user_performance (hashtextextended(user_id, 0), id);

-- Two columns for items of a batch: the caller's own id of the item, and the time when it arrived, if the caller gave
-- it a time. Both are null in rows of the original and of single calls.
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

-- The pages of a list are read from these indexes, forwards or backwards: the list of all rows, of a user, of a lab
-- type (user_performance_lab_times). Rows without a time come before all others. Names are stored as hashes: these are
-- shorter, and an index cannot hold a name of any length.
-- step: index user_performance_page
CREATE INDEX CONCURRENTLY user_performance_page ON user_performance (coalesce(timestamp, '-infinity'), id);
-- step: index user_performance_user_page
CREATE INDEX CONCURRENTLY user_performance_user_page
    ON user_performance (hashtextextended(user_id, 0), coalesce(timestamp, '-infinity'), id);
-- The list of one outcome. Each of the two may be rare, so it has an index of its own.
-- step: index user_performance_kind_page
CREATE INDEX CONCURRENTLY user_performance_kind_page
    ON user_performance ((success::integer::bigint), coalesce(timestamp, '-infinity'), id);

-- The pages of a lab type, and the distribution of its times. This is read from the index alone, without the table,
-- because the index includes the columns it needs.
-- step: index user_performance_lab_times
CREATE INDEX CONCURRENTLY user_performance_lab_times
    ON user_performance (hashtextextended(lab_type, 0), coalesce(timestamp, '-infinity'), id)
       INCLUDE (lab_type, timestamp, completion_time, success);

-- The errors of a lab type are read from the first index alone, without the table: it has the records with errors that
-- fit in an index entry. The second index has the records that do not fit.
-- step: index user_performance_lab_errors
CREATE INDEX CONCURRENTLY user_performance_lab_errors
    ON user_performance (hashtextextended(lab_type, 0), coalesce(timestamp, '-infinity'), id)
       INCLUDE (lab_type, timestamp, success, user_id, errors)
 WHERE performance_lists(errors) AND performance_is_short(errors, user_id, lab_type);
-- step: index user_performance_lab_long
CREATE INDEX CONCURRENTLY user_performance_lab_long
    ON user_performance (hashtextextended(lab_type, 0), coalesce(timestamp, '-infinity'), id)
 WHERE NOT performance_is_short(errors, user_id, lab_type);

-- The notes about a user. There are many where somebody changes or deletes most of the table.
-- step: index performance_notes_of_user
CREATE INDEX CONCURRENTLY performance_notes_of_user ON performance_notes (hashtextextended(user_id, 0));

-- These triggers leave notes about changes of folded rows. Nothing is folded before they exist.
-- step: lock performance_triggers
DO $$
BEGIN
    IF (SELECT count(*) FROM pg_trigger
         WHERE tgrelid = 'user_performance'::regclass AND tgname LIKE 'performance\_noted\_%') = 4 THEN
        RETURN;
    END IF;
    CREATE OR REPLACE TRIGGER performance_noted_insert AFTER INSERT ON user_performance
        REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION performance_note();
    CREATE OR REPLACE TRIGGER performance_noted_update AFTER UPDATE ON user_performance
        REFERENCING OLD TABLE AS gone NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION performance_note();
    CREATE OR REPLACE TRIGGER performance_noted_delete AFTER DELETE ON user_performance
        REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION performance_note();
    CREATE OR REPLACE TRIGGER performance_noted_truncate AFTER TRUNCATE ON user_performance
        FOR EACH STATEMENT EXECUTE FUNCTION performance_forget_all();
    PERFORM performance_rebuild();
END
$$;

-- Drops what only earlier versions used, and the rows that they left without users.
-- step: lock performance_earlier
DO $$
DECLARE
    earlier CONSTANT text[] := '{user_performance_of_lab,user_performance_with_errors,user_performance_lab_page,user_performance_of_user,performance_seen}';
BEGIN
    IF to_regprocedure('performance_learner(text, text, bigint)') IS NOT NULL THEN
        DROP FUNCTION performance_learner(text, text, bigint), performance_first_places(text, text[], bigint, bigint);
    END IF;
    IF EXISTS (SELECT FROM unnest(earlier) AS name WHERE to_regclass(name) IS NOT NULL) THEN
        DROP INDEX IF EXISTS user_performance_of_lab, user_performance_with_errors, user_performance_lab_page,
                             user_performance_of_user;
        DROP TABLE IF EXISTS performance_seen;
    END IF;
    IF EXISTS (SELECT FROM performance_solutions WHERE users = 0) THEN
        DELETE FROM performance_solutions WHERE users = 0;
    END IF;
END
$$;

-- step: slice performance_sums
SELECT performance_fold();
