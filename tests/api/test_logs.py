"""The log: a line for each request, nothing private in it, and nothing that waits for its reader."""

import json
import os
import pty
import re
import signal
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from harness import exchange, metrics
from harness.daemon import WITHOUT_TLS, Daemon, database_of
from harness.postgres import waiting_backends
from harness.samples import lab_body, new_lab, new_user, token, user_body
from harness.wait import until
from harness.wire import Wire

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")
LATE_MS = 300  # that a slow request of these tests is held up
AT_ONCE = 5.0  # seconds in which a daemon answers whose log nobody reads


def lines(daemon: Daemon) -> list[dict]:
    """Every line that is complete; each is JSON."""
    text = daemon.log.read_bytes()
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


def of_requests(daemon: Daemon) -> list[dict]:
    return [line for line in lines(daemon) if line["event"] == "request" and line["route"] != "/readyz"]


def logged(daemon: Daemon, count: int) -> list[dict]:
    """The lines of `count` requests: an answer may arrive before its line does, and no line comes after them."""
    until(lambda: len(of_requests(daemon)) >= count, f"{count} lines")
    return of_requests(daemon)


def test_each_request_has_one_line_with_the_id_that_was_answered(fresh):
    daemon = fresh(WORKERS="2")
    with daemon.client() as api:
        answers = [api.get("/"), api.get(f"/users/{token()}"), api.post("/users/", json={}), api.patch("/users/")]
        answers += [api.get("/none"), api.get("/users"), api.head("/"), api.post("/users/", json=user_body())]
        answers += [api.get("/", headers={"X-Request-ID": f"own-{n}.{token()}"}) for n in range(20)]
    assert [(line["request_id"], line["status"]) for line in logged(daemon, len(answers))] == [
        (answer.headers["x-request-id"], answer.status_code) for answer in answers
    ]
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    assert len(of_requests(daemon)) == len(answers)


def test_a_line_has_what_was_requested_and_answered(fresh):
    daemon = fresh()
    with daemon.client() as api:
        user = new_user(api)
        headers = {"traceparent": TRACE, "User-Agent": 'agent "7" \\ é', "X-Request-ID": "an-id"}
        answer = api.get(
            f"/users/{user['id']}", headers={n: v.encode() for n, v in headers.items()}, params={"q": "x"}
        )
        api.head("/nothing")
    line, head = logged(daemon, 3)[1:]
    assert TIME.fullmatch(line.pop("time"))
    assert 0 < line.pop("duration_ms") < 30_000
    assert line == {
        "level": "info",
        "service": "user-progress",
        "event": "request",
        "request_id": "an-id",
        "traceparent": TRACE,
        "method": "GET",
        "route": "/users/{user_id}",
        "user_id": user["id"],
        "status": 200,
        "bytes": len(answer.content),
        "user_agent": 'agent "7" \\ é',
    }
    assert (head["method"], head["route"], head["status"], head["bytes"]) == ("HEAD", "unmatched", 404, 0)


def test_every_line_is_json_whatever_clients_send(fresh):
    daemon = fresh()
    agents = [bytes([byte]) * 3 for byte in range(1, 256) if byte not in b"\r\n"] + [b"x" * 8000, b'"\\' * 500]
    for agent in agents:
        with Wire(daemon.url) as wire:
            wire.request("GET", "/", f"User-Agent: {agent.decode('latin-1')}", f"traceparent: {agent[:9].hex()}")
            assert wire.answer()
    assert len(logged(daemon, len(agents))) == len(agents)


