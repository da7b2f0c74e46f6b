"""What the series must answer, computed from the raw rows in plain Python."""

import json
import math
from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from harness import reports
from harness.clocks import US, UTC, intervals
from harness.lists import List

FIGURES = {
    "user-progress": ["attempts", "users", "success_rate", "average_time"],
    "performance-reporting": ["attempts", "users", "success_rate", "average_completion_time", "p50", "p90"],
    "usage-analytics": ["events", "users", "sessions", "average_session_time_seconds", "peak_sessions"],
}
PATHS = {"user-progress": "/attempts/series", "performance-reporting": "/performance/series", "usage-analytics": "/analytics/series"}
SECONDS = {"user-progress": "time_spent", "performance-reporting": "completion_time"}
SESSIONS = FIGURES["usage-analytics"][2:]


def average(values: list) -> float:
    return sum(values) / len(values) if values else 0


def percentile(values: list[int], of: float) -> int:
    return sorted(values)[math.ceil(of * len(values)) - 1] if values else 0


def sessions_of(rows: list[dict]) -> list[tuple[dict, datetime]]:
    """The start of each session, and when it ended."""
    events = {
        row["id"]: reports.Event(row["id"], row["user_id"], row["lab_type"], row["event_type"], json.dumps(row["event_data"]), row["timestamp"])
        for row in rows
    }
    by_id = {row["id"]: row for row in rows}
    return [(by_id[start.id], start.timestamp + length) for start, length in reports.sessions(list(events.values()))]


def peak(sessions: list, first: datetime, last: datetime) -> int:
    """The most that are open at a moment from the first until before the last."""
    moments = {first, *(start["timestamp"] for start, _ in sessions if first < start["timestamp"] < last)}
    return max(sum(start["timestamp"] <= at < end for start, end in sessions) for at in moments)


def figures(of: List, rows: list[dict], sessions: list, first: datetime, last: datetime) -> dict:
    """Those of the rows of a group that lie in a part of time."""
    inside = [row for row in rows if first <= row["timestamp"] < last]
    users = len({row["user_id"] for row in inside} - {None})
    if of.service == "usage-analytics":
        lengths = [end - start["timestamp"] for start, end in sessions if first <= start["timestamp"] < last]
        mean = sum(length // US for length in lengths) / 10**6 / len(lengths) if lengths else 0
        return dict(zip(FIGURES[of.service], [len(inside), users, len(lengths), mean, peak(sessions, first, last)]))
    seconds = [row[SECONDS[of.service]] for row in inside if row[SECONDS[of.service]] is not None]
    rate = average([row[of.special] is True for row in inside])
    found = [len(inside), users, rate, average(seconds), percentile(seconds, 0.5), percentile(seconds, 0.9)]
    return dict(zip(FIGURES[of.service], found))


def columns(of: List, rows: list[dict], sessions: list, edges: list[datetime], needed: list[str]) -> dict:
    parts = [figures(of, rows, sessions, first, last) for first, last in zip(edges, edges[1:])]
    return {name: [part[name] for part in parts] if name in needed else None for name in FIGURES[of.service]}


def needed_figures(of: List, query: dict, length: timedelta) -> list[str]:
    names = query["figures"].split(",") if "figures" in query else FIGURES[of.service]
    if query.get("by") == "event_type" or "event_type" in query:
        names = [name for name in names if name not in SESSIONS]
    return [name for name in names if name != "peak_sessions" or length <= timedelta(days=92)]


def key_of(row: dict, by: str) -> str | None:
    return row["lab_type"] if by == "lab_type" else row["event_type"] or "null"


def groups(of: List, rows: list[dict], sessions: list, edges: list[datetime], needed: list[str], query: dict) -> list[dict]:
    by, top = query["by"], int(query.get("top", 10))
    inside = Counter(key_of(row, by) for row in rows if edges[0] <= row["timestamp"] < edges[-1])
    names = sorted((name for name in inside if name is not None), key=lambda name: (-inside[name], name.encode()))
    found = []
    for some, named in [({name}, name) for name in names[:top]] + ([(set(names[top:]), None)] if names[top:] else []):
        mine = [row for row in rows if key_of(row, by) in some]
        own = [session for session in sessions if key_of(session[0], by) in some]
        labels = {"lab_type": named if by == "lab_type" else None}
        labels |= {"other": True} if named is None else {"event_type": named} if by == "event_type" else {}
        found.append({**labels, **columns(of, mine, own, edges, needed)})
    return found


def answer(of: List, rows: list[dict], query: dict, from_: datetime, to: datetime) -> dict:
    """The members of an answer that the rows decide; `from` and `to` are moments."""
    zone = ZoneInfo(query.get("zone", "UTC"))
    starts = intervals(zone, query.get("interval", "day"), from_, to)
    edges = [from_, *starts[1:-1], to]
    timed = [row for row in rows if row["timestamp"] is not None]
    sessions = sessions_of(timed) if of.service == "usage-analytics" else []
    if "lab_type" in query:
        timed = [row for row in timed if row["lab_type"] == query["lab_type"]]
        sessions = [s for s in sessions if s[0]["lab_type"] == query["lab_type"]]
    if "event_type" in query:
        timed = [row for row in timed if (row["event_type"] or "null") == query["event_type"]]
    needed = needed_figures(of, query, to.astimezone(zone).replace(tzinfo=None) - from_.astimezone(zone).replace(tzinfo=None))
    total = columns(of, timed, sessions, edges, needed)
    if query.get("by", "none") == "none":
        series = [{"lab_type": query.get("lab_type"), **total}]
    else:
        series = groups(of, timed, sessions, edges, needed, query)
    since = min((row["timestamp"] for row in rows if row["timestamp"] is not None), default=None)
    return {
        "interval": query.get("interval", "day"),
        "zone": query.get("zone", "UTC"),
        "from": from_.astimezone(zone).isoformat(),
        "to": to.astimezone(zone).isoformat(),
        "data_since": since and since.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z",
        "starts": [at.astimezone(zone).isoformat() for at in starts[:-1]],
        "partial": partial(starts, from_, to),
        "series": series,
        "total": total,
    }


def partial(starts: list[datetime], from_: datetime, to: datetime) -> list[int]:
    """Of a range that is over: its first and its last interval, if it cuts them."""
    cut = [starts[0] < from_, *[False] * (len(starts) - 2)]
    cut[-1] = cut[-1] or starts[-1] > to
    return [n for n, is_cut in enumerate(cut) if is_cut]


def plant(at: datetime) -> list[datetime]:
    """Moments either side of an edge."""
    return [at - US, at, at + US]
