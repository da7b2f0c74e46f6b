-- What is done while others write (common/pg/keeper.h says how). Each step finds out by itself whether it is still to
-- be done, without a lock.

-- step: index ix_user_performance_user_id
CREATE INDEX CONCURRENTLY ix_user_performance_user_id ON user_performance (user_id);
-- step: index ix_user_performance_lab_type
CREATE INDEX CONCURRENTLY ix_user_performance_lab_type ON user_performance (lab_type);
-- A user's records that are not in the sums yet.
-- step: index user_performance_of_user
CREATE INDEX CONCURRENTLY user_performance_of_user ON user_performance (user_id, id);

-- What a batch says of an item beside what the original keeps: the caller's own id of it, and when it came where the
-- caller told its time. Rows of the original and of single calls have neither.
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

-- What the pages of a list are read from, in either direction: of all, of a user, of a lab type. Rows without a time lie
-- before all others. Names by their hash: it is shorter, and no index takes a name of any length.
-- step: index user_performance_page
CREATE INDEX CONCURRENTLY user_performance_page ON user_performance (coalesce(timestamp, '-infinity'), id);
-- step: index user_performance_user_page
CREATE INDEX CONCURRENTLY user_performance_user_page
    ON user_performance (hashtextextended(user_id, 0), coalesce(timestamp, '-infinity'), id);
-- step: index user_performance_lab_page
CREATE INDEX CONCURRENTLY user_performance_lab_page
    ON user_performance (hashtextextended(lab_type, 0), coalesce(timestamp, '-infinity'), id);

-- From here on changes of what is folded leave a note; nothing is folded before.
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

-- What earlier versions read the reports from.
-- step: lock performance_earlier
DO $$
BEGIN
    IF to_regclass('user_performance_of_lab') IS NOT NULL OR to_regclass('user_performance_with_errors') IS NOT NULL THEN
        DROP INDEX IF EXISTS user_performance_of_lab, user_performance_with_errors;
    END IF;
END
$$;

-- step: slice performance_sums
SELECT performance_fold();
