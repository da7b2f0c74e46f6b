-- The tables that are derived from usage_events, and the functions of the triggers that leave notes about its changes.
-- Names are ordered by their bytes, because the order of a language costs several times as much. Only the names in
-- notes have the database's own order, because they are compared with usage_events and its indexes.

CREATE TABLE IF NOT EXISTS usage_notes (
    transaction xid8 NOT NULL,
    sign smallint NOT NULL, -- 1: the event was added, -1: it was removed
    id bigint NOT NULL,
    user_id text,
    lab_type text NOT NULL,
    event_type text NOT NULL,
    session_key text,
    at timestamptz NOT NULL
);
-- grant: SELECT ON usage_notes
CREATE INDEX IF NOT EXISTS usage_notes_transaction ON usage_notes (transaction);

-- A mark covers everything that happened to its lab type. Several statements may leave one mark each.
CREATE TABLE IF NOT EXISTS usage_marks (
    lab_type text COLLATE "C" NOT NULL
);
-- grant: SELECT ON usage_marks

-- One row. Until the history is taken over, every lab type counts as marked. The notes that are not folded are those of
-- transactions from `before` on, and of the transactions that were `running` when the last fold began.
CREATE TABLE IF NOT EXISTS usage_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    taken_over boolean NOT NULL DEFAULT false,
    before xid8 NOT NULL DEFAULT '0',
    running xid8[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);
-- grant: SELECT ON usage_state
INSERT INTO usage_state DEFAULT VALUES ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS usage_by_type (
    lab_type text COLLATE "C" NOT NULL,
    span text NOT NULL, -- day, hour or slot (five minutes), in UTC
    at timestamptz NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    events bigint NOT NULL
) WITH (fillfactor = 70); -- room to update in place
-- md5, because an event type can be too long for an index.
CREATE UNIQUE INDEX IF NOT EXISTS usage_by_type_key ON usage_by_type (lab_type, span, at, md5(event_type));

CREATE TABLE IF NOT EXISTS usage_by_lab (
    lab_type text COLLATE "C" NOT NULL,
    span text NOT NULL,
    at timestamptz NOT NULL,
    users bigint NOT NULL,       -- users whose last event in the lab type is in the span
    sessions bigint NOT NULL,    -- sessions that started in it
    session_us numeric NOT NULL, -- sum of the durations of these sessions
    PRIMARY KEY (lab_type, span, at)
) WITH (fillfactor = 70);
-- grant: SELECT ON usage_by_lab
-- grant: SELECT ON usage_by_type

CREATE TABLE IF NOT EXISTS usage_seen (
    lab_type text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    slot timestamptz NOT NULL, -- of the last event; with a finer time, each event of an active user would update it
    PRIMARY KEY (lab_type, user_id)
);
-- grant: SELECT ON usage_seen
CREATE INDEX IF NOT EXISTS usage_seen_slot ON usage_seen (lab_type, slot);

CREATE TABLE IF NOT EXISTS usage_pairs (
    lab_type text COLLATE "C" NOT NULL,
    start_id bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    session_us bigint NOT NULL,
    PRIMARY KEY (lab_type, start_id)
);
-- grant: SELECT ON usage_pairs
CREATE INDEX IF NOT EXISTS usage_pairs_at ON usage_pairs (lab_type, at);
CREATE INDEX IF NOT EXISTS usage_pairs_ended_at ON usage_pairs (lab_type, user_id, ended_at);

-- The notes that are not folded. `before` is a number of the server in which the last fold wrote the row of usage_state.
-- In a dump that was restored in another server, the transaction that wrote the row there (xmin) may have a lower number:
-- then all notes are read, until the next fold. xmin has the lower 32 bits of a number that is below the snapshot's xmax.
CREATE OR REPLACE VIEW usage_since AS
    SELECT CASE WHEN before::text::bigint <= xmax - ((xmax - written) & 4294967295) THEN before ELSE '0' END AS before,
           running
      FROM (SELECT before, running, xmin::text::bigint AS written,
                   pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xmax
              FROM usage_state) AS state;
