-- What notes change, found by index lookups: fast if the notes are few, however many events there are. Every lookup
-- takes the first or the last step in the order of its index. Without an order, as in EXISTS, PostgreSQL considers all
-- indexes of one kind of step equally good while they are small; it may choose a wrong one, and keeps that plan.

-- The stored rows of a user and of a session, and where they are. They are looked up for each row of a query that calls
-- these, whatever the statistics say: a table that was empty when these were made would be joined as a whole, and that
-- plan is kept too. LIMIT keeps the planner from joining in another order. The order is that of the primary key, and of no
-- other index: equality would make all orders the same.
CREATE OR REPLACE FUNCTION usage_seen_of(lab text, who text) RETURNS TABLE (place tid, slot timestamptz)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT s.ctid, s.slot
      FROM usage_seen s
     WHERE s.lab_type = lab AND s.user_id >= who AND s.user_id <= who
     ORDER BY s.user_id LIMIT 1
$$;
CREATE OR REPLACE FUNCTION usage_pair_of(lab text, start bigint)
RETURNS TABLE (place tid, user_id text, at timestamptz, ended_at timestamptz, session_us bigint)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT p.ctid, p.user_id, p.at, p.ended_at, p.session_us
      FROM usage_pairs p
     WHERE p.lab_type = lab AND p.start_id >= start AND p.start_id <= start
     ORDER BY p.start_id LIMIT 1
$$;

