-- What is done to usage_events after the tables are there, while others write it (common/pg/keeper.h says how). Each
-- step finds out by itself whether it is still to be done, without a lock.

-- From here on changes are noted; what was there before is worked out in slices. The lock is had only when no
-- transaction that wrote is open, so all that left no note is committed.
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

-- An event is in one of the next three. Their time is another expression than that of the pages below, so that the
-- search for a user's or a session's events in the order of time never takes an index of pages.
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

-- A step without a session id is in them too, under null: a condition on the key would compute it a second time.
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

-- What a batch says of an item beside what the original keeps: the caller's own id of it, and when it came where the
-- caller told its time. Rows of the original and of single calls have neither.
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

-- What the pages of a list are read from, in either direction: of all, of a user, of a lab type; the first also by
-- reports, for the events between two times. Rows without a time lie before all others. Names by their hash: it is shorter, and no index takes a name of any length.
-- step: index usage_events_page
CREATE INDEX CONCURRENTLY usage_events_page ON usage_events (greatest(timestamp, '-infinity'), id);
-- step: index usage_events_user_page
CREATE INDEX CONCURRENTLY usage_events_user_page
    ON usage_events (hashtextextended(user_id, 0), greatest(timestamp, '-infinity'), id);
-- step: index usage_events_lab_page
CREATE INDEX CONCURRENTLY usage_events_lab_page
    ON usage_events (hashtextextended(lab_type, 0), greatest(timestamp, '-infinity'), id);

-- What version 1 of this schema had and nothing needs any more. Its daemons call functions that are still there.
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

-- step: slice history
SELECT usage_work_out_next();
