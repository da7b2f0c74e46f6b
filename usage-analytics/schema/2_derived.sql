-- What is derived from usage_events, and the triggers' functions, which note what happens to it. Names are kept in
-- the order of their bytes: that of a language costs several times as much. Notes meet usage_events and its indexes,
-- so they have the database's own order.

CREATE TABLE IF NOT EXISTS usage_notes (
    transaction xid8 NOT NULL,
    sign smallint NOT NULL, -- 1: the event came, -1: it went
    id bigint NOT NULL,
    user_id text,
    lab_type text NOT NULL,
    event_type text NOT NULL,
    session_key text,
    at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS usage_notes_transaction ON usage_notes (transaction);

-- A mark covers all that happened to its lab type; several statements may leave one each.
CREATE TABLE IF NOT EXISTS usage_marks (
    lab_type text COLLATE "C" NOT NULL
);

-- One row. While the history is not taken over, all lab types count as marked. Notes that are not folded are those
-- of transactions from `before` on, and of those that were `running` when the last fold began.
CREATE TABLE IF NOT EXISTS usage_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    taken_over boolean NOT NULL DEFAULT false,
    before xid8 NOT NULL DEFAULT '0',
    running xid8[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);
INSERT INTO usage_state DEFAULT VALUES ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS usage_by_type (
    lab_type text COLLATE "C" NOT NULL,
    span text NOT NULL, -- day, hour or slot (of five minutes), of UTC
    at timestamptz NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    events bigint NOT NULL
) WITH (fillfactor = 70); -- room to update in place
-- An event type can be longer than an index holds.
CREATE UNIQUE INDEX IF NOT EXISTS usage_by_type_key ON usage_by_type (lab_type, span, at, md5(event_type));

CREATE TABLE IF NOT EXISTS usage_by_lab (
    lab_type text COLLATE "C" NOT NULL,
    span text NOT NULL,
    at timestamptz NOT NULL,
    users bigint NOT NULL,       -- whose last event in the lab type is in the span
    sessions bigint NOT NULL,    -- that started in it
    session_us numeric NOT NULL, -- and how long they took
    PRIMARY KEY (lab_type, span, at)
) WITH (fillfactor = 70);

CREATE TABLE IF NOT EXISTS usage_seen (
    lab_type text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    slot timestamptz NOT NULL, -- no finer: who is at work has an event every few seconds
    PRIMARY KEY (lab_type, user_id)
);
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
CREATE INDEX IF NOT EXISTS usage_pairs_at ON usage_pairs (lab_type, at);
CREATE INDEX IF NOT EXISTS usage_pairs_ended_at ON usage_pairs (lab_type, user_id, ended_at);

-- The notes that are not folded. A dump restored in another cluster meets transaction numbers that begin again.
CREATE OR REPLACE VIEW usage_since AS
    SELECT CASE WHEN before <= pg_snapshot_xmax(pg_current_snapshot()) THEN before ELSE '0' END AS before, running
      FROM usage_state;
CREATE OR REPLACE VIEW usage_unfolded AS
    SELECT n.ctid AS place, n.* FROM usage_notes n
     WHERE n.transaction >= (SELECT before FROM usage_since)
    UNION ALL
    SELECT n.ctid, n.* FROM usage_notes n
     WHERE n.transaction = ANY (ARRAY(SELECT unnest(running) FROM usage_since))
       AND n.transaction < (SELECT before FROM usage_since);

-- Notes what a statement did to usage_events. An event without a time lies before all others; one without a type is
-- of type `null`; one without a lab type concerns no lab. A statement that did more than can be folded in a second
-- leaves no more notes, but marks its lab types.
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

-- TRUNCATE holds the table alone, so nobody folds meanwhile.
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

-- Where the span of UTC that a time lies in begins, and the first span that begins at a time or after it. date_bin is
-- the quickest, but releases differ in what it makes of times before its origin.
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
