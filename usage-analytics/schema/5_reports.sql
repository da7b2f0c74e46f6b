-- The spans of a window that begins at `since`: the whole days, the whole hours before the first day, and the whole
-- slots before the first hour. What remains is shorter than a slot: from `since` to the `first_at` of the slots.
CREATE OR REPLACE FUNCTION usage_window(since timestamptz)
RETURNS TABLE (span text, first_at timestamptz, last_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    VALUES ('day', usage_span_from('day', since), timestamptz 'infinity'),
           ('hour', usage_span_from('hour', since),
            nullif(usage_span_from('day', since) - interval '1 us', '-infinity')),
           ('slot', usage_span_from('slot', since),
            nullif(usage_span_from('hour', since) - interval '1 us', '-infinity'))
$$;

-- The lab types that events may have; null while the history is not taken over, because they are not known yet.
CREATE OR REPLACE FUNCTION usage_labs() RETURNS text[]
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF NOT (SELECT taken_over FROM usage_state) THEN
        RETURN NULL;
    END IF;
    RETURN ARRAY(
        WITH RECURSIVE labs AS (
            SELECT min(lab_type) AS lab_type FROM usage_by_type
            UNION ALL
            SELECT (SELECT min(k.lab_type) FROM usage_by_type k WHERE k.lab_type > labs.lab_type)
              FROM labs WHERE labs.lab_type IS NOT NULL)
        SELECT lab_type FROM labs WHERE lab_type IS NOT NULL
        UNION SELECT lab_type FROM usage_unfolded
        UNION SELECT lab_type FROM usage_marks);
END
$$;

-- Divides lab types (null: all) into those that are `kept`, with their notes that are not folded yet, and the others,
-- whose events have to be counted. The others are the lab types whose derived rows are not used, and those with so many
-- notes that counting is cheaper. A note costs as much as four events, and the notes of one report have to fit in
-- memory.
CREATE OR REPLACE FUNCTION usage_divide(labs text[], OUT kept text[], OUT others text[], OUT notes usage_notes[])
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    few CONSTANT integer := 2000;
    most CONSTANT integer := 200000;
BEGIN
    kept := '{}';
    others := labs;
    IF NOT (SELECT taken_over FROM usage_state) THEN
        RETURN;
    END IF;
    kept := ARRAY(SELECT unnest(labs) EXCEPT SELECT lab_type FROM usage_marks);
    notes := ARRAY(SELECT ROW(transaction, sign, id, user_id, lab_type, event_type, session_key, at)::usage_notes
                     FROM usage_unfolded WHERE lab_type = ANY (kept) LIMIT few);
    IF cardinality(notes) = few THEN
        kept := ARRAY(SELECT lab
                        FROM unnest(kept) AS lab
                       WHERE (SELECT count(*) FROM usage_unfolded u WHERE u.lab_type = lab)
                             < least(most, few + (SELECT coalesce(sum(k.events), 0) / 4 FROM usage_by_type k
                                                   WHERE k.lab_type = lab AND k.span = 'day')));
        notes := ARRAY(SELECT ROW(transaction, sign, id, user_id, lab_type, event_type, session_key, at)::usage_notes
                         FROM usage_unfolded WHERE lab_type = ANY (kept));
    END IF;
    others := ARRAY(SELECT unnest(labs) EXCEPT SELECT unnest(kept));
END
$$;

-- The answers of reports, counted from the events themselves with hash joins and sorts: for lab types that are not
-- kept.
CREATE OR REPLACE FUNCTION usage_events_counted(labs text[], since timestamptz)
RETURNS TABLE (lab_type text, event_type text, events bigint)
LANGUAGE plpgsql STABLE
SET enable_seqscan = on SET enable_bitmapscan = on SET enable_hashjoin = on SET enable_mergejoin = on
SET jit = off SET work_mem = '32MB' SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT lab_type::text, coalesce(event_type, 'null')::text, count(*)
      FROM usage_events
     WHERE lab_type IS NOT NULL AND (labs IS NULL OR lab_type = ANY (labs))
       AND (timestamp >= since OR since = '-infinity')
     GROUP BY 1, 2;
END
$$;
CREATE OR REPLACE FUNCTION usage_users_counted(labs text[], since timestamptz)
RETURNS TABLE (lab_type text, users bigint)
LANGUAGE plpgsql STABLE
SET enable_seqscan = on SET enable_bitmapscan = on SET enable_hashjoin = on SET enable_mergejoin = on
SET jit = off SET work_mem = '32MB' SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT lab_type::text, count(*)
      FROM (SELECT lab_type, user_id
              FROM usage_events
             WHERE lab_type IS NOT NULL AND (labs IS NULL OR lab_type = ANY (labs)) AND user_id IS NOT NULL
               AND (timestamp >= since OR since = '-infinity')
             GROUP BY 1, 2) AS seen
     GROUP BY 1;
END
$$;
CREATE OR REPLACE FUNCTION usage_sessions_counted(labs text[], since timestamptz)
RETURNS TABLE (lab_type text, sessions bigint, session_us numeric)
LANGUAGE plpgsql STABLE
SET enable_seqscan = on SET enable_bitmapscan = on SET enable_hashjoin = on SET enable_mergejoin = on
SET jit = off SET work_mem = '32MB' SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    lab text;
BEGIN
    FOREACH lab IN ARRAY labs LOOP
        RETURN QUERY
        SELECT lab, count(*), sum((extract(epoch FROM p.ended_at - p.at) * 1000000)::bigint)
          FROM usage_pairs_of(lab) AS p
         WHERE p.at >= since
        HAVING count(*) > 0;
    END LOOP;
END
$$;

-- The number of events since a time, by lab type and event type.
CREATE OR REPLACE FUNCTION usage_events_since(labs text[], since timestamptz)
RETURNS TABLE (lab_type text, event_type text, events bigint)
LANGUAGE plpgsql STABLE ROWS 5
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    whole timestamptz := usage_span_from('slot', since);
    kept text[];
    others text[];
    notes usage_notes[];
BEGIN
    SELECT d.kept, d.others, d.notes INTO kept, others, notes FROM usage_divide(labs) AS d;
    IF others IS DISTINCT FROM '{}' THEN
        RETURN QUERY SELECT * FROM usage_events_counted(others, since);
    END IF;
    IF kept = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT part.lab_type, part.event_type, sum(part.events)::bigint
      FROM (SELECT k.lab_type, k.event_type, k.events
              FROM usage_window(since) AS w
              JOIN usage_by_type k ON k.span = w.span AND k.at >= w.first_at AND k.at <= w.last_at
             WHERE k.lab_type = ANY (kept)
            UNION ALL
            SELECT c.lab_type, c.event_type, c.sign FROM unnest(notes) AS c WHERE c.at >= whole
            UNION ALL
            SELECT e.lab_type, coalesce(e.event_type, 'null'), 1
              FROM usage_events e
             WHERE greatest(e.timestamp, '-infinity') >= since AND greatest(e.timestamp, '-infinity') < whole
               AND e.lab_type = ANY (kept)) AS part
     GROUP BY 1, 2
    HAVING sum(part.events) > 0;
END
$$;

-- The number of users seen since a time, by lab type. The window may begin in the middle of a slot. For a user whose
-- last event is in that slot, the event itself is looked up, as it is now. This decides whether the user is added for
-- the stored slot, and also whether the notes subtract the user from that slot: so a user who was added wrongly is
-- subtracted again.
CREATE OR REPLACE FUNCTION usage_users_since(labs text[], since timestamptz)
RETURNS TABLE (lab_type text, users bigint)
LANGUAGE plpgsql STABLE ROWS 5
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    whole timestamptz := usage_span_from('slot', since);
    cut timestamptz := usage_span_of('slot', since);
    kept text[];
    others text[];
    notes usage_notes[];
BEGIN
    SELECT d.kept, d.others, d.notes INTO kept, others, notes FROM usage_divide(labs) AS d;
    IF others IS DISTINCT FROM '{}' THEN
        RETURN QUERY SELECT * FROM usage_users_counted(others, since);
    END IF;
    IF kept = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT part.lab_type, sum(part.users)::bigint
      FROM (SELECT k.lab_type, k.users
              FROM usage_window(since) AS w
              JOIN usage_by_lab k ON k.span = w.span AND k.at >= w.first_at AND k.at <= w.last_at
             WHERE k.lab_type = ANY (kept)
            UNION ALL
            SELECT l.lab_type, 1
              FROM usage_seen l
             WHERE l.lab_type = ANY (kept) AND l.slot >= cut AND l.slot < whole
               AND usage_last_event(l.lab_type, l.user_id) >= since
            UNION ALL
            SELECT d.lab_type, side.sign
              FROM usage_seen_changes(notes) AS d,
                   LATERAL (VALUES (1, d.new_slot), (-1, d.old_slot)) AS side (sign, slot)
             WHERE d.new_slot IS DISTINCT FROM d.old_slot
               AND (side.slot >= whole
                    OR side.slot >= cut AND usage_last_event(d.lab_type, d.user_id) >= since)) AS part
     GROUP BY 1;
END
$$;

-- The sessions that started since a time, by lab type.
CREATE OR REPLACE FUNCTION usage_sessions_since(labs text[], since timestamptz)
RETURNS TABLE (lab_type text, sessions bigint, session_us numeric)
LANGUAGE plpgsql STABLE ROWS 5
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    whole timestamptz := usage_span_from('slot', since);
    kept text[];
    others text[];
    notes usage_notes[];
BEGIN
    SELECT d.kept, d.others, d.notes INTO kept, others, notes FROM usage_divide(labs) AS d;
    IF others IS DISTINCT FROM '{}' THEN
        RETURN QUERY SELECT * FROM usage_sessions_counted(others, since);
    END IF;
    IF kept = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT part.lab_type, sum(part.sessions)::bigint, sum(part.session_us)
      FROM (SELECT k.lab_type, k.sessions, k.session_us
              FROM usage_window(since) AS w
              JOIN usage_by_lab k ON k.span = w.span AND k.at >= w.first_at AND k.at <= w.last_at
             WHERE k.lab_type = ANY (kept)
            UNION ALL
            SELECT u.lab_type, 1, u.session_us
              FROM usage_pairs u WHERE u.lab_type = ANY (kept) AND u.at >= since AND u.at < whole
            UNION ALL
            SELECT d.lab_type, side.sign, side.sign * side.session_us
              FROM usage_pair_changes(notes) AS d,
                   LATERAL (VALUES (-1, d.old_at, d.old_us), (1, d.new_at, d.new_us)) AS side (sign, at, session_us)
             WHERE side.at >= since) AS part
     GROUP BY 1;
END
$$;

-- The time at which a window of so many days begins; more than 36,500 days are the whole history.
CREATE OR REPLACE FUNCTION usage_days_ago(days bigint) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN days > 36500 THEN '-infinity' ELSE now() - days * interval '24 hours' END
$$;

