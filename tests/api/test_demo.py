"""make demo fills services with a term of a course that the reports can be looked at with."""

import re

import pytest

from harness.lists import whole
from harness.program import run

LABS = ("shell", "filesystem", "processes", "network", "containers", "database")


def fill(services: dict[str, str]) -> list[int]:
    """How many users, labs and attempts, records, and events were new."""
    return [int(number) for number in re.findall(r"\d+", run(services, "tools/demo", "--students", "40"))]


@pytest.fixture(scope="module")
def stored(services) -> list[int]:
    return fill(services)


def mine(client, path: str) -> list[dict]:
    return [item for item in whole(client, path, limit=1000) if (item["client_id"] or "").startswith("demo:")]


def test_what_it_says_is_stored(stored, api, performance, usage):
    attempts = mine(api, "/attempts")
    assert stored[0] == 40 + len(LABS) + len(attempts)
    assert stored[1] == len(mine(performance, "/performance/records")) == len(attempts) > 40
    assert stored[2] == len(mine(usage, "/analytics/events")) > len(attempts)


def test_a_second_run_stores_nothing_twice(stored, services, api):
    before = len(mine(api, "/attempts"))
    again = fill(services)
    assert again[0] == len(mine(api, "/attempts")) - before <= stored[0] // 10


def test_the_hard_lab_is_seen_to_be_hard(stored, performance):
    rates = {lab: performance.get(f"/performance/lab/{lab}").json()["success_rate"] for lab in LABS}
    assert min(rates, key=rates.get) == "network" and rates["shell"] > 2 * rates["network"]