def test_no_address_token_or_password_is_ever_logged(fresh):
    daemon = fresh(LOG_LEVEL="debug")
    name = token()
    address = f"{name}@secret.example.com"
    jwt = f"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ{token()}.{token()}"
    in_path = address.replace("@", "%40")
    headers = {
        "Authorization": f"Bearer {jwt}",
        "User-Agent": f"robot/1 (+mailto:{address}) {jwt}",
        "Cookie": jwt,
        "X-Request-ID": address,
        "traceparent": jwt,
        "Idempotency-Key": address,
    }
    with daemon.client(headers=headers) as api:
        api.post("/users/", json={"username": address, "email": address, "id": address})
        api.post("/users/", json={"username": "other", "email": address})
        user = new_user(httpx.Client(base_url=daemon.url, **WITHOUT_TLS))
        api.put(f"/users/{user['id']}", json={"username": "other", "email": address})
        for path in (in_path, address, jwt, f"{name}%2540secret.example.com"):
            for root in ("/users/", "/labs/type/", "/api/progress/", "/", "/none/"):
                api.get(root + path)
        api.get("/users/", params={"email": address, "access_token": jwt})
    with Wire(daemon.url) as wire:
        wire.request(jwt.split(".")[0], f"/{jwt}", f"X-Request-ID: Bearer{jwt}")
        assert wire.answer()
    logged(daemon, 26)
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    log = daemon.log_text()
    for secret in (name, *jwt.split(".")):
        assert secret not in log


def test_a_level_above_info_leaves_good_requests_out_and_has_the_failed_ones(start_daemon, tmp_path):
    daemon = start_daemon(
        LOG_LEVEL="warning", DATABASE_URL=f"postgresql://x@/x?host={tmp_path}", REQUEST_TIMEOUT_MS="50"
    )
    assert exchange.request(daemon.url, "GET", "/").status == 200
    assert exchange.request(daemon.url, "GET", f"/users/{token()}").status == 503
    line = logged(daemon, 1)[0]
    assert (line["level"], line["status"]) == ("warning", 503)
    assert len(of_requests(daemon)) == 1


def test_a_slow_request_is_logged_with_its_slowest_statement(fresh, postgres):
    daemon = fresh(SLOW_REQUEST_MS=str(LATE_MS))
    watcher, holder = postgres.connect("postgres"), postgres.connect(daemon.database, autocommit=False)
    with daemon.client() as api, closing(watcher), closing(holder):
        lab = new_lab(api)
        with holder.cursor() as cursor, watcher.cursor() as watching:
            cursor.execute("SELECT FROM labs WHERE id = %s FOR UPDATE", [lab["id"]])
            with Wire(daemon.url) as wire:
                body = json.dumps(lab_body()).encode()
                headers = ("X-Request-ID: slow", "Content-Type: application/json", f"Content-Length: {len(body)}")
                wire.request("PUT", f"/labs/{lab['id']}", *headers, body=body)
                until(lambda: waiting_backends(watching, daemon.database), "the update to wait")
                since = time.monotonic()
                until(lambda: time.monotonic() - since > LATE_MS / 1000, "the request to be slow")
                holder.rollback()
                assert wire.answer().status == 200

    def warnings():
        return [line for line in lines(daemon) if line["event"] == "slow request"]

    until(warnings, "the warning")
    (warning,) = warnings()
    assert (warning["level"], warning["request_id"], warning["status"]) == ("warning", "slow", 200)
    assert (warning["route"], warning["statement"]) == ("/labs/{lab_id}", "update_lab")
    assert LATE_MS <= warning["statement_ms"] <= warning["database_ms"] <= warning["duration_ms"]
    assert warning["lookup_ms"] == 0


def test_the_id_and_the_trace_are_sent_to_user_progress(fresh, start_daemon, postgres):
    users = fresh()
    events = start_daemon(
        "usage-analytics",
        DATABASE_URL=postgres.url(database_of("usage-analytics", postgres)),
        USER_PROGRESS_SERVICE_URL=users.url,
    ).ready()
    name = token()
    headers = {"X-Request-ID": f"id-{name}", "traceparent": TRACE}
    body = {"user_id": name, "lab_type": name, "event_type": "start"}
    with events.client(headers=headers) as api:
        assert api.post("/analytics/event", json=body).status_code == 404
        assert api.get(f"/users/{name}").status_code == 404

    def seen(daemon):
        return [
            line["route"]
            for line in of_requests(daemon)
            if (line["request_id"], line.get("traceparent")) == (f"id-{name}", TRACE)
        ]

    until(lambda: seen(users) == ["/lookup", "/users/{user_id}"], "the lines of User Progress")
    until(lambda: seen(events) == ["/analytics/event", "/users/{user_id}"], "its own lines")


