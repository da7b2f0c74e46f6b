"""Memory has bounds: idle, with many connections, and after many requests (`MEMORY_REQUESTS` of them)."""

import os
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from harness.daemon import VARIANT, WRAPPER
from harness.wait import until
from harness.wire import Wire

KIB = 1024
MIB = 1024 * KIB
REQUESTS = int(os.environ.get("MEMORY_REQUESTS", "12000"))

pytestmark = pytest.mark.skipif(
    VARIANT != "release" or bool(WRAPPER), reason="sanitizers keep what was freed"
)


def private(daemon) -> int:
    """What is the process's own, which its end would free."""
    rollup = Path(f"/proc/{daemon.pid}/smaps_rollup").read_text()
    return KIB * sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_"))


def ask(connection: HTTPConnection, count: int) -> None:
    for n in range(count):
        connection.request("GET", ("/users/nope", "/users/?limit=x", "/")[n % 3])
        connection.getresponse().read()


@pytest.fixture
def daemon(fresh):
    return fresh(WORKERS="2")


def test_an_idle_service_has_less_than_8_mib_of_its_own(daemon):
    assert private(daemon) < 8 * MIB


def test_with_a_thousand_idle_connections_it_has_less_than_16_mib(daemon):
    wires = [Wire(daemon.url) for _ in range(1000)]
    for wire in wires:
        wire.request("GET", "/users/nope")
    for wire in wires:
        assert wire.answer().status == 404
    until(lambda: private(daemon) < 16 * MIB, "idle connections to give their memory back")
    for wire in wires:
        wire.close()


def test_many_requests_take_no_more_than_some(daemon):
    where = urlsplit(daemon.url)
    connection = HTTPConnection(where.hostname, where.port, timeout=30)
    ask(connection, REQUESTS // 5)
    before = private(daemon)
    ask(connection, REQUESTS - REQUESTS // 5)
    print(REQUESTS, "requests:", private(daemon) - before, "bytes more than after a fifth of them")
    assert private(daemon) <= before + MIB


def test_large_bodies_leave_no_memory_behind(fresh):
    """What is freed may leave a page here and there, once: a leak comes with every round."""
    daemon = fresh(WORKERS="1").settled()
    body = b'{"username":"' + b"x" * (MIB - 100) + b'"}'
    held = []
    with daemon.client() as client:
        for _ in range(6):
            for _ in range(20):
                assert client.post("/users/", content=body).status_code == 422
            held.append(private(daemon))
    more = [after - before for before, after in zip(held, held[1:])]
    assert min(more) < MIB // 4, more
