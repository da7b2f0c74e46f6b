"""What was recorded is shown by its id, on each of the three services."""

from dataclasses import dataclass
from typing import Callable

import pytest

from harness import exchange
from harness.samples import detail, faults, new_attempt, new_event, new_lab, new_record, new_user
from harness.trio import SERVICE_TOKEN

JSON = {"Content-Type": "application/json"}


@dataclass
class Items:
    """How one service's items are made, and where they are shown."""

    service: str
    path: str
    parameter: str
    missing: str
    make: Callable


ALL = [
    Items("user-progress", "/progress/lab-attempt", "attempt_id", "Lab attempt not found", new_attempt),
    Items("performance-reporting", "/performance/record", "performance_id", "Performance record not found", new_record),
    Items("usage-analytics", "/analytics/event", "event_id", "Event not found", new_event),
]  # fmt: skip


@pytest.fixture(params=ALL, ids=lambda items: items.service)
def items(request) -> Items:
    return request.param


@pytest.fixture
def client(items, api, performance, usage):
    return dict(zip((each.service for each in ALL), (api, performance, usage)))[items.service]


def test_an_item_is_shown_as_it_was_answered(items, client, api):
    item = items.make(client, new_user(api), new_lab(api))
    assert client.get(f"{items.path}/{item['id']}").json() == item


def test_a_corrected_item_is_shown_corrected_and_a_deleted_one_is_gone(items, client, api):
    user, lab, other = new_user(api), new_lab(api), new_lab(api)
    item = items.make(client, user, lab)
    path = f"{items.path}/{item['id']}"
    made = {name: item[name] for name in item if name not in ("id", "timestamp")}
    corrected = client.put(path, json={**made, "lab_type": other["lab_type"]})
    assert corrected.json()["lab_type"] == other["lab_type"]
    assert client.get(path).json() == corrected.json()
    assert client.delete(path).status_code == 200
    gone = client.get(path)
    assert (gone.status_code, detail(gone)) == (404, items.missing)


@pytest.mark.parametrize("id_", ["0", "-1", "2147483648", "9223372036854775807", "-9223372036854775808"])
def test_an_unused_id_is_not_found(items, client, id_):
    answer = client.get(f"{items.path}/{id_}")
    assert (answer.status_code, detail(answer)) == (404, items.missing)


def test_an_id_that_is_not_an_integer_is_a_fault(items, client):
    assert faults(client.get(f"{items.path}/x")) == [("int_parsing", ("path", items.parameter))]


def test_a_scoped_token_is_shown_the_items_of_its_own_user_alone(items, beside, user_progress, issuer, api):
    settings = {"AUTH_REQUIRED": "on", "AUTH_SUBJECT_SCOPED": "on", "SERVICE_TOKEN": SERVICE_TOKEN, **issuer.settings}
    daemon = beside(items.service, user_progress, **settings).ready()
    service = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    with daemon.client(headers=service) as client:
        own_table = items.service == "user-progress"
        user, lab = (new_user(client), new_lab(client)) if own_table else (new_user(api), new_lab(api))
        path = f"{items.path}/{items.make(client, user, lab)['id']}"
        own, other = issuer.bearer(user["id"]), issuer.bearer("other")
        any_user = issuer.bearer("other", scope="progress:any")
        assert [client.get(path, headers=headers).status_code for headers in (own, any_user, service)] == [200] * 3
        refused = client.get(path, headers=other)
        assert (refused.status_code, refused.json()) == (403, {"message": "The token does not reach this user"})
        assert client.get(f"{items.path}/0", headers=other).status_code == 404


def test_what_an_item_keeps_as_json_is_shown_byte_for_byte(api, performance, usage, services):
    user, lab = new_user(api), new_lab(api)
    of = f'{{"user_id":"{user["id"]}","lab_type":"{lab["lab_type"]}",'
    for service, path, rest, kept in [
        ("usage-analytics", "/analytics/event", '"event_type":"e","event_data":{ "a":1.0,"a":2 }}', '{ "a":1.0,"a":2 }'),
        ("performance-reporting", "/performance/record",
         '"completion_time":1,"success":true,"resources_used":{"b":1, "a":2}}', '{"b":1, "a":2}'),
    ]:  # fmt: skip
        made = exchange.request(services[service], "POST", path, JSON, (of + rest).encode())
        shown = exchange.request(services[service], "GET", f"{path}/{made.json()['id']}")
        assert shown.body == made.body and kept.encode() in shown.body


def test_an_attempt_whose_lab_is_gone_is_shown_by_its_type(api):
    lab = new_lab(api)
    attempt = new_attempt(api, new_user(api), lab)
    api.delete(f"/labs/{lab['id']}")
    shown = api.get(f"/progress/lab-attempt/{attempt['id']}").json()
    assert (shown["lab_name"], shown["lab_difficulty"]) == (lab["lab_type"], "unknown")
