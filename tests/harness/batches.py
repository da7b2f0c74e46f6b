"""Batches as tests send them, and what they read from the answers."""

import json

from harness import exchange
from harness.samples import attempt_body, event_body, record_body

JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}
BODIES = {"user-progress": attempt_body, "performance-reporting": record_body, "usage-analytics": event_body}


def body_of(of, user: dict, lab: dict, **members) -> dict:
    return {**BODIES[of.service](user, lab), **members}


def send(url: str, of, items: list, query: str = "", headers: dict | None = None) -> exchange.Answer:
    return exchange.request(url, "POST", of.path + query, {**JSON, **(headers or {})}, json.dumps(items).encode())


def counts(answer: exchange.Answer) -> tuple[int, int, int]:
    body = answer.json()
    assert body["stored"] + body["duplicates"] + body["failed"] == body["received"]
    return body["stored"], body["duplicates"], body["failed"]


def statuses(answer: exchange.Answer) -> list[str]:
    items = answer.json()["items"]
    assert [item["index"] for item in items] == list(range(len(items)))
    return [item["status"] for item in items]


def rows(cursor, of, lab: dict, names: str = "id") -> list[tuple]:
    cursor.execute(f"SELECT {names} FROM {of.table} WHERE lab_type = %s ORDER BY id", [lab["lab_type"]])
    return cursor.fetchall()


def has_index(cursor, of) -> bool:
    """Whether the index of client ids serves."""
    cursor.execute("SELECT coalesce((SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)), false)", [f"{of.table}_client_id"])
    return cursor.fetchone()[0]