-- The time of a user's last event in a lab type, null if there is none. The three indexes of users' events together
-- have all events.
CREATE OR REPLACE FUNCTION usage_last_event(lab text, who text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT max(at)
      FROM ((SELECT coalesce(timestamp, '-infinity') AS at FROM usage_events
              WHERE usage_user_hash(lab_type, user_id) = usage_user_hash(lab, who)
                AND (lab_type, user_id) IS NOT DISTINCT FROM (lab, who) AND event_type = 'start'
              ORDER BY 1 DESC LIMIT 1)
            UNION ALL
            (SELECT coalesce(timestamp, '-infinity') AS at FROM usage_events
              WHERE usage_user_hash(lab_type, user_id) = usage_user_hash(lab, who)
                AND (lab_type, user_id) IS NOT DISTINCT FROM (lab, who) AND event_type = 'complete'
              ORDER BY 1 DESC LIMIT 1)
            UNION ALL
            (SELECT coalesce(timestamp, '-infinity') AS at FROM usage_events
              WHERE usage_user_hash(lab_type, user_id) = usage_user_hash(lab, who)
                AND (lab_type, user_id) IS NOT DISTINCT FROM (lab, who)
                AND (event_type IN ('start', 'complete')) IS NOT TRUE
              ORDER BY 1 DESC LIMIT 1)) AS last
$$;

-- For every user and lab type in the notes: the slot of the last event as usage_seen has it, and the true one. If
-- events were only added, the slot can only move forward, and no lookup is needed.
CREATE OR REPLACE FUNCTION usage_seen_changes(notes usage_notes[])
RETURNS TABLE (lab_type text, user_id text, old_slot timestamptz, new_slot timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT t.lab_type, t.user_id, s.slot,
           CASE WHEN t.went THEN usage_span_of('slot', usage_last_event(t.lab_type, t.user_id))
                ELSE greatest(s.slot, usage_span_of('slot', t.at)) END
      FROM (SELECT c.lab_type, c.user_id, max(c.at) AS at, bool_or(c.sign < 0) AS went
              FROM unnest(notes) AS c
             WHERE c.user_id IS NOT NULL
             GROUP BY c.lab_type, c.user_id) AS t
      LEFT JOIN LATERAL usage_seen_of(t.lab_type, t.user_id) AS s ON true
$$;

-- The complete that ends a start: the first of those that belong to it (docs/sessions.md). A complete belongs to a
-- start before it, so each branch ends at the start that takes over. The first branch has the completes with the same
-- session id, up to the next start with that id. The second has those that belong to the user's last start before them,
-- up to the user's next start.
CREATE OR REPLACE FUNCTION usage_session_end(lab text, who text, session text, start_at timestamptz, start_id bigint)
RETURNS TABLE (at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT ending.at
      FROM ((SELECT c.at, c.id
               FROM (SELECT 1) AS one
               LEFT JOIN LATERAL (
                    SELECT n.at, n.id FROM usage_steps_of_session('start', lab, who, session) AS n
                     WHERE (n.at, n.id) > (start_at, start_id)
                     ORDER BY n.at, n.id LIMIT 1) AS next ON true
               JOIN LATERAL (
                    SELECT c.at, c.id FROM usage_steps_of_session('complete', lab, who, session) AS c
                     WHERE (c.at, c.id) > (start_at, start_id)
                       AND (c.at, c.id) < (coalesce(next.at, 'infinity'), coalesce(next.id, 0))
                     ORDER BY c.at, c.id LIMIT 1) AS c ON true)
            UNION ALL
            (SELECT c.at, c.id
               FROM (SELECT 1) AS one
               LEFT JOIN LATERAL (
                    SELECT n.at, n.id FROM usage_steps_of_user('start', lab, who) AS n
                     WHERE (n.at, n.id) > (start_at, start_id)
                     ORDER BY n.at, n.id LIMIT 1) AS next ON true
               JOIN LATERAL (
                    SELECT c.at, c.id FROM usage_steps_of_user('complete', lab, who) AS c
                     WHERE (c.at, c.id) > (start_at, start_id)
                       AND (c.at, c.id) < (coalesce(next.at, 'infinity'), coalesce(next.id, 0))
                       AND (usage_session_key(c.event_data) IS NULL
                            OR session IS NULL
                               AND NOT EXISTS (
                                    SELECT FROM (SELECT o.at, o.id
                                                   FROM usage_steps_of_session('start', lab, who,
                                                                               usage_session_key(c.event_data)) AS o
                                                  WHERE (o.at, o.id) < (c.at, c.id)
                                                  ORDER BY o.at DESC, o.id DESC LIMIT 1) AS own
                                     WHERE (SELECT p.id FROM usage_steps_of_session('complete', lab, who,
                                                                                    usage_session_key(c.event_data)) AS p
                                             WHERE (p.at, p.id) > (own.at, own.id) AND (p.at, p.id) < (c.at, c.id)
                                             ORDER BY p.at, p.id LIMIT 1) IS NULL))
                     ORDER BY c.at, c.id LIMIT 1) AS c ON true)
           ) AS ending
     ORDER BY ending.at, ending.id LIMIT 1
$$;

-- The starts whose session the notes may have changed, with their lab types. These are the starts in the notes
-- themselves; and, for each complete and each start in the notes, the starts right before it and the starts right
-- before the next complete of its session id. A start that was added is left out if no complete of its user follows it
-- now and no stored session of its user ends after it: then it affects no session.
CREATE OR REPLACE FUNCTION usage_touched_starts(notes usage_notes[]) RETURNS TABLE (lab_type text, id bigint)
LANGUAGE sql STABLE AS $$
    WITH step AS MATERIALIZED (
        SELECT x.lab_type, x.user_id, x.event_type, x.session_key, x.at, x.id
          FROM unnest(notes) AS x
         WHERE x.event_type IN ('start', 'complete') AND isfinite(x.at) AND x.user_id IS NOT NULL
           AND (x.event_type = 'complete'
                OR (SELECT c.id FROM usage_steps_of_user('complete', x.lab_type, x.user_id) AS c
                     WHERE (c.at, c.id) > (x.at, x.id)
                     ORDER BY c.at, c.id LIMIT 1) IS NOT NULL
                OR EXISTS (SELECT FROM usage_pairs o
                            WHERE o.lab_type = x.lab_type AND o.user_id = x.user_id AND o.ended_at >= x.at)))
    SELECT x.lab_type, x.id FROM unnest(notes) AS x WHERE x.event_type = 'start' AND x.sign < 0
    UNION
    SELECT x.lab_type, x.id FROM step AS x WHERE x.event_type = 'start'
    UNION
    SELECT x.lab_type, near.id
      FROM step AS x
      LEFT JOIN LATERAL (
            SELECT c.at, c.id FROM usage_steps_of_session('complete', x.lab_type, x.user_id, x.session_key) AS c
             WHERE (c.at, c.id) > (x.at, x.id)
             ORDER BY c.at, c.id LIMIT 1) AS next ON true
      JOIN LATERAL (VALUES (x.at, x.id), (next.at, next.id)) AS place (at, id) ON place.at IS NOT NULL
      JOIN LATERAL (
            (SELECT s.id FROM usage_steps_of_user('start', x.lab_type, x.user_id) AS s
              WHERE (s.at, s.id) < (place.at, place.id)
              ORDER BY s.at DESC, s.id DESC LIMIT 1)
            UNION ALL
            (SELECT s.id FROM usage_steps_of_session('start', x.lab_type, x.user_id, x.session_key) AS s
              WHERE (s.at, s.id) < (place.at, place.id)
              ORDER BY s.at DESC, s.id DESC LIMIT 1)) AS near ON true
$$;

-- For every session that the notes changed: its values in usage_pairs, and its true values; null if there is no
-- session. A start that moved to another lab type was removed from the first and added to the second, with a note for
-- each.
CREATE OR REPLACE FUNCTION usage_pair_changes(notes usage_notes[])
RETURNS TABLE (lab_type text, start_id bigint, old_at timestamptz, old_us bigint,
               new_user text, new_at timestamptz, new_end timestamptz, new_us bigint)
LANGUAGE sql STABLE AS $$
    SELECT t.lab_type, t.id, o.at, o.session_us, n.user_id, n.at, n.ended_at,
           (extract(epoch FROM n.ended_at - n.at) * 1000000)::bigint
      FROM usage_touched_starts(notes) AS t
      LEFT JOIN LATERAL usage_pair_of(t.lab_type, t.id) AS o ON true
      LEFT JOIN LATERAL (
            SELECT s.user_id, s.at, e.at AS ended_at
              FROM (SELECT user_id, usage_session_key(event_data) AS session_key, timestamp AS at
                      FROM usage_events
                     WHERE id = t.id AND lab_type = t.lab_type AND event_type = 'start' AND usage_has_place(timestamp)
                    OFFSET 0) AS s, -- looked up for each start, never joined as a whole
                   LATERAL usage_session_end(t.lab_type, s.user_id, s.session_key, s.at, t.id) AS e) AS n ON true
     WHERE (o.user_id, o.at, o.ended_at) IS DISTINCT FROM (n.user_id, n.at, n.ended_at)
$$;
