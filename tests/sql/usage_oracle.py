"""What the usage reports must answer, computed from the raw events in plain Python."""

import json
from collections import Counter, defaultdict

INFINITY = 2**63 - 1
FIRST, LAST = -62135596800 * 10**6, 253402214400 * 10**6  # 0001-01-01 and 9999-12-31, microseconds since 1970

RAW = """
SELECT id, user_id, lab_type, event_type, event_data::text,
       CASE timestamp WHEN 'infinity' THEN 9223372036854775807 WHEN '-infinity' THEN -9223372036854775807
            ELSE round(extract(epoch FROM timestamp)::numeric * 1000000)::bigint END
  FROM usage_events"""


def events_read(connection):
    """How many events a connection's open transaction has read, perhaps with those just before: they are counted together."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'usage_events'"
        )
        return cursor.fetchone()[0]


def session_of(event_data):
    """The session that an event names, or None."""
    if event_data is None:
        return None
    value = json.loads(event_data, parse_int=str, parse_float=str)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return None
    if "\\u0000" in json.dumps(value) or not isinstance(value, dict):
        return None
    return value.get("session_id")


def tracks(events):
    """The steps of each user in each lab type: (time, id, kind, session) in their order."""
    found = defaultdict(list)
    for number, user, lab, kind, data, at in events:
        if kind in ("start", "complete") and None not in (user, lab, at) and FIRST <= at < LAST:
            found[lab, user].append((at, number, kind, session_of(data)))
    for track in found.values():
        track.sort(key=lambda step: step[:2])
    return found


def ended(track):
    """The place of each start that has a session, and that of the complete which ends it."""
    ends = {}
    for i, step in enumerate(track):
        owner = owner_of(track, i) if step[2] == "complete" else None
        if owner is not None:
            ends.setdefault(owner, i)
    return ends


def sessions(events):
    """(lab type, start's time, microseconds) of each session."""
    return [
        (lab, track[start][0], track[end][0] - track[start][0])
        for (lab, _), track in tracks(events).items()
        for start, end in ended(track).items()
    ]


def owner_of(track, i):
    """The start that the complete at i belongs to."""
    session = track[i][3]
    if session is not None:
        for k in range(i - 1, -1, -1):
            if track[k][3] == session:
                if track[k][2] == "start":
                    return k
                break
    for k in range(i - 1, -1, -1):
        if track[k][2] == "start":
            return k if session is None or track[k][3] is None else None
    return None


def in_window(at, now, days):
    return days > 36500 or at is not None and at >= now - days * 86400 * 10**6


def usage_of_lab(events, lab, now, days):
    """Rows as the statement answers them."""
    rows = [e for e in events if e[2] == lab and in_window(e[5], now, days)]
    if not rows:
        return []
    users = len({e[1] for e in rows if e[1] is not None})
    spans = [us for of, at, us in sessions(events) if of == lab and in_window(at, now, days)]
    average = sum(spans) / 10**6 / len(spans) if spans else 0
    kinds = Counter("null" if e[3] is None else e[3] for e in rows)
    order = sorted(kinds, key=lambda kind: (kind != "start", kind != "complete", -kinds[kind], kind))
    return [(kind, kinds[kind], len(rows), users, average) for kind in order]


def trends(events, now, days):
    labs = defaultdict(list)
    for e in events:
        if in_window(e[5], now, days):
            labs[e[2]].append(e)
    rows = [
        (lab, len(of), len({e[1] for e in of if e[1] is not None}), sum(e[3] == "error" for e in of))
        for lab, of in labs.items()
    ]
    return sorted(rows, key=lambda row: (-row[1], row[0] is None, row[0] or ""))
