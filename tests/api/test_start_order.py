"""The services start in any order, and each waits for what it needs."""

import itertools
import json
from contextlib import ExitStack

import pytest

from harness import exchange
from harness.daemon import BACK_SECONDS, SERVICES, Daemon
from harness.ports import free_port
from harness.samples import created, event_body, new_lab, new_user, record_body
from harness.wait import until

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def stack(postgres, start_daemon):
    """stack(service): starts it where the others look for it, on a database of its own."""
    ports = {"user-progress": str(free_port())}
    urls = {service: postgres.url(postgres.create_database()) for service in SERVICES}

    def start(service: str) -> Daemon:
        return start_daemon(
            service,
            PORT=ports.get(service, "0"),
            DATABASE_URL=urls[service],
            USER_PROGRESS_SERVICE_URL=f"http://127.0.0.1:{ports['user-progress']}",
        )

    return start


def status(daemon: Daemon, path: str) -> int:
    return exchange.request(daemon.url, "GET", path).status


@pytest.mark.parametrize("order", itertools.permutations(SERVICES), ids=lambda order: ", ".join(order))
def test_started_in_any_order_they_are_ready_and_work(stack, order):
    daemons = {service: stack(service) for service in order}
    for daemon in daemons.values():
        daemon.ready()
    with ExitStack() as clients:
        truth, performance, usage = (clients.enter_context(daemons[s].client()) for s in SERVICES)
        user, lab = new_user(truth), new_lab(truth)
        created(performance.post("/performance/record", json=record_body(user, lab)))
        created(usage.post("/analytics/event", json=event_body(user, lab)))


@pytest.mark.parametrize("service", SERVICES[1:])
def test_without_user_progress_a_service_is_ready_and_says_that_it_does_not_answer(stack, service):
    daemon = stack(service).ready()

    def parts() -> dict[str, str]:
        answer = exchange.request(daemon.url, "GET", "/readyz")
        assert answer.status == 200, answer.text
        return json.loads(answer.body)["parts"]

    assert parts() == {"database": "ok", "user_progress": "unavailable"}
    truth = stack("user-progress").ready()
    until(lambda: parts()["user_progress"] == "ok", "User Progress to be found", BACK_SECONDS + 5)
    truth.kill()
    until(lambda: parts()["user_progress"] == "unavailable", "it to notice", BACK_SECONDS + 5)
    assert status(daemon, "/livez") == 200


def test_the_readiness_of_user_progress_depends_on_no_other_service(stack):
    truth = stack("user-progress").ready()
    answer = exchange.request(truth.url, "GET", "/readyz")
    assert json.loads(answer.body) == {"status": "ok", "parts": {"database": "ok"}}


def test_reports_that_need_nothing_of_user_progress_are_answered_without_it(stack):
    usage = stack("usage-analytics")
    until(lambda: status(usage, "/analytics/trends") == 200, "trends")
    assert status(usage, "/analytics/usage/lab/x") == 503


def test_after_a_restart_of_user_progress_the_first_request_is_served(stack):
    daemons = [stack(service).ready() for service in SERVICES]
    truth, performance, usage = daemons
    with truth.client() as client:
        user, lab = new_user(client), new_lab(client)
    for _ in range(3):
        truth.stop()
        truth = stack("user-progress").ready()
        for daemon, path, body in (
            (performance, "/performance/record", record_body(user, lab)),
            (usage, "/analytics/event", event_body(user, lab)),
        ):
            answer = exchange.request(daemon.url, "POST", path, JSON, json.dumps(body).encode())
            assert answer.status == 200, answer.text
