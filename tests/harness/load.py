"""Writers that continue while services fail, and know afterwards what was acknowledged to them.

Every write carries a token of its own: as the name of a user, or as the error of a lab attempt, which nothing
but the service itself keeps from being there twice. An attempt with an Idempotency-Key is sent again until it is
answered, and attempts in one request are acknowledged together.
"""

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Callable
from urllib.parse import urlsplit

from harness.beside import Beside
from harness.exchange import request
from harness.samples import token
from harness.wait import POLL, until

JSON = {"Content-Type": "application/json"}
SINGLE = ("user", "attempt")
ALL_KINDS = (*SINGLE, "keyed attempt", "attempts")
BATCH = 10  # attempts of one request
TRIES = 200  # of a keyed attempt, whose pauses are longer than any restart


@dataclass
class Outcomes:
    """The tokens by what became of them; those of 503 and of a lost connection may be there or not."""

    acknowledged: set = field(default_factory=set)
    refused: set = field(default_factory=set)  # 4xx
    unavailable: set = field(default_factory=set)  # 503
    unanswered: set = field(default_factory=set)
    statuses: Counter = field(default_factory=Counter)
    last: float = field(default_factory=time.monotonic)  # when a write was acknowledged
    silence: float = 0  # seconds, the longest without one

    @property
    def attempted(self) -> set:
        return self.acknowledged | self.refused | self.unavailable | self.unanswered


class Load(Beside):
    """Runs in a `with`, writing as `user`; the address is asked for again after a connection was lost."""

    def __init__(self, address: Callable[[], str], writers: int = 8, kinds: tuple[str, ...] = SINGLE):
        self.address, self.kinds = address, kinds
        self.outcomes = Outcomes()
        super().__init__()
        self.lock = threading.Lock()
        self.connection = threading.local()  # each writer's own
        self.threads = [
            threading.Thread(target=self.write_on, args=(n,), daemon=True) for n in range(writers)
        ]
        self.user, self.lab_type = f"load-{token()[:12]}", f"load-{token()}"

    def __enter__(self) -> "Load":
        user = {"id": self.user, "username": self.user, "email": f"{self.user}@example.com"}
        lab = {"name": self.lab_type, "description": "", "lab_type": self.lab_type, "difficulty": ""}
        for path, body in (("/users/", user), ("/labs/", lab)):
            made = request(self.address(), "POST", path, JSON, json.dumps(body).encode())
            assert made.status == 200, made.text
        return super().__enter__()

    def attempt(self, name: str) -> dict:
        return {
            "user_id": self.user,
            "lab_type": self.lab_type,
            "completion_status": True,
            "time_spent": 1,
            "errors_encountered": [name],
        }

    def request_of(self, kind: str, names: list[str]) -> tuple[str, bytes, dict]:
        """Path, body and headers."""
        if kind == "user":
            body = {"username": names[0], "email": f"{names[0]}@example.com"}
            return "/users/", json.dumps(body).encode(), JSON
        if kind == "attempts":
            return "/attempts", json.dumps([self.attempt(name) for name in names]).encode(), JSON
        headers = {**JSON, "Idempotency-Key": names[0]} if kind == "keyed attempt" else JSON
        return "/progress/lab-attempt", json.dumps(self.attempt(names[0])).encode(), headers

    def write_on(self, number: int) -> None:
        kind = self.kinds[number % len(self.kinds)]
        while not self.stopping.is_set():
            names = [f"{self.user}-{token()}" for _ in range(BATCH if kind == "attempts" else 1)]
            status = self.write(kind, names)
            for _ in range(TRIES if kind == "keyed attempt" else 0):
                if status not in (None, 503) or self.stopping.wait(POLL * 10):
                    break
                status = self.write(kind, names)
            self.note(names, status)

    def write(self, kind: str, names: list[str]) -> int | None:
        """The answer's status; None: the connection was lost. Waits for a connection."""
        path, body, headers = self.request_of(kind, names)
        connection = getattr(self.connection, "open", None)
        while connection is None:
            connection = self.connection.open = self.connect()
            if connection is None and self.stopping.is_set():
                return None
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.getheader("connection", "").lower() == "close":
                self.connection.open = None
            return answer.status
        except (HTTPException, OSError):
            self.connection.open = None
            return None

    def connect(self) -> HTTPConnection | None:
        """A connection, or None after a moment: nothing was attempted then."""
        where = urlsplit(self.address())
        connection = HTTPConnection(where.hostname, where.port, timeout=30)
        try:
            connection.connect()
            return connection
        except OSError:
            self.stopping.wait(POLL)
            return None

    def note(self, names: list[str], status: int | None) -> None:
        outcomes = self.outcomes
        places = {None: outcomes.unanswered, 200: outcomes.acknowledged, 503: outcomes.unavailable}
        with self.lock:
            outcomes.statuses[status] += 1
            places.get(status, outcomes.refused).update(names)
            if status == 200:
                outcomes.silence = max(outcomes.silence, time.monotonic() - outcomes.last)
                outcomes.last = time.monotonic()

    def wait_for_more(self, writes: int) -> None:
        """Waits until so many more writes were acknowledged."""
        wanted = len(self.outcomes.acknowledged) + writes
        until(lambda: len(self.outcomes.acknowledged) >= wanted, f"{writes} more acknowledged writes", 60)

    def check(self, connection) -> None:
        """acknowledged ⊆ database ⊆ attempted, nothing refused is there, nothing is there twice."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT username FROM users WHERE starts_with(username, %s)", [f"{self.user}-"])
            stored = Counter(name for (name,) in cursor.fetchall())
            cursor.execute("SELECT errors_encountered[1] FROM lab_attempts WHERE user_id = %s", [self.user])
            stored += Counter(name for (name,) in cursor.fetchall())
        outcomes = self.outcomes
        assert set(outcomes.statuses) <= {None, 200, 503}, outcomes.statuses
        assert not outcomes.acknowledged - set(stored), "acknowledged writes are lost"
        assert not set(stored) - outcomes.attempted, "there are writes that nobody attempted"
        assert not outcomes.refused & set(stored), "refused writes are there"
        assert not [name for name, count in stored.items() if count > 1], "writes are there twice"
        self.stored = set(stored)
