-- What is done to usage_events after the tables exist, while others write to it; common/pg/steps.h explains the steps.
-- Each step finds out by itself, without a lock, whether it is still needed.

-- From this step on changes leave notes; what was there before is worked out in slices. The lock is granted only when
-- no transaction that wrote the table is open, so every change without a note is committed.
-- step: lock triggers
DO $$
BEGIN
    IF (SELECT count(*) FROM pg_trigger
         WHERE tgrelid = 'usage_events'::regclass AND tgname LIKE 'usage\_noted\_%') = 4 THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'usage_events'::regclass AND tgname = 'usage_inserted') THEN
        DROP TRIGGER usage_inserted ON usage_events;
        DROP TRIGGER usage_updated ON usage_events;
        DROP TRIGGER usage_deleted ON usage_events;
        DROP TRIGGER usage_truncated ON usage_events;
    END IF;
    CREATE OR REPLACE TRIGGER usage_noted_insert AFTER INSERT ON usage_events
        REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION usage_take_note();
    CREATE OR REPLACE TRIGGER usage_noted_update AFTER UPDATE ON usage_events
        REFERENCING OLD TABLE AS gone NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION usage_take_note();
    CREATE OR REPLACE TRIGGER usage_noted_delete AFTER DELETE ON usage_events
        REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION usage_take_note();
    CREATE OR REPLACE TRIGGER usage_noted_truncate AFTER TRUNCATE ON usage_events
        FOR EACH STATEMENT EXECUTE FUNCTION usage_forget_all();
    UPDATE usage_state SET taken_over = false;
END
$$;

-- step: index ix_usage_events_user_id
CREATE INDEX CONCURRENTLY ix_usage_events_user_id ON usage_events (user_id);
-- step: index ix_usage_events_lab_type
CREATE INDEX CONCURRENTLY ix_usage_events_lab_type ON usage_events (lab_type);
-- step: index usage_events_of_no_lab
CREATE INDEX CONCURRENTLY usage_events_of_no_lab ON usage_events (timestamp) WHERE lab_type IS NULL;

-- Each event is in one of the next three indexes. Their time is a different expression from that of the indexes of
-- pages below, so that PostgreSQL never uses an index of pages to find the events of a user or session in the order of
-- time.
-- step: index usage_events_user_starts
CREATE INDEX CONCURRENTLY usage_events_user_starts
    ON usage_events (usage_user_hash(lab_type, user_id), coalesce(timestamp, '-infinity'), (id::bigint))
 WHERE event_type = 'start';
-- step: index usage_events_user_completes
CREATE INDEX CONCURRENTLY usage_events_user_completes
    ON usage_events (usage_user_hash(lab_type, user_id), coalesce(timestamp, '-infinity'), (id::bigint))
 WHERE event_type = 'complete';
-- step: index usage_events_others_of_user
CREATE INDEX CONCURRENTLY usage_events_others_of_user
    ON usage_events (usage_user_hash(lab_type, user_id), coalesce(timestamp, '-infinity'))
 WHERE (event_type IN ('start', 'complete')) IS NOT TRUE;

-- Steps without a session id are in these indexes too, with the key null: to leave them out, a condition would compute
-- the key a second time.
-- step: index usage_events_session_starts
CREATE INDEX CONCURRENTLY usage_events_session_starts
    ON usage_events (usage_session_hash(lab_type, user_id, usage_session_key(event_data)),
                     coalesce(timestamp, '-infinity'), (id::bigint))
 WHERE event_type = 'start';
-- step: index usage_events_session_completes
CREATE INDEX CONCURRENTLY usage_events_session_completes
    ON usage_events (usage_session_hash(lab_type, user_id, usage_session_key(event_data)),
                     coalesce(timestamp, '-infinity'), (id::bigint))
 WHERE event_type = 'complete';

