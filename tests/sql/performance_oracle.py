"""What the distributions of Performance Reporting must show, computed from raw rows with sorted lists."""

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from math import ceil

LOWEST = datetime.min.replace(tzinfo=timezone.utc)


@dataclass
class Record:
    id: int
    user_id: str | None
    lab_type: str | None
    completion_time: int | None
    success: bool | None
    errors: str | None
    resources_used: str | None
    timestamp: datetime | None

    def place(self):
        return self.timestamp or LOWEST, self.id


def records_of(connection):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, user_id, lab_type, completion_time, success, errors::text, resources_used::text, timestamp"
            "  FROM user_performance ORDER BY id"
        )
        return [Record(*row) for row in cursor.fetchall()]


def between(records, since, until):
    """A record without a time is in no range, only where there is none."""
    return [
        r
        for r in records
        if (since is None or r.timestamp is not None and r.timestamp >= since)
        and (until is None or r.timestamp is not None and r.timestamp < until)
    ]


def nearest_rank(values, percent):
    """Of sorted values."""
    return values[ceil(percent * len(values) / 100) - 1] if values else None


def figures(values):
    values = sorted(values)
    percentiles = [nearest_rank(values, q) for q in (10, 25, 50, 75, 90, 95, 99)]
    ends = (values[0], values[-1]) if values else (None, None)
    return (len(values), ends[0], *percentiles, ends[1], sum(values) / len(values) if values else None)


def histogram(values):
    if not values:
        return []
    steps = [unit * 10**zeros for zeros in range(10) for unit in (1, 2, 5)]
    step = next(s for s in steps if max(values) < 20 * s)
    counts = Counter(max(value, 0) // step for value in values)
    shown = [{"from": n * step, "to": (n + 1) * step, "count": counts[n]} for n in range(max(0, *values) // step + 1)]
    shown[0]["from"] = min(0, *values)
    return shown


def times_of_lab(records, lab):
    """Two rows, as the statement answers them."""
    mine = [r for r in records if r.lab_type == lab and r.completion_time is not None]
    both = [[r.completion_time for r in mine], [r.completion_time for r in mine if r.success]]
    return [(*figures(values), histogram(both[0])) for values in both]


def strings(errors):
    listed = json.loads(errors) if errors is not None else None
    return [as_kept(e) for e in listed if isinstance(e, str)] if isinstance(listed, list) else []


def as_kept(text):
    """What no text of PostgreSQL can hold stays escaped."""
    return text if "\0" not in text and text.isprintable() or text == "" else json.dumps(text)[1:-1]


def errors_of_lab(records, lab, limit):
    mine = [r for r in records if r.lab_type == lab]
    occurrences, having = Counter(), defaultdict(list)
    for r in mine:
        occurrences.update(strings(r.errors))
        for error in set(strings(r.errors)):
            having[error].append(r)
    shown = []
    for error, times in occurrences.most_common(limit):  # ties in the order of their insertion
        rows = having[error]
        stamps = [r.timestamp for r in rows if r.timestamp is not None]
        users = len({r.user_id for r in rows} - {None})
        share, rate = len(rows) / len(mine), sum(bool(r.success) for r in rows) / len(rows)
        seen = min(stamps, default=None), max(stamps, default=None)
        shown.append((error, times, len(rows), users, share, rate, *seen))
    total = (len(mine), sum(bool(strings(r.errors)) for r in mine), max(len(occurrences) - limit, 0))
    return [(*total, *row) for row in shown or [(None,) * 8]]


def difficulty_of_labs(records, until, min_users):
    """`until`: the end of the range, or now."""
    learners = defaultdict(lambda: defaultdict(list))
    errors = defaultdict(Counter)
    for r in records:
        if r.lab_type is not None:
            errors[r.lab_type].update(strings(r.errors))
        if r.lab_type is not None and r.user_id is not None:
            learners[r.lab_type][r.user_id].append(r)
    rows = []
    for lab, users in learners.items():
        tries, gave_up = [], 0
        for mine in users.values():
            mine = sorted(mine, key=Record.place)
            first = next((n for n, r in enumerate(mine) if r.success), None)
            if first is not None:
                tries.append([r.completion_time for r in mine[: first + 1]])
            elif mine[-1].place()[0] < until - timedelta(days=14):
                gave_up += 1
        seconds = sorted(sum(t for t in of if t is not None) for of in tries if any(t is not None for t in of))
        solved, at_once = len(tries), sum(len(of) == 1 for of in tries)
        average = sum(map(len, tries)) / solved if solved else None
        top = errors[lab].most_common(1)
        rows.append((lab, len(users), solved, at_once, at_once / len(users), solved / len(users), average, gave_up,
                     nearest_rank(seconds, 50), top[0][0] if top else None))  # fmt: skip
    ranked = sorted((row for row in rows if row[1] >= min_users), key=lambda row: (row[4], row[0].encode()))
    return ranked + sorted((row for row in rows if row[1] < min_users), key=lambda row: row[0].encode())


def is_amount(text):
    return bool(re.fullmatch(r"-?\d[\d.]*([eE][+-]?\d{1,2})?", text)) and len(text) <= 100


def report_of_resources(records, lab, limit):
    records = [r for r in records if lab is None or r.lab_type == lab]
    amounts, with_resources, ignored = defaultdict(list), 0, 0
    for r in records:
        used = json.loads(r.resources_used or "null", parse_int=Number, parse_float=Number, object_pairs_hook=Members)
        members = used if isinstance(used, Members) else []
        with_resources += bool(members)
        for name, value in members:
            if isinstance(value, Number) and is_amount(value):
                amounts[as_kept(name)].append(Decimal(value))
            else:
                ignored += 1
    shown = []
    for name in sorted(amounts, key=str.encode):
        values = sorted(amounts[name])
        shown.append({"name": name, "count": len(values), "min": values[0], "p50": nearest_rank(values, 50),
                      "p95": nearest_rank(values, 95), "max": values[-1],
                      "average": float(sum(values)) / len(values), "sum": sum(values)})  # fmt: skip
    return len(records), with_resources, shown[:limit], max(len(shown) - limit, 0), ignored


class Number(str):
    """A number of JSON, as it is written."""


class Members(list):
    """An object's members; names can repeat."""
