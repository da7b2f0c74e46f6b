"""The progress log with its users in another service (USER_SVC_BASE_URL)."""

import http.server
import socket
import threading

import pytest

from harness.fake import Fake
from harness.samples import new_user
from harness.tokens import Issuer


class UserService:
    """Answers GET {base}/{user_id} by what `statuses` says; remembers what it was asked."""

    def __init__(self):
        self.statuses: dict[str, int] = {}
        self.asked: list[str] = []
        self.headers: dict[str, str] = {}  # of the last call
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                service.asked.append(self.path)
                service.headers = {name.lower(): value for name, value in self.headers.items()}
                status = service.statuses.get(self.path.rpartition("/")[2], 404)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api/users"

    def end(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def users():
    service = UserService()
    yield service
    service.end()


@pytest.fixture
def log(fresh, users, tmp_path):
    issuer = Issuer(tmp_path)
    with fresh(USER_SVC_BASE_URL=users.url + "/", **issuer.settings).client(
        headers=issuer.bearer()
    ) as client:
        yield client


def logs(log, user: str):
    answer = log.post("/api/progress/log", json={"user_id": user, "n": 1})
    return answer.status_code, answer


def test_a_user_that_the_other_service_has_is_accepted(log, users):
    users.statuses = {"known": 200}
    assert logs(log, "known")[0] == 201
    assert users.asked == ["/api/users/known"]


def test_a_user_that_only_the_own_table_has_is_refused(log, users):
    status, answer = logs(log, new_user(log)["id"])
    assert (status, answer.json()) == (400, {"message": "Error in validating userid or user does not exist"})
    assert len(users.asked) == 1


def test_the_id_is_one_segment_of_the_address(log, users):
    users.statuses = {"a%2Fb%20%3Fc": 200}
    assert logs(log, "a/b ?c")[0] == 201


@pytest.mark.parametrize("user", ["", ".", ".."])
def test_an_id_that_names_no_segment_of_an_address_is_of_no_user(log, users, user):
    users.statuses = {"": 200, ".": 200, "..": 200}
    status, answer = logs(log, user)
    assert (status, answer.json()) == (400, {"message": "Error in validating userid or user does not exist"})
    assert users.asked == []


def test_the_id_and_the_trace_of_the_request_are_sent(log, users):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    log.headers.update({"X-Request-ID": "a-request", "traceparent": trace})
    logs(log, "known")
    assert users.headers["x-request-id"] == "a-request"
    assert users.headers["traceparent"] == trace


@pytest.mark.parametrize("status", [201, 204, 301, 400, 401, 500, 503])
def test_any_other_answer_is_a_failure(log, users, status):
    users.statuses = {"known": status}
    got, answer = logs(log, "known")
    assert got == 503 and answer.headers["retry-after"]
    assert log.get("/api/progress/known").json() == {"progress_logs": []}


def test_a_service_that_is_away_or_silent_causes_no_long_wait(fresh, tmp_path):
    issuer = Issuer(tmp_path)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/api/users"
        settings = {"REQUEST_TIMEOUT_MS": "20000", **issuer.settings}
        with fresh(USER_SVC_BASE_URL=url, **settings).client(headers=issuer.bearer()) as log:
            assert logs(log, "known")[0] == 503
            silent.listen()
            status, answer = logs(log, "known")
            assert status == 503 and answer.elapsed.total_seconds() < 10  # of 20 for the request


def test_the_other_service_has_no_more_time_than_the_request(fresh, tmp_path):
    issuer = Issuer(tmp_path)
    with Fake(lambda line, asked: line.stay_silent()) as fake:
        settings = {"LOOKUP_TIMEOUT_MS": "20000", "REQUEST_TIMEOUT_MS": "500"}
        daemon = fresh(USER_SVC_BASE_URL=fake.url, **settings, **issuer.settings)
        with daemon.client(headers=issuer.bearer()) as log:
            status, answer = logs(log, "known")
            assert status == 503 and answer.elapsed.total_seconds() < 5


def test_the_flags_of_the_original_are_understood(start_daemon, postgres, users, tmp_path):
    issuer = Issuer(tmp_path)
    users.statuses = {"known": 200}
    flags = ("--port", "0", "--user_svc_base_url", users.url)
    daemon = start_daemon(
        "user-progress", *flags, DATABASE_URL=postgres.url(postgres.create_database()), **issuer.settings
    )
    with daemon.ready().client(headers=issuer.bearer()) as log:
        assert logs(log, "known")[0] == 201