CREATE OR REPLACE VIEW usage_unfolded AS
    SELECT n.ctid AS place, n.* FROM usage_notes n
     WHERE n.transaction >= (SELECT before FROM usage_since)
    UNION ALL
    SELECT n.ctid, n.* FROM usage_notes n
     WHERE n.transaction = ANY (ARRAY(SELECT unnest(running) FROM usage_since))
       AND n.transaction < (SELECT before FROM usage_since);
-- grant: SELECT ON usage_unfolded

-- Leaves notes about what a statement did to usage_events. An event without a time comes before all others, and one
-- without a type has the type `null`; one without a lab type belongs to no lab and needs no note. If a statement
-- changed more events than can be folded in a second, it leaves no further notes and marks its lab types.
CREATE OR REPLACE FUNCTION usage_take_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    many CONSTANT integer := 20000;
    noted integer;
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        INSERT INTO usage_notes
        SELECT pg_current_xact_id(), -1, id, user_id, lab_type, coalesce(event_type, 'null'),
               CASE WHEN event_type IN ('start', 'complete') THEN usage_session_key_in_query(event_data) END,
               coalesce(timestamp, '-infinity')
          FROM gone WHERE lab_type IS NOT NULL LIMIT many;
        GET DIAGNOSTICS noted = ROW_COUNT;
        IF noted = many THEN
            INSERT INTO usage_marks SELECT DISTINCT lab_type FROM gone WHERE lab_type IS NOT NULL;
        END IF;
    END IF;
    IF TG_OP IN ('UPDATE', 'INSERT') THEN
        INSERT INTO usage_notes
        SELECT pg_current_xact_id(), 1, id, user_id, lab_type, coalesce(event_type, 'null'),
               CASE WHEN event_type IN ('start', 'complete') THEN usage_session_key_in_query(event_data) END,
               coalesce(timestamp, '-infinity')
          FROM came WHERE lab_type IS NOT NULL LIMIT many;
        GET DIAGNOSTICS noted = ROW_COUNT;
        IF noted = many THEN
            INSERT INTO usage_marks SELECT DISTINCT lab_type FROM came WHERE lab_type IS NOT NULL;
        END IF;
    END IF;
    RETURN NULL;
END
$$;

-- TRUNCATE locks the table against everybody else, so nobody folds at the same time.
CREATE OR REPLACE FUNCTION usage_forget_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM usage_notes;
    DELETE FROM usage_marks;
    DELETE FROM usage_by_type;
    DELETE FROM usage_by_lab;
    DELETE FROM usage_seen;
    DELETE FROM usage_pairs;
    RETURN NULL;
END
$$;

-- usage_span_of: the start of the span, in UTC, that a time is in. usage_span_from: the start of the first span that
-- begins at a time or after it. date_bin is the fastest way, but PostgreSQL versions differ in what it returns for
-- times before its origin, so it is used only for later ones.
CREATE OR REPLACE FUNCTION usage_span_of(span text, at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN at >= '2000-01-01 00:00Z'
                THEN date_bin(CASE span WHEN 'day' THEN interval '24 hours' WHEN 'hour' THEN interval '1 hour'
                                        ELSE interval '5 minutes' END, at, '2000-01-01 00:00Z')
                WHEN at = '-infinity' THEN at
                WHEN span <> 'slot' THEN date_trunc(span, at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
                ELSE (date_trunc('hour', at AT TIME ZONE 'UTC')
                      + date_part('minute', at AT TIME ZONE 'UTC')::integer / 5 * interval '5 minutes')
                     AT TIME ZONE 'UTC' END
$$;
CREATE OR REPLACE FUNCTION usage_span_from(span text, at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN usage_span_of(span, at) = at THEN at
                ELSE (usage_span_of(span, at) AT TIME ZONE 'UTC'
                      + CASE span WHEN 'day' THEN interval '24 hours' WHEN 'hour' THEN interval '1 hour'
                                  ELSE interval '5 minutes' END) AT TIME ZONE 'UTC' END
$$;
