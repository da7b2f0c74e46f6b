"""The three lists of what was recorded: their tables, their rows, and how a list is followed to its end."""

import json
import random
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Iterator

import httpx
from psycopg2.extras import Json, execute_values

from harness.daemon import Daemon, Daemons, database_of
from harness.samples import created

EPOCH = datetime(2025, 4, 19, 8, 39, 43, tzinfo=timezone.utc)


@dataclass(frozen=True)
class List:
    """One service's list: where it is, and the table that it shows."""

    service: str
    path: str
    table: str
    special: str  # the member that only this list can be filtered by
    values: tuple  # of that member
    others: dict  # further columns, each with a value

    @property
    def naive(self) -> bool:
        """Whether times are printed without their offset, which is UTC."""
        return self.service == "user-progress"

    def shown(self, time: datetime | None) -> str | None:
        if time is None:
            return None
        text = time.astimezone(timezone.utc).replace(tzinfo=None).isoformat()
        return text if self.naive else f"{text}Z"


LISTS = [
    List("user-progress", "/attempts", "lab_attempts", "completion_status", (True, False),
         {"time_spent": 5, "errors_encountered": ["e", None]}),
    List("performance-reporting", "/performance/records", "user_performance", "success", (True, False),
         {"completion_time": 5, "errors": Json(["e"]), "resources_used": Json({"cpu": 1})}),
    List("usage-analytics", "/analytics/events", "usage_events", "event_type", ("start", "complete", "rare"),
         {"event_data": Json({"session_id": "s"})}),
]  # fmt: skip


def fill(cursor, of: List, count: int, seed: int = 1) -> None:
    """Rows as anybody may have left them: equal times, no time, nulls everywhere, times that do not follow the ids."""
    random_ = random.Random(seed)
    some = lambda *values: random_.choice([*values, None]) if random_.random() < 0.3 else random_.choice(values)
    rows = []
    for n in range(count):
        at = EPOCH + random_.choice(
            [timedelta(seconds=random_.randrange(20)), timedelta(microseconds=random_.randrange(10**13)), timedelta(days=n % 40)]
        )
        rows.append(
            (some("u1", "u2", "", "ü/%?&="), some("l1", "l2", "l3"), some(*of.values), some(at, at), f"c:{seed}.{n}" if n % 3 else None,
             some(at + timedelta(hours=1)), *[some(value) for value in of.others.values()])
        )  # fmt: skip
    names = ("user_id", "lab_type", of.special, "timestamp", "client_id", "received_at", *of.others)
    execute_values(cursor, f"INSERT INTO {of.table} ({', '.join(names)}) VALUES %s", rows)


@contextmanager
def filled(postgres, of: List, user_progress: str, directory, count: int, **settings: str) -> Iterator[Daemon]:
    """The service on a database of its own with so many rows, which only the test writes from then on."""
    with Daemons(directory) as daemons:
        name = database_of(of.service, postgres)
        daemon = daemons.start(
            of.service, DATABASE_URL=postgres.url(name), USER_PROGRESS_SERVICE_URL=user_progress, **settings
        )
        daemon.database = name
        daemon.settled()
        with closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
            fill(cursor, of, count)
        yield daemon


def rows_of(cursor, of: List) -> list[dict]:
    """The table, with times in UTC."""
    names = ["id", "user_id", "lab_type", of.special, "timestamp", "client_id", "received_at", *of.others]
    cursor.execute(f"SELECT {', '.join(names)} FROM {of.table}")
    rows = [dict(zip(names, row)) for row in cursor.fetchall()]
    for row in rows:
        if row["timestamp"] and not row["timestamp"].tzinfo:
            row["timestamp"] = row["timestamp"].replace(tzinfo=timezone.utc)
    return rows


def in_order(rows: list[dict], order: str) -> list[dict]:
    by_time = lambda row: (row["timestamp"] is not None, row["timestamp"] or EPOCH, row["id"])
    if order == "id":
        return sorted(rows, key=lambda row: row["id"])
    return sorted(rows, key=by_time, reverse=order == "-timestamp")


def passes(row: dict, filters: dict) -> bool:
    """What a list's filters mean; `from` and `to` are given as times."""
    bounds = {name: filters[name] for name in ("from", "to") if name in filters}
    if bounds and row["timestamp"] is None:
        return False
    if "from" in bounds and row["timestamp"] < bounds["from"]:
        return False
    if "to" in bounds and row["timestamp"] >= bounds["to"]:
        return False
    return all(row[name] == value for name, value in filters.items() if name not in ("from", "to"))


def as_query(filters: dict) -> dict:
    printed = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in filters.items()}
    return {name: json.dumps(value) if isinstance(value, bool) else value for name, value in printed.items()}


def pages(client: httpx.Client, path: str, **query) -> Iterator[list[dict]]:
    """The pages of a list from the first to the last one."""
    while True:
        answer = client.get(path, params=query)
        page = created(answer)
        assert len(page["items"]) <= int(query.get("limit", 100))
        yield page["items"]
        if page["next"] is None:
            assert "link" not in answer.headers
            return
        assert f"cursor={page['next']}>" in answer.headers["link"]
        query = {**query, "cursor": page["next"]}


def whole(client: httpx.Client, path: str, **query) -> list[dict]:
    return [item for page in pages(client, path, **query) for item in page]
