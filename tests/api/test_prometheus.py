"""What is in deploy/ for Prometheus and Grafana, with a real Prometheus that scrapes all three services."""

import json
import re
import subprocess

import pytest
import yaml

from harness import exchange
from harness.daemon import SERVICES
from harness.postgres import ROOT
from harness.prometheus import CONFIGURATION, Prometheus
from harness.samples import attempt_body, new_lab, new_user, token
from harness.wait import until

DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/virtual-labs.json").read_text())
ALERTS = [
    rule
    for group in yaml.safe_load((CONFIGURATION / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
RULE_TESTS = ROOT / "tests/api/alerts.yml"
WINDOW = "10m"  # that rates are taken over: longer than these tests run


def queries() -> list[tuple[str, str]]:
    """Title and expression of everything that the dashboard draws, for every job."""
    return [
        (panel["title"], target["expr"].replace("$__rate_interval", WINDOW).replace("$job", ".+"))
        for panel in DASHBOARD["panels"]
        for target in panel.get("targets", [])
    ]


def names(expression: str) -> set[str]:
    """The metrics of an expression: what is no function, label, value or grouping."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(by|without) *\([^)]*\)', " ", expression)
    return set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b(?! *\()|\bup\b", bare))


@pytest.fixture(scope="module")
def prometheus(services, api, tmp_path_factory):
    """It has seen each service do each kind of its work."""
    with Prometheus(tmp_path_factory.mktemp("prometheus"), services) as server:
        until(lambda: len(server.query("up == 1")) == len(SERVICES), "every service to be scraped", 60)
        user, lab = new_user(api), new_lab(api)
        new_attempt = attempt_body(user, lab)
        event = {"user_id": user["id"], "lab_type": lab["lab_type"], "event_type": "start"}
        key = {"Idempotency-Key": token()}
        recorded = 'sum(http_requests_total{route="/analytics/event",status="200"})'
        before = server.value(recorded) or 0
        for _ in range(2):
            api.post("/progress/lab-attempt", json=new_attempt, headers=key)
            api.get("/users/")
            api.put(f"/labs/{lab['id']}", json=lab)
            answer = exchange.request(
                services["usage-analytics"],
                "POST",
                "/analytics/event",
                {"Content-Type": "application/json"},
                json.dumps(event).encode(),
            )
            assert answer.status == 200, answer.text
        until(lambda: (server.value(recorded) or 0) >= before + 2, "the last work", 60)
        yield server


def test_the_configuration_and_its_rules_are_valid():
    checked = subprocess.run(
        ["promtool", "check", "config", "prometheus.yml"],
        cwd=CONFIGURATION,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert checked.returncode == 0 and f"{len(ALERTS)} rules found" in checked.stdout, checked.stderr


def test_every_alert_fires_at_what_it_is_for_and_at_nothing_else():
    cases = [case for test in yaml.safe_load(RULE_TESTS.read_text())["tests"] for case in test["alert_rule_test"]]
    for fires in (True, False):
        told = {case["alertname"] for case in cases if bool(case["exp_alerts"]) is fires}
        assert told == {alert["alert"] for alert in ALERTS}
    tested = subprocess.run(["promtool", "test", "rules", RULE_TESTS], capture_output=True, text=True, timeout=60)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_service_is_scraped_under_its_name(prometheus):
    assert set(prometheus.query("sum by (job) (up) == 1")) == {(("job", service),) for service in SERVICES}
    for target in prometheus.ask("targets")["activeTargets"]:
        assert (target["health"], target["lastError"]) == ("up", "")


def test_it_counts_the_requests_that_were_made(prometheus, user_progress):
    path, counter = "/users/{user_id}", 'sum(http_requests_total{%s,job="user-progress",status="404"})'
    expression = counter % f'route="{path}",method="GET"'
    before = prometheus.value(expression) or 0
    for _ in range(7):
        assert exchange.request(user_progress, "GET", f"/users/{token()}").status == 404
    until(lambda: (prometheus.value(expression) or 0) >= before + 7, "the requests to be scraped", 60)
    assert prometheus.value(expression) == before + 7


@pytest.mark.parametrize(("title", "expression"), queries())
def test_every_panel_of_the_dashboard_has_something_to_show(prometheus, title, expression):
    assert prometheus.query(expression), (title, expression)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_uses_metrics_that_exist(prometheus, alert):
    prometheus.query(alert["expr"])
    assert names(alert["expr"])
    for name in names(alert["expr"]):
        assert prometheus.value(f"count({name})"), name


def test_the_dashboard_shows_every_metric_of_the_services(prometheus):
    drawn = {re.sub("_(bucket|sum|count)$", "", name) for _, expr in queries() for name in names(expr)}
    told = {
        re.sub("_(bucket|sum|count)$", "", name)
        for name in prometheus.ask("label/__name__/values")
        if not name.startswith(("scrape_", "ALERTS"))
    }
    constants = {"service_build_info", "service_workers", "process_max_fds", "process_virtual_memory_bytes"}
    assert told - drawn == constants
