"""A service that cannot know must not guess: how a failing User Progress affects the other two."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from harness import exchange
from harness.daemon import BUSY_SECONDS
from harness.fake import Asked, Fake, Line, directory
from harness.ports import free_port
from harness.samples import event_body, new_lab, new_user, record_body
from harness.wait import until

JSON = {"Content-Type": "application/json"}
DEADLINE = 1.0  # seconds that a lookup may take in all; the request's own is 3
SOON = DEADLINE / 2  # for what nobody waits for

USER = {"id": "u", "username": "ada"}
LAB = {"lab_type": "t", "name": "Lab", "description": "d", "difficulty": "beginner"}
GOOD = directory({"u": USER}, [LAB])

SERVICES = {
    "performance-reporting": (
        "user_performance",
        [
            ("POST", "/performance/record", record_body(USER, LAB)),
            ("PUT", "/performance/record/1", record_body(USER, LAB)),
            ("GET", "/performance/lab/t", None),
            ("GET", "/performance/user/u", None),
            ("GET", "/users/u", None),
            ("POST", "/labs/", LAB),
        ],
    ),
    "usage-analytics": (
        "usage_events",
        [
            ("POST", "/analytics/event", event_body(USER, LAB)),
            ("PUT", "/analytics/event/1", event_body(USER, LAB)),
            ("GET", "/analytics/usage/lab/t", None),
            ("DELETE", "/users/u", None),
        ],
    ),
}


def ask(url: str, method: str, path: str, body: dict | None) -> tuple[exchange.Answer, float]:
    """The answer and how long it took."""
    began = time.monotonic()
    answer = exchange.request(url, method, path, JSON, json.dumps(body).encode() if body else None)
    return answer, time.monotonic() - began


def quickest(*request) -> float:
    """How long the quickest of three took: a busy machine may delay one of them, but the service would delay
    all."""
    return min(ask(*request)[1] for _ in range(3))


def rows(postgres, database: str, table: str) -> int:
    with closing(postgres.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


def check_refused(postgres, daemons: list, forwarded: bool = True) -> None:
    """All requests, all at once: 503 in time, and nothing written. `forwarded`: users and labs too."""
    asked = [
        (daemon.url, *request)
        for daemon in daemons
        for request in SERVICES[daemon.service][1]
        if forwarded or not request[1].startswith(("/users", "/labs"))
    ]
    with ThreadPoolExecutor(len(asked)) as pool:
        for request, (answer, seconds) in zip(asked, pool.map(lambda request: ask(*request), asked)):
            assert (answer.status, answer.text) == (
                503,
                '{"detail":"User Progress Service unavailable"}',
            ), request
            assert int(answer.headers["retry-after"]) >= 1
            assert seconds < DEADLINE + BUSY_SECONDS, request
    for daemon in daemons:
        assert rows(postgres, daemon.database, SERVICES[daemon.service][0]) == 0
        assert exchange.request(daemon.url, "GET", "/livez").status == 200


# What a lookup is answered with. A 404 or 405 means that there is no /lookup, and the plain GETs come here too.
BAD_ANSWERS = {
    "an error": lambda line: line.answer(500, {"detail": "Internal Server Error"}),
    "unavailable": lambda line: line.answer(503, {"detail": "no"}),
    "not allowed in": lambda line: line.answer(401, {"message": "Invalid token"}),
    "a redirect": lambda line: line.send(b"HTTP/1.1 307 X\r\nLocation: /lookup\r\nContent-Length: 0\r\n\r\n"),
    "no content": lambda line: line.send(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "nothing": lambda line: line.answer(200, b""),
    "no JSON": lambda line: line.answer(200, b"<html>busy</html>", "text/html"),
    "half of it": lambda line: line.answer(200, b'{"users":[{"id":"u"'),
    "invalid UTF-8": lambda line: line.answer(200, b'{"users":["\xff"],"labs":[]}'),
    "a list": lambda line: line.answer(200, []),
    "null": lambda line: line.answer(200, b"null"),
    "no members": lambda line: line.answer(200, {}),
    "objects for lists": lambda line: line.answer(200, {"users": {}, "labs": {}}),
    "numbers for users": lambda line: line.answer(200, {"users": [1], "labs": [1]}),
    "fewer than asked": lambda line: line.answer(200, {"users": [], "labs": []}),
    "more than asked": lambda line: line.answer(200, {"users": [USER] * 600, "labs": [LAB] * 600}),
    "others than asked": lambda line: line.answer(
        200, {"users": [{**USER, "id": "v"}], "labs": [{**LAB, "lab_type": "v"}]}
    ),
    "404 without JSON": lambda line: line.answer(404, b"<html>not here</html>", "text/html"),
    "404 with other JSON": lambda line: line.answer(404, {"error": "no route"}),
    "405 and then errors": lambda line: line.answer(405, {"error": "no"}),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_an_answer_without_information_is_503(postgres, both, name):
    with Fake(lambda line, asked: BAD_ANSWERS[name](line)) as fake:
        check_refused(postgres, both(fake.url), forwarded=False)


@pytest.mark.parametrize(
    "wrong",
    [
        directory({"u": {**USER, "id": "v"}}, [LAB]),
        directory({"u": {"username": "ada"}}, [LAB]),
        lambda asked: {"users": [USER], "labs": [{**LAB, "lab_type": "v"}]},
        lambda asked: {"users": [USER], "labs": [{"name": "Lab"}]},
    ],
    ids=["another user", "a user without an id", "another lab type", "a lab without a type"],
)
def test_an_answer_about_something_else_is_503(postgres, both, wrong):
    with Fake(lambda line, asked: line.answer(200, wrong(asked))) as fake:
        for daemon in both(fake.url):
            table, requests = SERVICES[daemon.service]
            assert [ask(daemon.url, *request)[0].status for request in requests[:2]] == [503, 503]
            assert rows(postgres, daemon.database, table) == 0


def after_headers(line: Line, body: bytes, length: int) -> None:
    line.send(
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode()
    )
    line.send(body)


def endless(line: Line, chunk: bytes) -> None:
    while not line.closing.is_set():
        line.send(chunk)


def good_but_slow(line: Line, asked: Asked) -> None:
    body = json.dumps(GOOD(asked) if asked.path == "/lookup" else USER).encode()
    after_headers(line, b"", len(body))
    line.drip(body, 0.05)


BROKEN_LINES = {
    "is reset": lambda line, asked: line.reset(),
    "is closed": lambda line, asked: line.hang_up(),
    "stays silent": lambda line, asked: line.stay_silent(),
    "drips the header": lambda line, asked: line.drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, 0.02),
    "drips a good body": good_but_slow,
    "only promises": lambda line, asked: line.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 3)
    or line.stay_silent(),
    "ends in the middle": lambda line, asked: after_headers(line, b'{"users":[', 500) or line.hang_up(),
    "sends no HTTP": lambda line, asked: line.send(b"220 mail.example ESMTP\r\n") or line.hang_up(),
    "sends an endless header": lambda line, asked: line.send(b"HTTP/1.1 200 OK\r\n")
    or endless(line, b"X: " + b"y" * 8000 + b"\r\n"),
    "sends an endless body": lambda line, asked: line.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    or endless(line, b" " * 65536),
}


@pytest.mark.parametrize("name", BROKEN_LINES)
def test_a_connection_that_breaks_is_503(postgres, both, name):
    with Fake(BROKEN_LINES[name]) as fake:
        check_refused(postgres, both(fake.url))


def test_a_refused_connection_is_503_at_once(postgres, both):
    daemons = both(f"http://127.0.0.1:{free_port()}")
    check_refused(postgres, daemons)
    assert quickest(daemons[0].url, "GET", "/performance/lab/t", None) < SOON


def test_an_address_that_accepts_no_connection_is_503_within_the_time_to_connect(postgres, both):
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as full:
        crowd = [socket.socket() for _ in range(4)]
        for waiting in crowd:
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        daemons = both(f"http://127.0.0.1:{full.getsockname()[1]}")
        check_refused(postgres, daemons)
        assert quickest(daemons[1].url, "POST", "/analytics/event", event_body(USER, LAB)) < 0.2 + SOON
        for waiting in crowd:
            waiting.close()


def test_a_host_that_has_no_address_is_503(postgres, both):
    check_refused(postgres, both("http://no-such-host.invalid:8000"))


def test_it_continues_as_soon_as_user_progress_does(postgres, both):
    broken = threading.Event()
    broken.set()

    def behave(line: Line, asked: Asked) -> None:
        line.reset() if broken.is_set() else line.answer(200, GOOD(asked))

    with Fake(behave) as fake:
        daemons = both(fake.url)
        check_refused(postgres, daemons, forwarded=False)
        broken.clear()
        for daemon in daemons:
            assert ask(daemon.url, *SERVICES[daemon.service][1][0])[0].status == 200


@pytest.fixture
def real(fresh, both, postgres):
    """A User Progress of the test's own, with a user and a lab, and the two services that ask it."""
    truth = fresh(PORT=str(free_port()))
    with truth.client() as client:
        user, lab = new_user(client, id="u"), new_lab(client, lab_type="t")
    daemons = both(truth.url)
    for daemon in daemons:
        assert ask(daemon.url, *SERVICES[daemon.service][1][2])[0].status == 404  # a connection is kept open
    return truth, daemons, user, lab


