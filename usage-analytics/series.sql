-- Figures of usage over time. The parameters and the rows are described in common/reports/series.h.

-- name: usage_series
-- Events and sessions are the sums of the spans that the intervals are made of, with what is not folded yet and the rows
-- of slots that are cut (docs/aggregates.md). What lasts about a day or longer is the sum of the days between the nearest
-- midnights of UTC, and a few hours more or less: hours that one interval has more are those that its neighbour has less.
-- Neighbours share runs of spans, so that the index is probed seldom. A day belongs to the interval that has its middle,
-- or that ends there. Users are counted from the events, interval by interval, because small sets of names are quicker to keep apart than
-- one large set; while the index of these is not built yet, all intervals are counted in one pass. A session counts where
-- it starts, and is open from its start until just before its end; those that were open at the beginning are in days whose
-- sessions took long enough together to last until then.
WITH divided AS MATERIALIZED (
    SELECT kept, others, notes
      FROM usage_divide(CASE WHEN $2 IS NULL THEN usage_labs() ELSE ARRAY[$2] END)
), kept AS MATERIALIZED (
    SELECT unnest(kept) AS lab
      FROM divided
), part AS MATERIALIZED (
    SELECT n,
           first,
           last,
           usage_span_from('slot', first) AS slot_first,
           usage_span_of('slot', last) AS slot_last,
           usage_span_from('hour', first) AS hour_first,
           usage_span_of('hour', last) AS hour_last,
           CASE WHEN last - first >= interval '20 hours'
                THEN usage_span_of('day', usage_span_from('hour', first) + interval '12 hours') END AS day_first,
           CASE WHEN last - first >= interval '20 hours'
                THEN usage_span_of('day', usage_span_of('hour', last) + interval '12 hours') END AS day_last
      FROM generate_series(1, cardinality($1) - 1) AS n,
           LATERAL (SELECT $1[n] AS first, $1[n + 1] AS last) AS p
), cut AS MATERIALIZED (
    SELECT c.first, c.last
      FROM part p,
           LATERAL (
           VALUES (p.first, least(slot_first, p.last)), (greatest(slot_first, slot_last), p.last)
      ) AS c (first, last)
     WHERE c.first < c.last
), run AS MATERIALIZED (
    SELECT NULL::bigint[] AS parts,
           ARRAY[1] AS signs,
           CASE span WHEN 'day' THEN interval '12 hours' - interval '1 microsecond' ELSE interval '0' END AS later,
           span,
           min(first) AS first,
           max(last) AS last
      FROM (
           SELECT span, first, last, count(*) FILTER (WHERE begins) OVER (PARTITION BY span ORDER BY first) AS run
             FROM (
                  SELECT s.span,
                         s.first,
                         s.last,
                         s.first IS DISTINCT FROM lag(s.last) OVER (PARTITION BY s.span ORDER BY s.first) AS begins
                    FROM part p,
                         LATERAL (
                         VALUES ('slot', slot_first, CASE WHEN hour_first < hour_last THEN hour_first ELSE slot_last END),
                                ('slot', CASE WHEN hour_first < hour_last THEN hour_last END, slot_last),
                                ('hour', CASE WHEN day_first IS NULL THEN hour_first END, hour_last),
                                ('day', day_first, day_last)
                    ) AS s (span, first, last)
                   WHERE s.first < s.last
             ) AS spans
      ) AS runs
     GROUP BY span, run
     UNION ALL
    SELECT array_agg(p.n), array_agg(s.sign), NULL, 'hour', s.first, s.last
      FROM part p,
           LATERAL (
           VALUES (1, hour_first, day_first),
                  (-1, day_first, hour_first),
                  (1, day_last, hour_last),
                  (-1, hour_last, day_last)
      ) AS s (sign, first, last)
     WHERE s.first < s.last
     GROUP BY s.first, s.last
), event AS MATERIALIZED (
    SELECT CASE $4 WHEN 'lab_type' THEN lab_type WHEN 'event_type' THEN event_type END AS name,
           n,
           sum(events) AS events
      FROM (
           SELECT k.lab_type, k.event_type, i.n, i.sign * k.events AS events
             FROM kept,
                  run r,
                  LATERAL (
                  SELECT *
                    FROM usage_by_type
                   WHERE lab_type = kept.lab AND span = r.span AND at >= r.first AND at < r.last
                  OFFSET 0
             ) AS k,
                  LATERAL unnest(coalesce(r.parts, ARRAY[width_bucket(k.at + r.later, $1)]), r.signs) AS i (n, sign)
            UNION ALL
           SELECT c.lab_type, c.event_type, width_bucket(c.at, $1), c.sign
             FROM divided d,
                  unnest(d.notes) AS c
            WHERE width_bucket(usage_span_of('slot', c.at), $1) BETWEEN 1 AND cardinality($1) - 1
              AND width_bucket(usage_span_of('slot', c.at), $1)
                  = width_bucket(usage_span_of('slot', c.at) + interval '5 minutes' - interval '1 microsecond', $1)
            UNION ALL
           SELECT e.lab_type, coalesce(e.event_type, 'null'), width_bucket(e.timestamp, $1), 1
             FROM cut c,
                  LATERAL (
                  SELECT lab_type, event_type, timestamp
                    FROM usage_events
                   WHERE greatest(timestamp, '-infinity') >= c.first AND greatest(timestamp, '-infinity') < c.last
                  OFFSET 0
             ) AS e
            WHERE e.lab_type = ANY ((SELECT kept FROM divided)::text[])
            UNION ALL
           SELECT e.lab_type, coalesce(e.event_type, 'null'), width_bucket(e.at, $1), 1
             FROM usage_events_between($1[1], $1[cardinality($1)]) AS e
            WHERE (SELECT others IS DISTINCT FROM '{}' FROM divided)
              AND e.lab_type IS NOT NULL
              AND coalesce(e.lab_type = ANY ((SELECT others FROM divided)::text[]), true)
            UNION ALL
           SELECT NULL, coalesce(e.event_type, 'null'), width_bucket(e.timestamp, $1), 1
             FROM usage_events e
            WHERE $2 IS NULL
              AND e.lab_type IS NULL
              AND e.timestamp >= $1[1]
              AND e.timestamp < $1[cardinality($1)]
      ) AS e
     WHERE $3 IS NULL OR event_type = $3
     GROUP BY 1, 2
), place AS MATERIALIZED (
    SELECT name, least(row_number() OVER (ORDER BY sum(events) DESC, name COLLATE "C"), $5 + 1) AS place
      FROM event
     WHERE name IS NOT NULL
     GROUP BY name
    HAVING sum(events) > 0
), piece AS MATERIALIZED (
    SELECT n, first, last
      FROM part
     WHERE (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('usage_events_at'))
     UNION ALL
    SELECT NULL, $1[1], $1[cardinality($1)]
     WHERE (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('usage_events_at')) IS NOT TRUE
), counted AS MATERIALIZED (
    SELECT c.*
      FROM piece p,
           LATERAL (
             WITH seen AS MATERIALIZED (
             SELECT CASE $4 WHEN 'lab_type' THEN lab_type WHEN 'event_type' THEN coalesce(event_type, 'null') END AS name,
                    coalesce(p.n, width_bucket(at, $1)) AS n,
                    user_id COLLATE "C" AS user_id
               FROM usage_events_between(p.first, p.last)
              WHERE user_id IS NOT NULL
                AND ($2 IS NULL OR lab_type = $2)
                AND ($3 IS NULL OR coalesce(event_type, 'null') = $3)
              GROUP BY 1, 2, 3
           )
           SELECT NULL::bigint AS place, n, count(*) AS users
             FROM seen
            WHERE $4 = 'none'
            GROUP BY n
            UNION ALL
           SELECT NULL, n, count(*)
             FROM (SELECT DISTINCT n, user_id FROM seen) AS u
            WHERE $4 <> 'none'
            GROUP BY n
            UNION ALL
           SELECT place, n, count(*)
             FROM seen
             JOIN place USING (name)
            WHERE $4 <> 'none'
              AND place <= $5
            GROUP BY place, n
            UNION ALL
           SELECT place, n, count(*)
             FROM (SELECT DISTINCT place, n, user_id FROM seen JOIN place USING (name) WHERE place > $5) AS u
            WHERE $4 <> 'none'
            GROUP BY place, n
      ) AS c
     WHERE 'users' = ANY ($6)
), change AS MATERIALIZED (
    SELECT c.*
      FROM divided d,
           usage_pair_changes(d.notes) AS c
     WHERE $6 && '{sessions,average_session_time_seconds,peak_sessions}'
), other_pair AS MATERIALIZED (
    SELECT lab AS lab_type, p.at, p.ended_at
      FROM divided d,
           LATERAL (
           SELECT unnest(d.others) AS lab
            UNION
           SELECT c.lab_type
             FROM usage_events_counted(d.others, CASE WHEN d.others IS NULL THEN $1[1] ELSE 'infinity' END) AS c
      ) AS l,
           LATERAL usage_pairs_of(lab) AS p
     WHERE $6 && '{sessions,average_session_time_seconds,peak_sessions}'
       AND p.at < $1[cardinality($1)]
       AND p.ended_at >= $1[1]
), session AS MATERIALIZED (
    SELECT CASE $4 WHEN 'lab_type' THEN lab_type END AS name,
           n,
           sum(sessions) AS sessions,
           sum(session_us) AS session_us
      FROM (
           SELECT k.lab_type, i.n, i.sign * k.sessions AS sessions, i.sign * k.session_us AS session_us
             FROM kept,
                  run r,
                  LATERAL (
                  SELECT *
                    FROM usage_by_lab
                   WHERE lab_type = kept.lab AND span = r.span AND at >= r.first AND at < r.last
                  OFFSET 0
             ) AS k,
                  LATERAL unnest(coalesce(r.parts, ARRAY[width_bucket(k.at + r.later, $1)]), r.signs) AS i (n, sign)
            UNION ALL
           SELECT u.lab_type, width_bucket(u.at, $1), 1, u.session_us
             FROM kept,
                  cut c,
                  LATERAL (
                  SELECT * FROM usage_pairs WHERE lab_type = kept.lab AND at >= c.first AND at < c.last OFFSET 0
             ) AS u
            UNION ALL
           SELECT c.lab_type, width_bucket(side.at, $1), side.sign, side.sign * side.session_us
             FROM change c,
                  LATERAL (
                  VALUES (-1, c.old_at, c.old_us), (1, c.new_at, c.new_us)
             ) AS side (sign, at, session_us)
            UNION ALL
           SELECT lab_type, width_bucket(at, $1), 1, (extract(epoch FROM ended_at - at) * 1000000)::bigint
             FROM other_pair
      ) AS s
     WHERE $6 && '{sessions,average_session_time_seconds}'
       AND n BETWEEN 1 AND cardinality($1) - 1
     GROUP BY 1, 2
), opened AS MATERIALIZED (
    SELECT CASE $4 WHEN 'lab_type' THEN lab_type END AS name, greatest(at, $1[1]) AS at, ended_at, sign
      FROM (
           SELECT u.lab_type, u.at, u.ended_at, 1 AS sign
             FROM kept,
                  LATERAL (
                  SELECT * FROM usage_pairs WHERE lab_type = kept.lab AND at >= $1[1] AND at < $1[cardinality($1)] OFFSET 0
             ) AS u
            UNION ALL
           SELECT u.lab_type, u.at, u.ended_at, 1
             FROM kept,
                  LATERAL (
                  SELECT at, session_us
                    FROM usage_by_lab
                   WHERE lab_type = kept.lab AND span = 'day' AND at < $1[1] AND at > '-infinity'
                  OFFSET 0
             ) AS k,
                  LATERAL (
                  SELECT *
                    FROM usage_pairs
                   WHERE lab_type = kept.lab
                     AND at >= k.at
                     AND at < least(k.at + interval '24 hours', $1[1])
                     AND ended_at > $1[1]
                     AND k.session_us > extract(epoch FROM $1[1] - k.at - interval '24 hours') * 1000000
                  OFFSET 0
             ) AS u
            UNION ALL
           SELECT u.lab_type, u.at, u.ended_at, -1
             FROM change c
             JOIN usage_pairs u ON u.lab_type = c.lab_type AND u.start_id = c.start_id
            UNION ALL
           SELECT lab_type, new_at, new_end, 1
             FROM change
            WHERE new_at IS NOT NULL
            UNION ALL
           SELECT lab_type, at, ended_at, 1
             FROM other_pair
      ) AS p
     WHERE 'peak_sessions' = ANY ($6)
       AND p.at < $1[cardinality($1)]
       AND p.ended_at > $1[1]
), edge AS (
    SELECT name, at, sign
      FROM opened
     UNION ALL
    SELECT name, ended_at, -sign
      FROM opened
     WHERE ended_at < $1[cardinality($1)]
), figure AS (
    SELECT place,
           n,
           sum(events) AS events,
           NULL::bigint AS users,
           NULL::numeric AS sessions,
           NULL::numeric AS session_us,
           NULL::bigint AS peak
      FROM event
      LEFT JOIN place USING (name)
     GROUP BY GROUPING SETS ((n), (place, n))
    HAVING place IS NOT NULL OR grouping(place) = 1
     UNION ALL
    SELECT place, n, NULL, users, NULL, NULL, NULL
      FROM counted
     UNION ALL
    SELECT place, n, NULL, NULL, sum(sessions), sum(session_us), NULL
      FROM session
      LEFT JOIN place USING (name)
     GROUP BY GROUPING SETS ((n), (place, n))
    HAVING place IS NOT NULL OR grouping(place) = 1
     UNION ALL
    SELECT place, width_bucket(at, $1), NULL, NULL, NULL, NULL, max(open)
      FROM (
           SELECT place, at, sum(sign) OVER (PARTITION BY place ORDER BY at) AS open
             FROM (
                  SELECT NULL::bigint AS place, at, sign
                    FROM edge
                   UNION ALL
                  SELECT place, at, sign
                    FROM edge
                    JOIN place USING (name)
                   UNION ALL
                  SELECT place, first, 0
                    FROM part,
                         (SELECT NULL::bigint AS place UNION ALL SELECT DISTINCT place FROM place) AS p
                   WHERE 'peak_sessions' = ANY ($6)
             ) AS e
      ) AS o
     GROUP BY place, width_bucket(at, $1)
)
SELECT f.place,
       p.name,
       f.n::bigint AS bucket,
       (
       SELECT timestamp
         FROM usage_events
        WHERE greatest(timestamp, '-infinity') > '-infinity'
        ORDER BY greatest(timestamp, '-infinity'), id
        LIMIT 1
  ) AS since,
       sum(f.events)::bigint AS events,
       sum(f.users)::bigint AS users,
       sum(f.sessions)::bigint AS sessions,
       (sum(f.session_us) / 1000000)::float8 / nullif(sum(f.sessions), 0)::float8 AS average_session_time_seconds,
       sum(f.peak)::bigint AS peak_sessions
  FROM (SELECT 1) AS one
  LEFT JOIN figure f ON true
  LEFT JOIN place p ON p.place = f.place AND p.place <= $5
 GROUP BY 1, 2, 3;
