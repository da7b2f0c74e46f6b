"""make demo fills services with a term of a course that the reports can be looked at with."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from harness.lists import whole
from harness.program import run

# In the last week of a term, and before its end, on whatever day this runs: a Wednesday.
WEEK_AGO = datetime.now(UTC) - timedelta(days=7)
UNTIL = (WEEK_AGO + timedelta(days=2 - WEEK_AGO.weekday())).isoformat()
LABS = ("shell", "filesystem", "processes", "network", "containers", "database")


def fill(services: dict[str, str], *arguments: str) -> list[int]:
    """How many users, labs and attempts, records, and events were new."""
    text = run(services, "tools/demo", "--students", "40", *arguments)
    return [int(number) for number in re.findall(r"\d+", text)[:3]]


@pytest.fixture(scope="module")
def stored(services) -> list[int]:
    return fill(services, "--until", UNTIL)


def mine(client, path: str) -> list[dict]:
    return [item for item in whole(client, path, limit=1000) if (item["client_id"] or "").startswith("demo:")]


def test_what_it_says_is_stored(stored, api, performance, usage):
    attempts = mine(api, "/attempts")
    assert stored[0] == 40 + len(LABS) + len(attempts)
    assert stored[1] == len(mine(performance, "/performance/records")) == len(attempts) > 40
    assert stored[2] == len(mine(usage, "/analytics/events")) > len(attempts)


def test_a_second_run_stores_nothing_twice(stored, services):
    assert fill(services, "--until", UNTIL) == [0, 0, 0]


def test_a_later_run_goes_on_with_the_term_that_is_there(stored, services, api):
    before = len(mine(api, "/attempts"))
    again = fill(services)
    after = mine(api, "/attempts")
    assert again[0] == again[1] == len(after) - before
    assert 0 < again[0] < before // 3
    assert len({attempt["client_id"].split(":")[1] for attempt in after}) == 1


def test_the_hard_lab_is_seen_to_be_hard(stored, performance):
    rates = {lab: performance.get(f"/performance/lab/{lab}").json()["success_rate"] for lab in LABS}
    assert min(rates, key=rates.get) == "network" and rates["shell"] > 2 * rates["network"]
