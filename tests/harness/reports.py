"""What the reports must answer, computed again from the raw rows: independently of how a service does it."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

WHOLE_HISTORY = 36500  # more days than these are all days


def ratio(a: int, b: int):
    """As the services print it: nothing of nothing is 0."""
    return a / b if b else 0


@dataclass
class Record:
    id: int
    user_id: str | None
    lab_type: str | None
    completion_time: int | None
    success: bool | None
    errors: object  # as JSON has it
    timestamp: datetime | None


RECORDS = "SELECT id, user_id, lab_type, completion_time, success, errors, timestamp FROM user_performance ORDER BY id"


def times(records: list[Record]) -> list[int]:
    return [r.completion_time for r in records if r.completion_time is not None]


def performance_of_lab(records: list[Record], lab: dict) -> dict | None:
    """GET /performance/lab/{lab_type}, None where it is a 404."""
    mine = [r for r in records if r.lab_type == lab["lab_type"]]
    if not mine:
        return None
    lists = [r.errors for r in mine if isinstance(r.errors, list)]
    errors = Counter(error for errors in lists for error in errors if isinstance(error, str))
    users = len({r.user_id for r in mine} - {None})
    return {
        "lab_type": lab["lab_type"],
        "lab_name": lab["name"],
        "total_attempts": len(mine),
        "unique_users": users,
        "success_rate": ratio(sum(r.success is True for r in mine), len(mine)),
        "avg_completion_time": ratio(sum(times(mine)), len(times(mine))),
        "common_errors": [
            error for error, _ in errors.most_common(5)
        ],  # ties in the order of their insertion
        "total_users": users,
    }


def performance_of_user(records: list[Record], user: dict, labs: dict[str, dict]) -> dict:
    """GET /performance/user/{user_id}; `labs` has the oldest lab of each type."""
    by_lab = defaultdict(list)
    for r in records:
        if r.user_id == user["id"] and r.lab_type is not None:
            by_lab[r.lab_type].append(r)
    return {
        "user_id": user["id"],
        "username": user["username"],
        "performance_by_lab": {
            lab_type: {
                "lab_name": labs[lab_type]["name"],
                "lab_description": labs[lab_type]["description"],
                "lab_difficulty": labs[lab_type]["difficulty"],
                "attempts": len(mine),
                "success_rate": ratio(sum(r.success is True for r in mine), len(mine)),
                "avg_completion_time": ratio(sum(times(mine)), len(times(mine))),
                "total_time_spent": sum(times(mine)),
                "last_attempt": last_of(mine),
            }
            for lab_type, mine in by_lab.items()
        },
    }


def last_of(records: list[Record]) -> str | None:
    stamps = [r.timestamp for r in records if r.timestamp is not None]
    return max(stamps).isoformat() if stamps else None


@dataclass
class Event:
    id: int
    user_id: str | None
    lab_type: str | None
    event_type: str | None
    event_data: str | None  # JSON text
    timestamp: datetime | None

    def is_step(self) -> bool:
        known = self.user_id is not None and self.lab_type is not None and self.timestamp is not None
        return known and self.event_type in ("start", "complete")

    def session(self) -> str | None:
        """The text of event_data.session_id, where it has one that PostgreSQL can hold."""
        data = json.loads(self.event_data or "null", parse_int=str, parse_float=str)
        if not isinstance(data, dict) or not decodable(data):
            return None
        value = data.get("session_id")
        return value if value is None or isinstance(value, str) else json.dumps(value)


EVENTS = "SELECT id, user_id, lab_type, event_type, event_data::text, timestamp FROM usage_events"


def decodable(value) -> bool:
    """Whether no string of it has a NUL or half a surrogate pair."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, dict):
        return all(decodable(name) and decodable(member) for name, member in value.items())
    return all(map(decodable, value)) if isinstance(value, list) else True


def sessions(events: list[Event]) -> list[tuple[Event, timedelta]]:
    """Each start that a complete ended, with the time between; docs/sessions.md says which ends which."""
    found = []
    tracks = defaultdict(list)
    for event in filter(Event.is_step, events):
        tracks[event.lab_type, event.user_id].append(event)
    for track in tracks.values():
        last_start: Event | None = None
        last_of_id: dict[str, Event] = {}
        ended: set[int] = set()
        for step in sorted(track, key=lambda e: (e.timestamp, e.id)):
            own, session = last_of_id.get(step.session()), step.session()
            if step.event_type == "complete":
                start = own if own and own.event_type == "start" else nearest(last_start, session)
                if start and start.id not in ended:
                    ended.add(start.id)
                    found.append((start, step.timestamp - start.timestamp))
            else:
                last_start = step
            if session is not None:
                last_of_id[session] = step
    return found


def nearest(start: Event | None, session: str | None) -> Event | None:
    """The last start, for a complete of this session id that has no start of its own."""
    return start if start and (session is None or start.session() is None) else None


def in_window(events: list[Event], now: datetime, days: int) -> list[Event]:
    if days > WHOLE_HISTORY:
        return events
    since = now - timedelta(days=days)
    return [e for e in events if e.timestamp is not None and e.timestamp >= since]


def usage_of_lab(events: list[Event], lab_type: str, now: datetime, days: int) -> dict | None:
    """GET /analytics/usage/lab/{lab_type}, None where it is a 404. Event types: as a set, for ties have no order."""
    mine = in_window([e for e in events if e.lab_type == lab_type], now, days)
    if not mine:
        return None
    shown = {e.id for e in mine}
    lengths = [length for start, length in sessions(events) if start.id in shown]
    microseconds = sum(length // timedelta(microseconds=1) for length in lengths)
    return {
        "lab_type": lab_type,
        "time_period_days": days,
        "unique_users": len({e.user_id for e in mine} - {None}),
        "total_events": len(mine),
        "event_distribution": dict(Counter("null" if e.event_type is None else e.event_type for e in mine)),
        "average_session_time_seconds": ratio(microseconds / 10**6, len(lengths)),
    }


def trends(events: list[Event], now: datetime, days: int) -> dict:
    """GET /analytics/trends."""
    shown = in_window(events, now, days)
    by_lab = defaultdict(list)
    for event in shown:
        if event.lab_type is not None:
            by_lab[event.lab_type].append(event)
    return {
        "time_period_days": days,
        "total_events": len(shown),
        "lab_usage": {
            lab_type: {
                "total_events": len(mine),
                "unique_users": len({e.user_id for e in mine} - {None}),
                "errors": sum(e.event_type == "error" for e in mine),
            }
            for lab_type, mine in by_lab.items()
        },
    }
