-- The time of a user's last event in a lab type, null where there is none: by the three indexes of users' events.
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

-- Of every user and lab type that the changes touch: the minute of the last event as usage_last_seen has it, and as
-- it is. Events that only came can but move it on.
CREATE OR REPLACE FUNCTION usage_last_seen_changes(changes usage_changes[])
RETURNS TABLE (lab_type text, user_id text, old_minute timestamptz, new_minute timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT t.lab_type, t.user_id, s.minute,
           CASE WHEN t.went THEN usage_span_of('minute', usage_last_event(t.lab_type, t.user_id))
                ELSE greatest(s.minute, usage_span_of('minute', t.at)) END
      FROM (SELECT c.lab_type, c.user_id, max(c.at) AS at, bool_or(c.sign < 0) AS went
              FROM unnest(changes) AS c
             WHERE c.user_id IS NOT NULL
             GROUP BY c.lab_type, c.user_id) AS t
      LEFT JOIN usage_last_seen s ON s.lab_type = t.lab_type AND s.user_id = t.user_id
$$;

-- The complete that ends a start, by docs/sessions.md: the first of those that belong to it. A completes' owner
-- lies before it, so each branch ends where a later start takes over.
CREATE OR REPLACE FUNCTION usage_session_end(lab text, who text, session text, start_at timestamptz, start_id integer)
RETURNS TABLE (at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT ending.at
      FROM ((SELECT c.at, c.id
               FROM usage_session_steps('complete', lab, who, session) AS c
              WHERE (c.at, c.id) > (start_at, start_id)
                AND NOT EXISTS (
                    SELECT FROM usage_session_steps('start', lab, who, session) AS later
                     WHERE (later.at, later.id) > (start_at, start_id) AND (later.at, later.id) < (c.at, c.id))
              ORDER BY c.at, c.id LIMIT 1)
            UNION ALL
            (SELECT c.at, c.id
               FROM (SELECT 1) AS one
               LEFT JOIN LATERAL (
                    SELECT n.at, n.id FROM usage_user_steps('start', lab, who) AS n
                     WHERE (n.at, n.id) > (start_at, start_id)
                     ORDER BY n.at, n.id LIMIT 1) AS next ON true
               JOIN LATERAL (
                    SELECT c.at, c.id FROM usage_user_steps('complete', lab, who) AS c
                     WHERE (c.at, c.id) > (start_at, start_id)
                       AND (c.at, c.id) < (coalesce(next.at, 'infinity'), coalesce(next.id, 0))
                       AND (c.session_key IS NULL
                            OR session IS NULL
                               AND NOT EXISTS (
                                    SELECT FROM (SELECT o.at, o.id
                                                   FROM usage_session_steps('start', lab, who, c.session_key) AS o
                                                  WHERE (o.at, o.id) < (c.at, c.id)
                                                  ORDER BY o.at DESC, o.id DESC LIMIT 1) AS own
                                     WHERE NOT EXISTS (
                                        SELECT FROM usage_session_steps('complete', lab, who, c.session_key) AS p
                                         WHERE (p.at, p.id) > (own.at, own.id) AND (p.at, p.id) < (c.at, c.id))))
                     ORDER BY c.at, c.id LIMIT 1) AS c ON true)
           ) AS ending
     ORDER BY ending.at, ending.id LIMIT 1
$$;

-- The starts whose session the changes can have changed: each start itself; and, for completes and for starts that
-- are not the last of all, the starts right before it and right before the next complete of its session. A start is
-- the last, and concerns no session, where no complete follows it now and none did when sessions were last folded.
CREATE OR REPLACE FUNCTION usage_touched_starts(changes usage_changes[]) RETURNS TABLE (id integer)
LANGUAGE sql STABLE AS $$
    WITH step AS MATERIALIZED (
        SELECT x.lab_type, x.user_id, x.event_type, x.session_key, x.at, x.id
          FROM unnest(changes) AS x
         WHERE x.event_type IN ('start', 'complete') AND isfinite(x.at) AND x.user_id IS NOT NULL
           AND (x.event_type = 'complete'
                OR EXISTS (SELECT FROM usage_user_steps('complete', x.lab_type, x.user_id) AS c
                            WHERE (c.at, c.id) > (x.at, x.id))
                OR EXISTS (SELECT FROM usage_sessions o
                            WHERE o.lab_type = x.lab_type AND o.user_id = x.user_id AND o.ended_at >= x.at)))
    SELECT x.id FROM unnest(changes) AS x WHERE x.event_type = 'start' AND x.sign < 0
    UNION
    SELECT x.id FROM step AS x WHERE x.event_type = 'start'
    UNION
    SELECT near.id
      FROM step AS x
      LEFT JOIN LATERAL (
            SELECT c.at, c.id FROM usage_session_steps('complete', x.lab_type, x.user_id, x.session_key) AS c
             WHERE (c.at, c.id) > (x.at, x.id)
             ORDER BY c.at, c.id LIMIT 1) AS next ON true
      JOIN LATERAL (VALUES (x.at, x.id), (next.at, next.id)) AS place (at, id) ON place.at IS NOT NULL
      JOIN LATERAL (
            (SELECT s.id FROM usage_user_steps('start', x.lab_type, x.user_id) AS s
              WHERE (s.at, s.id) < (place.at, place.id)
              ORDER BY s.at DESC, s.id DESC LIMIT 1)
            UNION ALL
            (SELECT s.id FROM usage_session_steps('start', x.lab_type, x.user_id, x.session_key) AS s
              WHERE (s.at, s.id) < (place.at, place.id)
              ORDER BY s.at DESC, s.id DESC LIMIT 1)) AS near ON true
$$;

-- Of every session that the changes touch: as usage_sessions has it, and as it is. Null where there is none.
CREATE OR REPLACE FUNCTION usage_session_changes(changes usage_changes[])
RETURNS TABLE (start_id integer, old_lab text, old_at timestamptz, old_us bigint,
               new_lab text, new_user text, new_at timestamptz, new_end timestamptz, new_us bigint)
LANGUAGE sql STABLE AS $$
    SELECT t.id, o.lab_type, o.at, o.session_us, n.lab_type, n.user_id, n.at, n.ended_at, n.session_us
      FROM usage_touched_starts(changes) AS t
      LEFT JOIN usage_sessions o ON o.start_id = t.id
      LEFT JOIN LATERAL (
            SELECT s.lab_type, s.user_id, s.at, e.at AS ended_at,
                   (extract(epoch FROM e.at - s.at) * 1000000)::bigint AS session_us
              FROM (SELECT * FROM usage_steps
                     WHERE id = t.id AND event_type = 'start'
                    OFFSET 0) AS s, -- probed start by start, never joined as a whole
                   LATERAL usage_session_end(s.lab_type, s.user_id, s.session_key, s.at, s.id) AS e) AS n ON true
     WHERE (o.lab_type, o.user_id, o.at, o.ended_at) IS DISTINCT FROM (n.lab_type, n.user_id, n.at, n.ended_at)
$$;

