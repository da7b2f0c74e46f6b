"""What the statement usage_series must answer, computed from the raw events in plain Python."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone

import usage_oracle

FIGURES = ["events", "users", "sessions", "average_session_time_seconds", "peak_sessions"]
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SLOT, HOUR, DAY = 300 * 10**6, 3600 * 10**6, 86400 * 10**6


def some_edges(chance, now):
    """The ends of a few intervals: whole slots, hours or days, a microsecond beside them, or any."""
    edges = set()
    while len(edges) < 5:
        at = now - chance.choice([2 * HOUR, 3 * DAY, 45 * DAY]) * chance.random()
        unit = chance.choice([1, SLOT, HOUR, DAY])
        edges.add(int(at) // unit * unit + chance.choice([-1, 0, 0, 1]))
    return sorted(edges | ({now} if chance.random() < 0.5 else set()))


def some_question(chance, now, labs):
    by, lab, kind = chance.choice(["none", "lab_type", "event_type"]), None, None
    if chance.random() < 0.3:
        lab = chance.choice([name for name in labs if name])
    if by == "event_type" or chance.random() < 0.2:
        kind = chance.choice(["start", "null", None])
    return some_edges(chance, now), lab, kind, by, chance.choice([1, 2, 10])


def shown(edges):
    return [(EPOCH + timedelta(microseconds=us)).isoformat() for us in edges]


def lasting(events):
    """(lab type, start, end) of each session."""
    return [(lab, at, at + us) for lab, at, us in usage_oracle.sessions(events)]


def peak(sessions, first, last):
    moments = {first, *(at for _, at, _ in sessions if first < at < last)}
    return max(sum(at <= moment < end for _, at, end in sessions) for moment in moments)


def row(events, sessions, first, last, of_labs):
    """The figures of a part of time; those of sessions are not asked for with event types."""
    inside = [e for e in events if e[5] is not None and first <= e[5] < last]
    users = len({e[1] for e in inside if e[1] is not None})
    if not of_labs:
        return (len(inside), users, 0, 0, 0)
    spans = [end - at for _, at, end in sessions if first <= at < last]
    return (len(inside), users, len(spans), sum(spans) / 10**6 / len(spans) if spans else 0, peak(sessions, first, last))


def figures_of(kind, by):
    return FIGURES if kind is None and by != "event_type" else FIGURES[:2]


def series(events, edges, lab, kind, by, top):
    """{(place, name, number of the interval): figures}; zeros are left out."""
    all_sessions, of_labs = lasting(events), len(figures_of(kind, by)) > 2
    events = [e for e in events if lab in (None, e[2]) and kind in (None, "null" if e[3] is None else e[3])]
    sessions = [s for s in all_sessions if lab in (None, s[0])]
    key = {"none": lambda e: None, "lab_type": lambda e: e[2], "event_type": lambda e: "null" if e[3] is None else e[3]}[by]
    inside = Counter(key(e) for e in events if e[5] is not None and edges[0] <= e[5] < edges[-1])
    names = sorted((name for name in inside if name is not None), key=lambda name: (-inside[name], name.encode()))
    groups = [(None, None, events, sessions)]
    own = defaultdict(list)
    for e in events:
        own[key(e)].append(e)
    for place, name in enumerate(names[:top], 1):
        groups.append((place, name, own[name], [s for s in sessions if s[0] == name]))
    rest = set(names[top:])
    groups.append((top + 1, None, [e for e in events if key(e) in rest], [s for s in sessions if s[0] in rest]))
    found = {
        (place, name, n): row(mine, spans, first, last, of_labs)
        for place, name, mine, spans in groups
        for n, (first, last) in enumerate(zip(edges, edges[1:]), 1)
    }
    return {place: figures for place, figures in found.items() if any(figures)}


def answered(rows):
    """The same of what the statement answered."""
    found = {(place, name, n): tuple(figure or 0 for figure in figures) for place, name, n, _, *figures in rows}
    return {place: figures for place, figures in found.items() if any(figures)}
