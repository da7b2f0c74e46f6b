"""Memory has bounds: idle, with many connections, and after many requests."""

from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from harness.daemon import VARIANT, WRAPPER
from harness.wait import until
from harness.wire import Wire

KIB = 1024
MIB = 1024 * KIB

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
    ask(connection, 3000)
    before = private(daemon)
    ask(connection, 9000)
    assert private(daemon) <= before + MIB


def test_large_bodies_leave_no_memory_behind(fresh):
    daemon = fresh(WORKERS="1").settled()  # the first large body that a worker gets takes what it keeps
    body = b'{"username":"' + b"x" * (MIB - 100) + b'"}'
    with daemon.client() as client:
        for _ in range(20):
            assert client.post("/users/", content=body).status_code == 422
        before = private(daemon)
        for _ in range(40):
            client.post("/users/", content=body)
        assert private(daemon) <= before + MIB
