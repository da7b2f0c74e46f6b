-- What is derived from usage_events, the triggers that note what happens to it, and how the tables are read.

CREATE TABLE IF NOT EXISTS usage_changes (
    transaction xid8 NOT NULL,
    sign smallint NOT NULL, -- 1: the event came, -1: it went
    id integer NOT NULL,
    user_id text,
    lab_type text NOT NULL,
    event_type text NOT NULL,
    session_key text,
    at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS usage_changes_transaction ON usage_changes (transaction);

-- Since which transaction there can be changes that are not folded. One row.
CREATE TABLE IF NOT EXISTS usage_folded (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    before xid8 NOT NULL
);
INSERT INTO usage_folded (before) VALUES ('0') ON CONFLICT DO NOTHING;

-- A dump restored in another cluster meets transaction numbers that begin anew.
CREATE OR REPLACE VIEW usage_since AS
    SELECT CASE WHEN before <= pg_snapshot_xmax(pg_current_snapshot()) THEN before ELSE '0' END AS before
      FROM usage_folded;

CREATE TABLE IF NOT EXISTS usage_counts (
    lab_type text NOT NULL,
    span text NOT NULL, -- day, hour or minute, of UTC
    at timestamptz NOT NULL,
    event_type text NOT NULL,
    events bigint NOT NULL
);
-- An event type can be longer than an index holds.
CREATE UNIQUE INDEX IF NOT EXISTS usage_counts_key ON usage_counts (lab_type, span, at, md5(event_type));

CREATE TABLE IF NOT EXISTS usage_spans (
    lab_type text NOT NULL,
    span text NOT NULL,
    at timestamptz NOT NULL,
    users bigint NOT NULL,       -- whose last event in the lab type is in the span
    sessions bigint NOT NULL,    -- that started in it
    session_us numeric NOT NULL, -- and how long they took
    PRIMARY KEY (lab_type, span, at)
);

CREATE TABLE IF NOT EXISTS usage_last_seen (
    lab_type text NOT NULL,
    user_id text NOT NULL,
    minute timestamptz NOT NULL, -- no finer: who is at work has an event every few seconds
    PRIMARY KEY (lab_type, user_id)
);
CREATE INDEX IF NOT EXISTS usage_last_seen_minute ON usage_last_seen (lab_type, minute);

CREATE TABLE IF NOT EXISTS usage_sessions (
    start_id integer PRIMARY KEY,
    lab_type text NOT NULL,
    user_id text NOT NULL,
    at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    session_us bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS usage_sessions_at ON usage_sessions (lab_type, at);
CREATE INDEX IF NOT EXISTS usage_sessions_ended_at ON usage_sessions (lab_type, user_id, ended_at);

-- Notes what a statement did to usage_events. An event without a time lies before all others; one without a
-- type is of type `null`; one without a lab type concerns no lab.
CREATE OR REPLACE FUNCTION usage_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        INSERT INTO usage_changes
        SELECT pg_current_xact_id(), -1, id, user_id, lab_type, coalesce(event_type, 'null'), session_key,
               coalesce(timestamp, '-infinity')
          FROM gone WHERE lab_type IS NOT NULL;
    END IF;
    IF TG_OP IN ('UPDATE', 'INSERT') THEN
        INSERT INTO usage_changes
        SELECT pg_current_xact_id(), 1, id, user_id, lab_type, coalesce(event_type, 'null'), session_key,
               coalesce(timestamp, '-infinity')
          FROM came WHERE lab_type IS NOT NULL;
    END IF;
    RETURN NULL;
END
$$;

-- TRUNCATE holds the table alone, so nobody folds meanwhile.
CREATE OR REPLACE FUNCTION usage_forget() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM usage_changes;
    DELETE FROM usage_counts;
    DELETE FROM usage_spans;
    DELETE FROM usage_last_seen;
    DELETE FROM usage_sessions;
    RETURN NULL;
END
$$;

-- The changes that are not folded yet.
CREATE OR REPLACE FUNCTION usage_unfolded(labs text[]) RETURNS usage_changes[]
LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(c), '{}')
      FROM usage_changes c
     WHERE transaction >= (SELECT before FROM usage_since) AND lab_type = ANY (labs)
$$;

-- Where the span of UTC that a time lies in begins, and the first span that begins at a time or after it.
CREATE OR REPLACE FUNCTION usage_span_of(span text, at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT date_trunc(span, at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
$$;
CREATE OR REPLACE FUNCTION usage_span_from(span text, at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN usage_span_of(span, at) = at THEN at
                ELSE usage_span_of(span, at + ('1 ' || span)::interval) END
$$;

