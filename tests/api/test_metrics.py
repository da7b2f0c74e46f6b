"""GET /metrics counts what happened."""

import os
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from harness import exchange, metrics
from harness.daemon import PATIENT, SERVICES, WITHOUT_TLS
from harness.samples import attempt_body, lab_body, new_lab, new_user, token, user_body
from harness.wait import until
from harness.wire import Wire

RSS_TOLERANCE = 0.2  # a page of metrics makes a few pages of memory


def requests(url: str) -> Counter:
    return metrics.samples(url).by("http_requests_total", "route", "method", "status")


def difference(before: Counter, after: Counter) -> dict:
    """What was counted meanwhile, less the page that told `before`."""
    grown = after - before
    grown[("/metrics", "GET", "200")] -= 1
    return dict(+grown)


@pytest.mark.parametrize("service", SERVICES)
def test_promtool_finds_no_fault(services, service):
    exchange.request(services[service], "GET", f"/users/{token()}")
    exchange.request(services[service], "BREW", "/nothing/here")
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=metrics.page(services[service]),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


class TestRequests:
    def test_each_is_counted_by_route_method_and_status(self, fresh):
        daemon = fresh()
        before = requests(daemon.url)
        with daemon.client() as api:
            user, lab = new_user(api), new_lab(api)
            for _ in range(3):
                api.get(f"/users/{user['id']}")
            api.head(f"/users/{user['id']}")
            api.get(f"/users/{token()}")
            api.post("/progress/lab-attempt", json=attempt_body(user, lab))
            api.post("/progress/lab-attempt", json={})
            api.get("/users/", params={"limit": "x"})
            api.patch("/users/")
            api.get("/users")
            api.get("/nothing/here")
            api.request("BREW", "/")
        assert difference(before, requests(daemon.url)) == {
            ("/users/", "POST", "200"): 1,
            ("/labs/", "POST", "200"): 1,
            ("/users/{user_id}", "GET", "200"): 3,
            ("/users/{user_id}", "HEAD", "200"): 1,
            ("/users/{user_id}", "GET", "404"): 1,
            ("/progress/lab-attempt", "POST", "200"): 1,
            ("/progress/lab-attempt", "POST", "422"): 1,
            ("/users/", "GET", "422"): 1,
            ("unmatched", "PATCH", "405"): 1,
            ("unmatched", "GET", "307"): 1,
            ("unmatched", "GET", "404"): 1,
            ("unmatched", "OTHER", "405"): 1,
        }

    def test_those_of_all_workers_are_added_up(self, fresh):
        daemon = fresh(WORKERS="3")

        def ask(_):
            return exchange.request(daemon.url, "GET", "/livez").status

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(ask, range(200))) == {200}
        assert requests(daemon.url)[("/livez", "GET", "200")] == 200
        assert metrics.samples(daemon.url).of("service_workers") == 3

    def test_requests_refused_before_routing_count_as_unmatched(self, fresh):
        daemon = fresh()
        before = requests(daemon.url)
        exchange.request(daemon.url, "GET", "/users/" + "x" * 9000)
        with Wire(daemon.url) as wire:
            wire.request("GET", "/", "Host: twice.example")
            assert wire.answer().status == 400
        counted = difference(before, requests(daemon.url))
        assert counted == {("unmatched", "GET", "414"): 1, ("unmatched", "GET", "400"): 1}

    def test_forwarded_ones_have_the_route_that_user_progress_has(self, services):
        url = services["usage-analytics"]
        before = requests(url)
        for _ in range(2):
            exchange.request(url, "GET", f"/users/{token()}")
        assert difference(before, requests(url)) == {("/users/{user_id}", "GET", "404"): 2}

    def test_no_label_holds_anything_of_a_path(self, fresh):
        daemon = fresh()
        secret = token()
        for path in (f"/users/{secret}", f"/{secret}", f"/users/{secret}/", f"/?{secret}"):
            exchange.request(daemon.url, "GET", path)
        exchange.request(daemon.url, secret.upper(), "/")
        assert secret not in metrics.page(daemon.url).lower()

    def test_a_thousand_paths_create_no_more_series_than_one(self, fresh):
        daemon = fresh()
        exchange.request(daemon.url, "GET", "/none/0")
        exchange.request(daemon.url, "GET", "/users/0")
        metrics.page(daemon.url)
        before = len(metrics.samples(daemon.url))
        with daemon.client() as api:
            for n in range(1, 500):
                api.get(f"/none/{n}")
                api.get(f"/users/{n}")
        assert len(metrics.samples(daemon.url)) == before

    def test_histograms_are_cumulative_and_agree_with_the_counters(self, fresh):
        daemon = fresh()
        with daemon.client() as api:
            for _ in range(20):
                new_user(api)
                api.get("/users/")
        samples = metrics.samples(daemon.url)
        name = "http_request_duration_seconds"
        counted = samples.by(f"{name}_count", "route", "method")
        assert counted == samples.by("http_requests_total", "route", "method")
        for route, method in counted:
            buckets = sorted(
                (float(dict(labels)["le"]), value)
                for (n, labels), value in samples.items()
                if n == f"{name}_bucket" and {("route", route), ("method", method)} <= labels
            )
            values = [value for _, value in buckets]
            assert values == sorted(values) and values[-1] == counted[(route, method)]
        spent = samples.of(f"{name}_sum", route="/users/", method="POST")
        assert 0 < spent < 20 * 30


