"""The three services, which call each other, on databases of their own; and a person's data in all of them."""

import os
import random
import subprocess
import threading
import time
from contextlib import closing

import httpx

from harness.beside import Beside
from harness.daemon import PATIENT, SERVICES, WITHOUT_TLS, Daemon, Daemons, client, database_of
from harness.ports import free_port
from harness.postgres import Server
from harness.samples import attempt_body, created, event_body, record_body, token, user_body
from harness.tokens import Issuer
from harness.wait import until

SERVICE_TOKEN = "a-token-that-services-share"
TABLES = {  # of the receipt
    "user-progress": ("users", "lab_attempts", "progress_events", "progress_logs", "idempotency_keys"),
    "performance-reporting": ("user_performance", "idempotency_keys"),
    "usage-analytics": ("usage_events", "idempotency_keys"),
}
# Where an erasure is awaited: a second sweep after 2 * 3 s + 1 s + 1 s, the longest time that a request can be under way.
ERASING = {
    "REQUEST_TIMEOUT_MS": "3000",
    "INGEST_TIMEOUT_MS": "3000",
    "LOOKUP_TIMEOUT_MS": "1000",
}


# So many rows of a person in a lab type.
FILL = {
    "user-progress": "INSERT INTO lab_attempts (user_id, lab_type, completion_status, time_spent, errors_encountered,"
    " timestamp) SELECT %s, %s, n %% 3 = 0, n %% 600, '{}', now() - n * interval '1 minute'"
    " FROM generate_series(1, %s) n",
    "performance-reporting": "INSERT INTO user_performance (user_id, lab_type, completion_time, success, errors,"
    " resources_used, timestamp) SELECT %s, %s, n %% 600, n %% 3 = 0, '[\"no_route\"]', '{}',"
    " now() - n * interval '1 minute' FROM generate_series(1, %s) n",
    "usage-analytics": "INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp)"
    " SELECT %s, %s, CASE WHEN n %% 2 = 0 THEN 'start' ELSE 'complete' END, '{}', now() - n * interval '1 minute'"
    " FROM generate_series(1, %s) n",
}


class Trio:
    """`daemons[service]`, `of[service]` a client of it; `start` starts it again where it was.

    With `databases` it serves these, each by the role that only serves (create_owned_database).
    """

    def __init__(
        self, daemons: Daemons, postgres: Server, issuer: Issuer, databases: dict[str, str] | None = None, **settings: str
    ):
        ports = {service: str(free_port()) for service in SERVICES}
        urls = {service: f"http://127.0.0.1:{port}" for service, port in ports.items()}
        self.started, self.postgres, self.issuer = daemons, postgres, issuer
        self.databases = databases or {service: database_of(service, postgres) for service in SERVICES}
        self.role = "role" if databases else ""
        self.settings = {
            service: {
                "PORT": ports[service],
                "USER_PROGRESS_SERVICE_URL": urls["user-progress"],
                "PERFORMANCE_REPORTING_SERVICE_URL": urls["performance-reporting"],
                "USAGE_ANALYTICS_SERVICE_URL": urls["usage-analytics"],
                "SERVICE_TOKEN": SERVICE_TOKEN,
                **issuer.settings,
                **PATIENT,
                "WORKERS": "1",
                **settings,
            }
            for service in SERVICES
        }
        self.of = {service: client(url) for service, url in urls.items()}
        self.daemons: dict[str, Daemon] = {}

    def start(self, service: str, **settings: str) -> Daemon:
        url = self.postgres.url(self.databases[service], self.role)
        of_service = {**self.settings[service], "DATABASE_URL": url, **settings}
        given = {name: value for name, value in of_service.items() if value is not None}
        self.daemons[service] = self.started.start(service, **given)
        return self.daemons[service]

    def start_all(self) -> "Trio":
        for service in SERVICES:
            self.start(service)
        for daemon in self.daemons.values():
            daemon.settled()
        return self

    def bearer(self, sub: str = "dpo@example.com", scope: str = "privacy") -> dict:
        return self.issuer.bearer(sub, scope=scope)

    def erase(self, user_id: str, query: str = "", **bearer) -> httpx.Response:
        return self.of["user-progress"].post(
            f"/privacy/erasures{query}", json={"user_id": user_id}, headers=self.bearer(**bearer)
        )

    def erasure(self, erasure_id: str) -> dict:
        answer = self.of["user-progress"].get(f"/privacy/erasures/{erasure_id}", headers=self.bearer())
        assert answer.status_code == 200, answer.text
        return answer.json()

    def begin(self, user_id: str) -> str:
        answer = self.erase(user_id)
        assert answer.status_code == 202, answer.text
        assert answer.headers["location"] == f"/privacy/erasures/{answer.json()['erasure_id']}"
        return answer.json()["erasure_id"]

    def becomes(self, erasure_id: str, status: str = "complete", seconds: float = 60) -> dict:
        """Waits until the erasure has that status; whoever is away meanwhile gives no answer."""

        def reached() -> dict | None:
            try:
                shown = self.erasure(erasure_id)
            except (httpx.HTTPError, AssertionError):
                return None
            return shown if shown["status"] == status else None

        return until(reached, f"the erasure to be {status}", seconds)

    def rows(self, service: str, query: str, *values) -> list[tuple]:
        with closing(self.postgres.connect(self.databases[service])) as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def fill(self, user: dict, lab: dict, rows: int, *services: str) -> None:
        """So many more rows of a person in each of the services, past them."""
        for service in services or SERVICES:
            with closing(self.postgres.connect(self.databases[service])) as connection, connection.cursor() as cursor:
                cursor.execute(FILL[service], (user["id"], lab["lab_type"], rows))

    def dumps(self) -> dict[str, str]:
        """All that the databases contain, as pg_dump writes it."""
        return {
            service: subprocess.run(
                ["pg_dump", "--data-only", self.postgres.url(name)], check=True, capture_output=True, text=True
            ).stdout
            for service, name in self.databases.items()
        }

    def lines_about(self, *names: str) -> list[str]:
        return [
            f"{service}: {line}"
            for service, dump in self.dumps().items()
            for line in dump.splitlines()
            if any(name in line for name in names)
        ]

    def close(self) -> None:
        for of in self.of.values():
            of.close()