def test_sighup_changes_nothing(fresh):
    daemon = fresh()
    for _ in range(3):
        daemon.signal(signal.SIGHUP)
        assert exchange.request(daemon.url, "GET", "/").status == 200
    assert len(logged(daemon, 3)) == 3
    assert [line["event"] for line in lines(daemon)].count("listening") == 1


class TestReaders:
    """What stderr is connected to; a reader of the daemon's log afterwards finds an empty file instead."""

    @pytest.fixture
    def start(self, postgres, tmp_path):
        started = []

        def start(log: Path) -> Daemon:
            daemon = Daemon("user-progress", log, {"DATABASE_URL": postgres.url(postgres.create_database())})
            started.append(daemon.start().ready())
            daemon.log = tmp_path / "empty.log"
            daemon.log.touch()
            return daemon

        yield start
        for daemon in started:
            daemon.stop()

    def test_a_terminal_gets_plain_text(self, start):
        master, slave = pty.openpty()
        daemon = start(Path(os.ttyname(slave)))
        exchange.request(daemon.url, "GET", f"/{token()}", {"User-Agent": "someone"})
        text = ""
        while "unmatched" not in text:
            text += os.read(master, 65536).decode()
        line = next(line for line in text.splitlines() if "unmatched" in line)
        assert re.match(
            TIME.pattern + " info user-progress: request request_id=[0-9a-f]{16} method=GET route=unmatched"
            r" status=404 duration_ms=[\d.]+ bytes=\d+ user_agent=someone$",
            line,
        )

    def test_an_unread_pipe_delays_nothing_and_loses_whole_lines_that_are_counted(
        self, start, tmp_path
    ):
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        daemon = start(pipe)
        asked = 0

        def dropped():
            return metrics.samples(daemon.url).of("log_lines_dropped_total")

        with httpx.Client(base_url=daemon.url, timeout=AT_ONCE, **WITHOUT_TLS) as api:
            while not dropped():
                for _ in range(100):
                    assert api.get("/", headers={"X-Request-ID": f"n-{asked}"}).status_code == 200
                    asked += 1
            text = b""

            def read_on():
                nonlocal text
                try:
                    text += os.read(reader, 1 << 20)
                except BlockingIOError:
                    pass
                return b'"after"' in text

            api.get("/", headers={"X-Request-ID": "before"})
            until(lambda: read_on() or api.get("/", headers={"X-Request-ID": "after"}).is_error, "lines again")
        got = [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]
        numbers = [
            int(line["request_id"][2:])
            for line in got
            if line["event"] == "request" and line["request_id"].startswith("n-")
        ]
        assert numbers == list(range(len(numbers))) and 0 < len(numbers) < asked
        assert asked - len(numbers) <= dropped()
        os.close(reader)


class TestServerTiming:
    NAME = "server-timing"

    def test_it_has_the_time_spent_in_each_part(self, fresh, start_daemon, postgres):
        users = fresh(SERVER_TIMING="on")
        answer = exchange.request(users.url, "GET", f"/users/{token()}")
        values = re.fullmatch(
            r"db;dur=([\d.]+), lookup;dur=([\d.]+), total;dur=([\d.]+)", answer.headers[self.NAME]
        )
        database, lookup, total = map(float, values.groups())
        assert 0 < database <= total and lookup == 0
        records = start_daemon(
            "performance-reporting",
            DATABASE_URL=postgres.url(database_of("performance-reporting", postgres)),
            USER_PROGRESS_SERVICE_URL=users.url,
            SERVER_TIMING="on",
        ).ready()
        answer = exchange.request(records.url, "GET", f"/users/{token()}")
        assert re.match(r"db;dur=0.000, lookup;dur=(?!0\.000)[\d.]+, total", answer.headers[self.NAME])

    def test_it_is_present_for_refused_requests_too(self, fresh):
        daemon = fresh(SERVER_TIMING="on")
        for path in ("/", "/none", "/users/" + "x" * 9000):
            assert self.NAME in exchange.request(daemon.url, "GET", path).headers

    def test_it_is_absent_by_default(self, api):
        assert self.NAME not in api.get("/").headers
