"""A day of the platform, in Python with httpx: the tour of docs/examples.md as a program to copy from.

It writes through all three services, sends what was not answered again without storing anything twice, reads a list to its
end and an export without taking a cut one for whole. The addresses come from the environment, as `make env` prints them.
"""

import json
import os
import random
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import httpx

PROGRESS = os.environ.get("USER_PROGRESS_URL", "http://localhost:8004")
PERFORMANCE = os.environ.get("PERFORMANCE_REPORTING_URL", "http://localhost:8005")
ANALYTICS = os.environ.get("USAGE_ANALYTICS_URL", "http://localhost:8006")
TRIES = 6


def good(answer: httpx.Response) -> httpx.Response:
    """The answer, or an exception with what the service says."""
    if answer.is_error:
        raise RuntimeError(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}")
    return answer


def send(client: httpx.Client, url: str, items: list[dict]) -> dict:
    """Stores items, each with a client_id: after a 503 or without an answer the same body is sent again, with longer and
    longer pauses. What a person has to correct comes back as `failed`."""
    for n in range(TRIES):
        try:
            answer = client.post(url, json=items, params={"items": "failed"})
            if answer.status_code != 503:
                break
            pause = float(answer.headers.get("Retry-After", 1))
        except httpx.TransportError:
            pause = 1
        time.sleep(random.uniform(0, pause * 2**n))
    else:
        raise RuntimeError(f"{url} did not store the items in {TRIES} tries")
    if answer.status_code not in (200, 207, 422):
        good(answer)
    return answer.json()


def items_of(client: httpx.Client, url: str, **filters) -> Iterator[dict]:
    """All items of a list, page by page."""
    query = {**filters, "limit": 1000}
    while True:
        page = good(client.get(url, params=query)).json()
        yield from page["items"]
        if page["next"] is None:
            return
        query["cursor"] = page["next"]


def export_of(client: httpx.Client, url: str, **filters) -> Iterator[dict]:
    """All rows of an export. httpx raises RemoteProtocolError if it was cut; its last line is checked as well."""
    with client.stream("GET", url, params={**filters, "end": "line"}) as answer:
        if answer.is_error:
            answer.read()
        good(answer)
        rows = 0
        for line in answer.iter_lines():
            row = json.loads(line)
            if row.get("end") is True:
                assert row["rows"] == rows, "the export is not whole"
                return
            rows += 1
            yield row
    raise RuntimeError("the export has no last line")


def main() -> None:
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"} if os.environ.get("TOKEN") else {}
    with httpx.Client(headers=headers, timeout=30) as client:
        name = f"ada-{uuid.uuid4().hex[:8]}"
        lab_type = f"filesystem-{uuid.uuid4().hex[:8]}"
        user = good(client.post(f"{PROGRESS}/users/", json={"username": name, "email": f"{name}@example.com"})).json()
        lab = {"name": lab_type, "lab_type": lab_type, "description": "Files", "difficulty": "beginner"}
        good(client.post(f"{PROGRESS}/labs/", json=lab))
        who = {"user_id": user["id"], "lab_type": lab_type}

        attempt = {**who, "completion_status": True, "time_spent": 295, "errors_encountered": ["permission_denied"]}
        key = {"Idempotency-Key": f"attempt-{name}"}
        good(client.post(f"{PROGRESS}/progress/lab-attempt", json=attempt, headers=key))
        record = {**who, "completion_time": 295, "success": True, "resources_used": {"cpu": 5}}
        good(client.post(f"{PERFORMANCE}/performance/record", json=record))

        begin = datetime.now(timezone.utc) - timedelta(seconds=295)
        steps = {"start": begin, "error": begin + timedelta(seconds=100), "complete": begin + timedelta(seconds=295)}
        events = [
            {
                **who,
                "client_id": f"{name}:{kind}",
                "event_type": kind,
                "event_data": {"session_id": name},
                "timestamp": when.isoformat(),
            }
            for kind, when in steps.items()
        ]
        print("stored at first:", send(client, f"{ANALYTICS}/analytics/events", events)["stored"])
        print("stored again:", send(client, f"{ANALYTICS}/analytics/events", events)["stored"])

        listed = list(items_of(client, f"{ANALYTICS}/analytics/events", lab_type=lab_type, order="id"))
        exported = list(export_of(client, f"{ANALYTICS}/analytics/events/export", lab_type=lab_type))
        assert listed == exported
        print("events:", [event["event_type"] for event in exported])

        stats = good(client.get(f"{PROGRESS}/progress/stats/{user['id']}")).json()
        report = good(client.get(f"{PERFORMANCE}/performance/lab/{lab_type}")).json()
        usage = good(client.get(f"{ANALYTICS}/analytics/usage/lab/{lab_type}")).json()
        print("attempts:", stats["total_attempts"])
        print("success rate:", report["success_rate"])
        print("sessions of:", usage["average_session_time_seconds"], "s on average")


if __name__ == "__main__":
    main()
