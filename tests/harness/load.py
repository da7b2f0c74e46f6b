"""Writers that continue while services fail, and know afterwards what was acknowledged to them.

Every write carries a token of its own: as the name of a user, or as the error of a lab attempt, which nothing
but the service itself keeps from being there twice.
"""

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Callable
from urllib.parse import urlsplit

from harness.exchange import request
from harness.samples import token
from harness.wait import POLL, until

JSON = {"Content-Type": "application/json"}


@dataclass
class Outcomes:
    """The tokens by what became of them; those of 503 and of a lost connection may be there or not."""

    acknowledged: set = field(default_factory=set)
    refused: set = field(default_factory=set)  # 4xx
    unavailable: set = field(default_factory=set)  # 503
    unanswered: set = field(default_factory=set)
    statuses: Counter = field(default_factory=Counter)

    @property
    def attempted(self) -> set:
        return self.acknowledged | self.refused | self.unavailable | self.unanswered


class Load:
    """Runs in a `with`, writing as `user`; the address is asked for again after a connection was lost."""

    def __init__(self, address: Callable[[], str], writers: int = 8):
        self.address = address
        self.outcomes = Outcomes()
        self.stopping = threading.Event()
        self.lock = threading.Lock()
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
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a writer waits for an answer for ever"

    def body_of(self, name: str, path: str) -> bytes:
        if path == "/users/":
            return json.dumps({"username": name, "email": f"{name}@example.com"}).encode()
        attempt = {
            "user_id": self.user,
            "lab_type": self.lab_type,
            "completion_status": True,
            "time_spent": 1,
        }
        return json.dumps({**attempt, "errors_encountered": [name]}).encode()

    def write_on(self, number: int) -> None:
        path = ("/users/", "/progress/lab-attempt")[number % 2]
        connection = None
        while not self.stopping.is_set():
            if connection is None:
                connection = self.connect()
                continue
            name = f"{self.user}-{token()}"
            try:
                connection.request("POST", path, self.body_of(name, path), JSON)
                answer = connection.getresponse()
                answer.read()
                self.note(name, answer.status)
                if answer.getheader("connection", "").lower() == "close":
                    connection = None
            except (HTTPException, OSError):
                self.note(name, None)
                connection = None

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

    def note(self, name: str, status: int | None) -> None:
        outcomes = self.outcomes
        with self.lock:
            outcomes.statuses[status] += 1
            if status is None:
                outcomes.unanswered.add(name)
            elif status == 200:
                outcomes.acknowledged.add(name)
            elif status == 503:
                outcomes.unavailable.add(name)
            else:
                outcomes.refused.add(name)

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