-- Two columns for items of a batch: the caller's own id of the item, and the time when it arrived, if the caller gave
-- it a time. Both are null in rows of the original and of single calls.
-- step: lock usage_arrivals
DO $$
BEGIN
    IF (SELECT count(*) FROM pg_attribute
         WHERE attrelid = 'usage_events'::regclass AND attname IN ('client_id', 'received_at')) < 2 THEN
        ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS client_id text, ADD COLUMN IF NOT EXISTS received_at timestamptz;
    END IF;
END
$$;
-- step: index usage_events_client_id
CREATE UNIQUE INDEX CONCURRENTLY usage_events_client_id ON usage_events (client_id) WHERE client_id IS NOT NULL;

-- The pages of a list are read from these indexes, forwards or backwards: the list of all rows, of a user, of a lab
-- type. Reports use the first one too, for the events between two times. Rows without a time come before all others.
-- Names are stored as hashes: these are shorter, and an index cannot hold a name of any length.
-- step: index usage_events_page
CREATE INDEX CONCURRENTLY usage_events_page ON usage_events (greatest(timestamp, '-infinity'), id);
-- step: index usage_events_user_page
CREATE INDEX CONCURRENTLY usage_events_user_page
    ON usage_events (hashtextextended(user_id, 0), greatest(timestamp, '-infinity'), id);
-- step: index usage_events_lab_page
CREATE INDEX CONCURRENTLY usage_events_lab_page
    ON usage_events (hashtextextended(lab_type, 0), greatest(timestamp, '-infinity'), id);
-- The list of one event type. Starts and completes are most of the events, so they are found quickly in the list of
-- all.
-- step: index usage_events_kind_page
CREATE INDEX CONCURRENTLY usage_events_kind_page
    ON usage_events (hashtextextended(event_type, 0), greatest(timestamp, '-infinity'), id)
 WHERE (event_type IN ('start', 'complete')) IS NOT TRUE;

-- Everything that reports need of the events of a range of time (usage_events_between), so that they need not read the
-- table. Events with names that are too long for an index are left out; these few events are in the second index.
-- step: index usage_events_at
CREATE INDEX CONCURRENTLY usage_events_at ON usage_events (timestamp) INCLUDE (id, user_id, lab_type, event_type)
 WHERE coalesce(octet_length(user_id), 0) + coalesce(octet_length(lab_type), 0)
       + coalesce(octet_length(event_type), 0) <= 2000;
-- step: index usage_events_of_long_names
CREATE INDEX CONCURRENTLY usage_events_of_long_names ON usage_events (timestamp)
 WHERE coalesce(octet_length(user_id), 0) + coalesce(octet_length(lab_type), 0)
       + coalesce(octet_length(event_type), 0) > 2000;

-- Drops what only version 1 of this schema used. The functions that daemons of that version call still exist.
-- step: lock earlier
DO $$
BEGIN
    IF to_regclass('usage_changes') IS NULL THEN
        RETURN;
    END IF;
    DROP VIEW IF EXISTS usage_steps CASCADE;
    ALTER TABLE usage_events DROP COLUMN IF EXISTS session_key CASCADE;
    DROP INDEX IF EXISTS usage_events_starts_of_user, usage_events_completes_of_user, usage_events_time;
    DROP TABLE usage_changes, usage_folded, usage_counts, usage_spans, usage_last_seen, usage_sessions CASCADE;
    DROP FUNCTION IF EXISTS usage_note(), usage_forget();
END
$$;

-- Deletes the rows in which earlier versions left nothing but names.
-- step: lock usage_emptied
DO $$
BEGIN
    IF EXISTS (SELECT FROM usage_by_type WHERE events = 0) THEN
        DELETE FROM usage_by_type WHERE events = 0;
    END IF;
    IF EXISTS (SELECT FROM usage_by_lab WHERE users = 0 AND sessions = 0) THEN
        DELETE FROM usage_by_lab WHERE users = 0 AND sessions = 0;
    END IF;
END
$$;

-- step: slice history
SELECT usage_work_out_next();
