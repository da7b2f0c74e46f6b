-- What is done while others write to the tables; common/pg/steps.h explains the steps.
-- step: index ix_users_created_at_id
CREATE INDEX CONCURRENTLY ix_users_created_at_id ON users (created_at, id);
-- Usernames in the order of their bytes, whatever collation the database has: so the usernames that begin with a text
-- are one range of the index.
-- step: index users_username_bytes
CREATE INDEX CONCURRENTLY users_username_bytes ON users (username COLLATE "C");
-- step: index ix_labs_lab_type
CREATE INDEX CONCURRENTLY ix_labs_lab_type ON labs (lab_type);
-- step: index ix_labs_created_at_id
CREATE INDEX CONCURRENTLY ix_labs_created_at_id ON labs (created_at, id);
-- The lab that is shown for a lab type is the oldest of that type.
-- step: index ix_labs_lab_type_created_at_id
CREATE INDEX CONCURRENTLY ix_labs_lab_type_created_at_id ON labs (lab_type, created_at, id);
-- step: index ix_lab_attempts_user_id
CREATE INDEX CONCURRENTLY ix_lab_attempts_user_id ON lab_attempts (user_id);
-- The entries of a user: the first index is for their state at a time, the second for their current state.
-- step: index ix_progress_events_user_id
CREATE INDEX CONCURRENTLY ix_progress_events_user_id ON progress_events (user_id, log_id, version);
-- step: index ix_progress_logs_user_id
CREATE INDEX CONCURRENTLY ix_progress_logs_user_id ON progress_logs (user_id, log_id) WHERE members IS NOT NULL;

-- Two columns for items of a batch: the caller's own id of the item, and the time when it arrived, if the caller gave
-- it a time. Both are null in rows of the original and of single calls.
-- step: lock attempt_arrivals
DO $$
BEGIN
    IF (SELECT count(*) FROM pg_attribute
         WHERE attrelid = 'lab_attempts'::regclass AND attname IN ('client_id', 'received_at')) < 2 THEN
        ALTER TABLE lab_attempts ADD COLUMN IF NOT EXISTS client_id text, ADD COLUMN IF NOT EXISTS received_at timestamptz;
    END IF;
END
$$;
-- step: index lab_attempts_client_id
CREATE UNIQUE INDEX CONCURRENTLY lab_attempts_client_id ON lab_attempts (client_id) WHERE client_id IS NOT NULL;

-- The pages of a list are read from these indexes, forwards or backwards: the list of all rows, of a user, of a lab
-- type. Rows without a time come before all others. Names are stored as hashes: these are shorter, and an index cannot
-- hold a name of any length.
-- step: index lab_attempts_page
CREATE INDEX CONCURRENTLY lab_attempts_page ON lab_attempts (coalesce(timestamp, '-infinity'), id);
-- step: index lab_attempts_user_page
CREATE INDEX CONCURRENTLY lab_attempts_user_page
    ON lab_attempts (hashtextextended(user_id, 0), coalesce(timestamp, '-infinity'), id);
-- step: index lab_attempts_lab_page
CREATE INDEX CONCURRENTLY lab_attempts_lab_page
    ON lab_attempts (hashtextextended(lab_type, 0), coalesce(timestamp, '-infinity'), id);
-- The list of one outcome. Each of the two may be rare, so it has an index of its own.
-- step: index lab_attempts_kind_page
CREATE INDEX CONCURRENTLY lab_attempts_kind_page
    ON lab_attempts ((completion_status::integer::bigint), coalesce(timestamp, '-infinity'), id);

-- The pages of a user's attempts in the order of their ids, and the user's attempts that are not in the sums yet.
-- step: index lab_attempts_of_user
CREATE INDEX CONCURRENTLY lab_attempts_of_user ON lab_attempts (user_id, id);

-- The notes about a user. There are many where somebody changes or deletes most of the table.
-- step: index attempt_notes_of_user
CREATE INDEX CONCURRENTLY attempt_notes_of_user ON attempt_notes (hashtextextended(user_id, 0));

-- These triggers leave notes about changes of folded rows. Nothing is folded before they exist.
-- step: lock attempt_triggers
DO $$
BEGIN
    IF (SELECT count(*) FROM pg_trigger
         WHERE tgrelid = 'lab_attempts'::regclass AND tgname LIKE 'attempt\_noted\_%') = 4 THEN
        RETURN;
    END IF;
    CREATE OR REPLACE TRIGGER attempt_noted_insert AFTER INSERT ON lab_attempts
        REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION attempt_note();
    CREATE OR REPLACE TRIGGER attempt_noted_update AFTER UPDATE ON lab_attempts
        REFERENCING OLD TABLE AS gone NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION attempt_note();
    CREATE OR REPLACE TRIGGER attempt_noted_delete AFTER DELETE ON lab_attempts
        REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION attempt_note();
    CREATE OR REPLACE TRIGGER attempt_noted_truncate AFTER TRUNCATE ON lab_attempts
        FOR EACH STATEMENT EXECUTE FUNCTION attempt_forget_all();
    PERFORM attempt_rebuild();
END
$$;

-- A transaction that sets progress.erase to the id of a user may delete events of this user. All other deletions are
-- refused: the first trigger refuses a transaction that sets nothing, the second one each event of another user.
-- step: lock progress_erase
DO $$
BEGIN
    IF (SELECT count(*) FROM pg_trigger
         WHERE tgrelid = 'progress_events'::regclass
           AND tgname IN ('progress_events_delete_none', 'progress_events_delete_one')) = 2 THEN
        RETURN;
    END IF;
    CREATE OR REPLACE TRIGGER progress_events_delete_none BEFORE DELETE ON progress_events
        FOR EACH STATEMENT WHEN (coalesce(current_setting('progress.erase', true), '') = '')
        EXECUTE FUNCTION progress_events_refuse();
    CREATE OR REPLACE TRIGGER progress_events_delete_one BEFORE DELETE ON progress_events
        FOR EACH ROW WHEN (OLD.user_id IS DISTINCT FROM current_setting('progress.erase', true))
        EXECUTE FUNCTION progress_events_refuse();
    CREATE OR REPLACE TRIGGER progress_events_only_appended BEFORE UPDATE OR TRUNCATE ON progress_events
        FOR EACH STATEMENT EXECUTE FUNCTION progress_events_refuse();
END
$$;

-- step: slice attempt_sums
SELECT attempt_fold();
