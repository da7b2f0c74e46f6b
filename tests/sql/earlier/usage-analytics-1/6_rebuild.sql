-- Works all that is derived out anew from usage_events: at the first run, and for an operator after data came in
-- while triggers were disabled. Writers wait meanwhile, readers do not.
CREATE OR REPLACE FUNCTION usage_rebuild() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE usage_events IN SHARE ROW EXCLUSIVE MODE;
    PERFORM pg_advisory_xact_lock(7205759403792796); -- usage_fold's
    DELETE FROM usage_changes;
    DELETE FROM usage_counts;
    DELETE FROM usage_spans;
    DELETE FROM usage_last_seen;
    DELETE FROM usage_sessions;

    INSERT INTO usage_counts (lab_type, span, at, event_type, events)
    SELECT lab_type, s.span, usage_span_of(s.span, at), event_type, sum(events)
      FROM (SELECT lab_type, usage_span_of('minute', coalesce(timestamp, '-infinity')) AS at,
                   coalesce(event_type, 'null') AS event_type, count(*) AS events
              FROM usage_events WHERE lab_type IS NOT NULL GROUP BY 1, 2, 3) AS e,
           (VALUES ('day'), ('hour'), ('minute')) AS s (span)
     GROUP BY 1, 2, 3, 4;

    INSERT INTO usage_last_seen (lab_type, user_id, minute)
    SELECT lab_type, user_id, usage_span_of('minute', max(coalesce(timestamp, '-infinity')))
      FROM usage_events WHERE lab_type IS NOT NULL AND user_id IS NOT NULL GROUP BY 1, 2;

    -- A complete's owner is the step of its session right before it, where that is a start; else the last start.
    INSERT INTO usage_sessions (start_id, lab_type, user_id, at, ended_at, session_us)
    WITH step AS (
        SELECT id, lab_type, user_id, session_key, at, is_start,
               lag(CASE WHEN is_start THEN place END) OVER by_session AS own,
               max(CASE WHEN is_start THEN place END) OVER by_user AS last
          FROM (SELECT id, lab_type, user_id, session_key, at, event_type = 'start' AS is_start,
                       row_number() OVER (ORDER BY lab_type, user_id, at, id) AS place
                  FROM usage_steps
                 WHERE lab_type IS NOT NULL AND user_id IS NOT NULL) AS placed
        WINDOW by_user AS (PARTITION BY lab_type, user_id ORDER BY place),
               by_session AS (PARTITION BY lab_type, user_id, session_key ORDER BY place)
    ), start AS (
        SELECT id, lab_type, user_id, session_key, at, last AS place FROM step WHERE is_start
    )
    SELECT DISTINCT ON (start.id) start.id, start.lab_type, start.user_id, start.at, c.at,
           (extract(epoch FROM c.at - start.at) * 1000000)::bigint
      FROM step c
      JOIN start ON start.place = CASE WHEN c.session_key IS NOT NULL THEN coalesce(c.own, c.last) ELSE c.last END
     WHERE NOT c.is_start
       AND (c.session_key IS NULL OR c.own IS NOT NULL OR start.session_key IS NULL)
     ORDER BY start.id, c.at, c.id;

    INSERT INTO usage_spans (lab_type, span, at, users, sessions, session_us)
    SELECT lab_type, s.span, usage_span_of(s.span, d.at), sum(users), sum(sessions), sum(session_us)
      FROM (SELECT lab_type, minute AS at, 1 AS users, 0 AS sessions, 0 AS session_us FROM usage_last_seen
            UNION ALL
            SELECT lab_type, at, 0, 1, session_us FROM usage_sessions) AS d,
           (VALUES ('day'), ('hour'), ('minute')) AS s (span)
     GROUP BY 1, 2, 3;
END
$$;

-- The first run: from here on changes are noted. The triggers' lock keeps writers out until all is committed.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'usage_events'::regclass AND tgname = 'usage_inserted') THEN
        RETURN;
    END IF;
    CREATE TRIGGER usage_inserted AFTER INSERT ON usage_events
        REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION usage_note();
    CREATE TRIGGER usage_updated AFTER UPDATE ON usage_events
        REFERENCING OLD TABLE AS gone NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION usage_note();
    CREATE TRIGGER usage_deleted AFTER DELETE ON usage_events
        REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION usage_note();
    CREATE TRIGGER usage_truncated AFTER TRUNCATE ON usage_events
        FOR EACH STATEMENT EXECUTE FUNCTION usage_forget();
    PERFORM usage_rebuild();
END
$$;
