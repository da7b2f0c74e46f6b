"""SIGTERM: nothing more is accepted, what is in flight is finished, the exit status is 0."""

import json
import signal
import time
from contextlib import closing

from harness import exchange
from harness.load import Load
from harness.postgres import waiting_backends
from harness.samples import token, user_body
from harness.wait import until
from harness.wire import Wire

IN_FLIGHT = 20
PATIENCE = 20  # seconds that an idle service would wait if anything were in flight


def test_requests_in_flight_are_answered_and_their_connections_closed(fresh, postgres):
    daemon = fresh(SHUTDOWN_TIMEOUT_MS="20000", REQUEST_TIMEOUT_MS="20000").settled()
    bodies = [json.dumps(user_body()).encode() for _ in range(IN_FLIGHT)]
    wires = [Wire(daemon.url) for _ in bodies]
    watcher = postgres.connect("postgres")
    with closing(watcher), closing(postgres.connect(daemon.database, autocommit=False)) as connection:
        with connection.cursor() as cursor, watcher.cursor() as watching:
            cursor.execute("LOCK TABLE users")
            for wire, body in zip(wires, bodies):
                wire.request("POST", "/users/", f"Content-Length: {len(body)}", body=body)
            until(lambda: waiting_backends(watching, daemon.database), "a write to wait")
            for _ in range(50):  # every worker has had its turn since
                assert exchange.request(daemon.url, "GET", "/livez").status == 200
            daemon.signal(signal.SIGTERM)
            until(lambda: refuses_connections(daemon.url), "the listener to be gone")
            connection.rollback()
        for wire in wires:
            answer = wire.answer()
            assert answer.status == 200 and answer.headers["connection"].lower() == "close"
            wire.close()
        assert daemon.wait() == 0


def refuses_connections(url: str) -> bool:
    try:
        Wire(url).close()
        return False
    except ConnectionError:  # refused, or reset when the listener closes between the SYN and the accept
        return True


def test_under_load_every_write_is_answered_or_was_never_begun(fresh, postgres, start_daemon):
    daemon = fresh()
    database = daemon.database
    with Load(lambda: daemon.url, writers=16) as load:
        for _ in range(3):
            load.wait_for_more(200)
            daemon.signal(signal.SIGTERM)
            assert daemon.wait() == 0
            daemon = start_daemon(DATABASE_URL=postgres.url(database)).ready()
        load.wait_for_more(100)
    with closing(postgres.connect(database)) as connection:
        load.check(connection)
    assert not load.stored & load.outcomes.unanswered


def test_an_idle_service_ends_at_once_with_connections_open(fresh):
    daemon = fresh(SHUTDOWN_TIMEOUT_MS=str(PATIENCE * 1000))
    with Wire(daemon.url) as idle, Wire(daemon.url) as kept:
        kept.request("GET", "/")
        assert kept.answer().status == 200
        since = time.monotonic()
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert time.monotonic() - since < PATIENCE / 2
        assert kept.closed() and idle.closed()


def test_sigint_ends_it_as_well(fresh):
    daemon = fresh()
    daemon.signal(signal.SIGINT)
    assert daemon.wait() == 0


def test_sighup_does_no_harm(fresh):
    daemon = fresh()
    daemon.signal(signal.SIGHUP)
    assert exchange.request(daemon.url, "GET", f"/users/{token()}").status == 404
