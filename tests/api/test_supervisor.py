"""A service manager that asks for it is told when the service is ready and when it stops (sd_notify(3))."""

import signal
import socket
import uuid

import pytest

from harness import exchange
from harness.daemon import SERVICES
from harness.wait import until

WAIT = 30  # seconds


@pytest.fixture(params=["path", "abstract"])
def told(request, tmp_path):
    """A socket that a service manager would listen on, and its name as NOTIFY_SOCKET has it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@{uuid.uuid4()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name.replace("@", "\0", 1) if name[0] == "@" else name)
        listener.settimeout(WAIT)
        yield listener, name


@pytest.mark.parametrize("service", SERVICES)
def test_it_is_told_once_the_service_is_ready(told, postgres, start_daemon, service):
    listener, name = told
    daemon = start_daemon(service, DATABASE_URL=postgres.url(postgres.create_database()), NOTIFY_SOCKET=name)
    assert listener.recv(100) == b"READY=1"
    assert exchange.request(daemon.url, "GET", "/readyz").status == 200


def test_it_is_not_told_while_the_database_is_away(told, own_postgres, start_daemon):
    listener, name = told
    url = own_postgres.url(own_postgres.create_database())
    own_postgres.stop()
    daemon = start_daemon(DATABASE_URL=url, NOTIFY_SOCKET=name)
    until(lambda: exchange.request(daemon.url, "GET", "/readyz").status == 503, "an answer of 503")
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.recv(100)
    listener.settimeout(WAIT)
    own_postgres.start()
    assert listener.recv(100) == b"READY=1"


def test_it_is_told_how_long_the_end_may_take(told, postgres, start_daemon):
    listener, name = told
    url = postgres.url(postgres.create_database())
    daemon = start_daemon(DATABASE_URL=url, NOTIFY_SOCKET=name, SHUTDOWN_TIMEOUT_MS="60000")
    assert listener.recv(100) == b"READY=1"
    daemon.signal(signal.SIGTERM)
    assert listener.recv(100) == b"STOPPING=1\nEXTEND_TIMEOUT_USEC=65000000"
    assert daemon.wait() == 0