class TestDatabase:
    def test_writes_are_batched_and_committed(self, fresh):
        daemon = fresh(**PATIENT)
        with daemon.client() as api:
            user, lab = new_user(api), new_lab(api)
        before = metrics.samples(daemon.url)

        def attempt(_):
            return httpx.post(f"{daemon.url}/progress/lab-attempt", json=attempt_body(user, lab), **WITHOUT_TLS).status_code

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(attempt, range(100))) == {200}
        after = metrics.samples(daemon.url)

        def grown(name):
            return after.of(name, lane="append") - before.of(name, lane="append")

        assert grown("database_batch_statements_sum") == 100
        assert 1 <= grown("database_batch_statements_count") <= 100
        assert grown("database_commits_total") == grown("database_batch_statements_count")

    def test_a_statement_that_fails_is_counted_by_the_class_of_its_sqlstate(self, fresh, postgres):
        daemon = fresh().settled()
        with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
            cursor.execute("ALTER TABLE labs ADD CHECK (difficulty <> 'forbidden')")
        with daemon.client() as api:
            lab = new_lab(api)
            api.put(f"/labs/{lab['id']}", json=lab_body(difficulty="forbidden"))
        assert metrics.samples(daemon.url).of("database_statement_failures_total", **{"class": "23"}) >= 1

    def test_lost_connections_and_new_ones_are_counted(self, fresh, postgres):
        daemon = fresh(WORKERS="1")
        lanes = 4
        until(
            lambda: metrics.samples(daemon.url).of("database_connections") == lanes,
            "a connection of each kind",
        )
        daemon.settled()
        before = metrics.samples(daemon.url)
        with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = %s AND pid <> pg_backend_pid()",
                [daemon.database],
            )
            ended = cursor.fetchone()[0]
        assert ended >= lanes  # that of the schema's steps may be there as well

        def grown(name):
            return metrics.samples(daemon.url).of(name) - before.of(name)

        until(lambda: grown("database_connections_failed_total") >= lanes, "the losses to be counted")
        until(lambda: grown("database_connections_opened_total") >= lanes, "the connections to be back")

    def test_a_repeated_answer_is_counted(self, fresh):
        daemon = fresh()
        body, key = user_body(), {"Idempotency-Key": token()}
        with daemon.client() as api:
            for _ in range(3):
                assert api.post("/users/", json=body, headers=key).status_code == 200
        assert metrics.samples(daemon.url).of("idempotent_replays_total") == 2


def test_lookups_that_share_a_call_are_fewer_calls(fresh, beside):
    users = fresh(**PATIENT)
    with users.client() as api:
        user, lab = new_user(api), new_lab(api)
    events = beside("usage-analytics", users.url, WORKERS="1", **PATIENT).ready()
    body = {"user_id": user["id"], "lab_type": lab["lab_type"], "event_type": "start"}

    def record(_):
        return httpx.post(f"{events.url}/analytics/event", json=body, **WITHOUT_TLS).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(record, range(100))) == {200}
    samples = metrics.samples(events.url)
    assert samples.of("lookups_total") == 100
    calls = metrics.samples(users.url).of("http_requests_total", route="/lookup")
    assert samples.of("lookup_calls_total", kind="batch") == calls <= 100
    assert samples.of("lookup_failures_total") == 0
    users.kill()
    assert record(0) == 503
    assert metrics.samples(events.url).of("lookup_failures_total") == 1


class TestProcess:
    def test_open_connections_are_those_that_are_open(self, fresh):
        daemon = fresh()

        def connections():
            return metrics.samples(daemon.url).of("http_connections")

        wires = [Wire(daemon.url) for _ in range(20)]
        until(lambda: connections() >= 20, "20 connections to be counted")
        assert connections() <= 20 + 2  # the page's own, and the one before
        for wire in wires:
            wire.close()
        until(lambda: connections() <= 2, "closed connections to be gone")

    def test_a_late_header_is_counted(self, fresh):
        daemon = fresh(HEADER_TIMEOUT_MS="50")
        with Wire(daemon.url) as wire:
            wire.send(b"GET / HTTP/1.1\r\n")
            assert wire.closed()
        assert metrics.samples(daemon.url).of("http_connections_late_total", awaited="header") >= 1

    def test_bytes_of_bodies_are_counted(self, fresh):
        daemon = fresh()
        page = exchange.request(daemon.url, "GET", "/metrics")  # whose own bytes are in the next one
        before = metrics.parse(page.text)
        with daemon.client() as api:
            answer = api.post("/users/", json=user_body())
            api.head("/users/")
        after = metrics.samples(daemon.url)

        def grown(name):
            return after.of(name) - before.of(name)

        assert grown("http_request_body_bytes_total") == len(answer.request.content)
        assert grown("http_response_body_bytes_total") == len(answer.content) + len(page.body)

    def test_memory_and_descriptors_are_those_that_the_kernel_reports(self, fresh):
        daemon = fresh().settled()
        metrics.page(daemon.url)

        def alike() -> metrics.Samples | None:
            """A page as the kernel reports just after it; connections to the database still end after the first seconds."""
            samples = metrics.samples(daemon.url)
            status = dict(line.split(":", 1) for line in Path(f"/proc/{daemon.pid}/status").read_text().splitlines())
            resident = int(status["VmRSS"].split()[0]) * 1024
            descriptors = len(os.listdir(f"/proc/{daemon.pid}/fd"))
            same = samples.of("process_resident_memory_bytes") == pytest.approx(resident, rel=RSS_TOLERANCE)
            return samples if same and samples.of("process_open_fds") == pytest.approx(descriptors, abs=2) else None

        samples = until(alike, "the page to show what the kernel reports")
        assert 0 < samples.of("process_private_memory_bytes") < samples.of("process_virtual_memory_bytes")
        assert samples.of("process_cpu_seconds_total") > 0