def test_a_killed_user_progress_is_503_and_a_restarted_one_is_asked_again(postgres, real):
    truth, daemons, user, lab = real
    truth.kill()
    check_refused(postgres, daemons)
    truth.start().ready()
    for daemon in daemons:
        assert ask(daemon.url, *SERVICES[daemon.service][1][0])[0].status == 200


def test_a_request_waits_for_a_user_progress_that_restarts(postgres, both):
    def behave(line: Line, asked: Asked) -> None:
        line.answer(200, GOOD(asked))
        line.hang_up()

    port = free_port()
    with Fake(behave, port=port) as fake:
        daemons = both(fake.url)
        requests = [(daemon.url, *SERVICES[daemon.service][1][0]) for daemon in daemons]
        assert {ask(*request)[0].status for request in requests} == {200}

    def all_are_answered() -> bool:
        """In one restart: it is waited for a second, which a busy machine may need for more than its end."""
        with ThreadPoolExecutor(len(requests)) as pool:
            answers = [pool.submit(ask, *request) for request in requests]
            time.sleep(0.1)  # nothing tells from outside that their connections were refused
            with Fake(behave, port=port):
                return {answer.result()[0].status for answer in answers} == {200}

    until(all_are_answered, "a restart that no request noticed")


def test_a_stopped_user_progress_is_503_and_a_continued_one_is_asked_again(postgres, real):
    truth, daemons, _, _ = real
    truth.freeze()
    try:
        check_refused(postgres, daemons)
    finally:
        truth.thaw()
    with truth.client() as client:
        until(lambda: client.get("/readyz").status_code == 200, "User Progress to go on")
        other = new_user(client)  # what was forwarded while it stood still may still be done, to the user `u`
    for daemon, body in zip(daemons, (record_body(other, LAB), event_body(other, LAB))):
        assert ask(daemon.url, *SERVICES[daemon.service][1][0][:2], body)[0].status == 200


def test_a_user_deleted_just_before_is_never_found(services, api):
    lab, stop = new_lab(api), threading.Event()
    crowd = new_user(api)

    def keep_asking() -> None:
        while not stop.is_set():
            exchange.request(
                services["usage-analytics"],
                "POST",
                "/analytics/event",
                JSON,
                json.dumps(event_body(crowd, lab)).encode(),
            )

    threads = [threading.Thread(target=keep_asking, daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(40):
            user = new_user(api)
            event = json.dumps(event_body(user, lab)).encode()
            url = services["usage-analytics"]
            assert exchange.request(url, "POST", "/analytics/event", JSON, event).status == 200
            assert api.delete(f"/users/{user['id']}").status_code == 200
            assert exchange.request(url, "POST", "/analytics/event", JSON, event).status == 404
    finally:
        stop.set()
        for thread in threads:
            thread.join()