def person_with_data(trio: Trio, lab: dict, rows: int = 20) -> tuple[dict, dict]:
    """A new user with so many rows of each kind, and what a receipt says about that."""
    progress, performance, usage = (trio.of[service] for service in SERVICES)
    user = created(progress.post("/users/", json=user_body(), headers={"Idempotency-Key": token()}))
    sessions = [f"s{i}" for i in range(rows)]
    attempts = [attempt_body(user, lab, completion_status=i % 3 == 0) for i in range(rows)]
    records = [record_body(user, lab, success=i % 3 == 0, errors=["no_route"]) for i in range(rows)]
    events = [
        event_body(user, lab, kind, event_data={"session_id": session})
        for session in sessions
        for kind in ("start", "complete")
    ]
    for of, path, items in (
        (progress, "/attempts", attempts),
        (performance, "/performance/records", records),
        (usage, "/analytics/events", events),
    ):
        answer = of.post(path, json=items)
        assert answer.json()["stored"] == len(items), answer.text
    key = {"Idempotency-Key": token()}
    created(progress.post("/progress/lab-attempt", json=attempts[0], headers=key))
    created(performance.post("/performance/record", json=records[0], headers=key))
    created(usage.post("/analytics/event", json=events[0], headers=key))
    bearer = trio.bearer(user["id"])
    for i in range(3):
        entry = progress.post("/api/progress/log", json={"user_id": user["id"], "step": i}, headers=bearer).json()["id"]
        progress.put(f"/api/progress/log/{entry}", json={"step": i + 10}, headers=bearer)
    progress.delete(f"/api/progress/log/{entry}", headers=bearer)
    return user, {
        "user-progress": {
            "users": 1,
            "lab_attempts": rows + 1,
            "progress_events": 7,
            "progress_logs": 3,
            "idempotency_keys": 2,
        },
        "performance-reporting": {"user_performance": rows + 1, "idempotency_keys": 1},
        "usage-analytics": {"usage_events": 2 * rows + 1, "idempotency_keys": 1},
    }


class Writer(Beside):
    """Posts for a user on all three services without pause, singly and in batches, from a thread per service."""

    def __init__(self, trio: Trio, user: dict, lab: dict):
        super().__init__()
        self.stored = dict.fromkeys(SERVICES, 0)
        self.refused = dict.fromkeys(SERVICES, 0)
        bodies = (attempt_body(user, lab), record_body(user, lab), event_body(user, lab))
        paths = (
            ("/progress/lab-attempt", "/attempts"),
            ("/performance/record", "/performance/records"),
            ("/analytics/event", "/analytics/events"),
        )
        self.threads = [
            threading.Thread(target=self.write, args=(service, str(trio.of[service].base_url), *of, body))
            for service, of, body in zip(SERVICES, paths, bodies)
        ]

    def write(self, service: str, url: str, one: str, many: str, body: dict) -> None:
        with httpx.Client(base_url=url, timeout=10, **WITHOUT_TLS) as client:
            while not self.stopping.is_set():
                for path, content in ((one, body), (many, [body, body])):
                    try:
                        status = client.post(path, json=content).status_code
                    except httpx.HTTPError:
                        time.sleep(0.01)  # the daemon is away
                        continue
                    if status == 200:
                        self.stored[service] += 1
                    elif status in (404, 422):
                        self.refused[service] += 1


def chance(seed_of: str) -> random.Random:
    """Random numbers of a seed that a failed test shows, and that ERASURE_SEED sets."""
    seed = os.environ.get("ERASURE_SEED") or str(random.randrange(2**32))
    print(f"ERASURE_SEED={seed} {seed_of}")
    return random.Random(f"{seed} {seed_of}")
