"""A day of the platform, over three ports: what is written through one service is visible through the others."""

import pytest

from harness.program import run
from harness.samples import (
    attempt_body,
    created,
    detail,
    event_body,
    lab_body,
    new_event,
    new_lab,
    new_record,
    record_body,
    user_body,
)

PORTS = ("user-progress", "performance-reporting", "usage-analytics")


@pytest.fixture(scope="module")
def clients(api, performance, usage) -> dict:
    return dict(zip(PORTS, (api, performance, usage)))


@pytest.mark.parametrize("port", PORTS)
def test_the_work_of_a_user_in_a_lab_is_in_every_report(clients, api, performance, usage, port):
    user = created(clients[port].post("/users/", json=user_body(full_name="Ada L")))
    lab = created(clients[port].post("/labs/", json=lab_body()))
    session = {"session_id": "test-session-1"}

    started = new_event(usage, user, lab, "start", event_data=session)
    attempt = created(api.post("/progress/lab-attempt", json=attempt_body(user, lab)))
    record = new_record(performance, user, lab, errors=["permission_denied"], resources_used={"cpu": 5})
    completed = new_event(usage, user, lab, "complete", event_data={**session, "time_spent": 320})

    assert [a["id"] for a in api.get(f"/progress/{user['id']}").json()] == [attempt["id"]]
    stats = api.get(f"/progress/stats/{user['id']}").json()
    assert (stats["total_attempts"], stats["success_rate"]) == (1, 1.0)
    assert performance.get(f"/performance/lab/{lab['lab_type']}").json() == {
        "lab_type": lab["lab_type"],
        "lab_name": lab["name"],
        "total_attempts": 1,
        "unique_users": 1,
        "success_rate": 1.0,
        "avg_completion_time": 295.0,
        "common_errors": ["permission_denied"],
        "total_users": 1,
    }
    assert performance.get(f"/performance/user/{user['id']}").json() == {
        "user_id": user["id"],
        "username": user["username"],
        "performance_by_lab": {
            lab["lab_type"]: {
                "lab_name": lab["name"],
                "lab_description": lab["description"],
                "lab_difficulty": lab["difficulty"],
                "attempts": 1,
                "success_rate": 1.0,
                "avg_completion_time": 295.0,
                "total_time_spent": 295,
                "last_attempt": record["timestamp"].replace("Z", "+00:00"),
            }
        },
    }
    report = usage.get(f"/analytics/usage/lab/{lab['lab_type']}").json()
    assert 0 < report.pop("average_session_time_seconds") < 600
    assert report == {
        "lab_type": lab["lab_type"],
        "time_period_days": 7,
        "unique_users": 1,
        "total_events": 2,
        "event_distribution": {"start": 1, "complete": 1},
    }
    assert usage.get("/analytics/trends").json()["lab_usage"][lab["lab_type"]] == {
        "total_events": 2,
        "unique_users": 1,
        "errors": 0,
    }

    assert clients[port].delete(f"/users/{user['id']}").status_code == 200
    for refused in (
        api.get(f"/progress/{user['id']}"),
        api.get(f"/progress/stats/{user['id']}"),
        api.post("/progress/lab-attempt", json=attempt_body(user, lab)),
        api.put(f"/progress/lab-attempt/{attempt['id']}", json=attempt_body(user, lab)),
        performance.post("/performance/record", json=record_body(user, lab)),
        performance.put(f"/performance/record/{record['id']}", json=record_body(user, lab)),
        performance.get(f"/performance/user/{user['id']}"),
        usage.post("/analytics/event", json=event_body(user, lab)),
        usage.put(f"/analytics/event/{started['id']}", json=event_body(user, lab)),
        *(client.get(f"/users/{user['id']}") for client in clients.values()),
    ):
        assert (refused.status_code, detail(refused)) == (404, "User not found"), refused.request.url

    assert performance.get(f"/performance/lab/{lab['lab_type']}").json()["total_attempts"] == 1
    assert usage.get(f"/analytics/usage/lab/{lab['lab_type']}").json()["total_events"] == 2
    for gone in (
        api.delete(f"/progress/lab-attempt/{attempt['id']}"),
        performance.delete(f"/performance/record/{record['id']}"),
        usage.delete(f"/analytics/event/{completed['id']}"),
    ):
        assert gone.status_code == 200, gone.text


def test_a_lab_that_is_deleted_is_refused_by_every_service_and_its_history_stays(api, performance, usage):
    user, lab = created(api.post("/users/", json=user_body())), new_lab(api)
    new_record(performance, user, lab)
    new_event(usage, user, lab)
    assert usage.delete(f"/labs/{lab['id']}").status_code == 200
    for refused in (
        performance.post("/performance/record", json=record_body(user, lab)),
        performance.get(f"/performance/lab/{lab['lab_type']}"),
        usage.post("/analytics/event", json=event_body(user, lab)),
        usage.get(f"/analytics/usage/lab/{lab['lab_type']}"),
    ):
        assert (refused.status_code, detail(refused)) == (404, "Lab type not found")
    assert usage.get("/analytics/trends").json()["lab_usage"][lab["lab_type"]]["total_events"] == 1
    report = performance.get(f"/performance/user/{user['id']}").json()["performance_by_lab"][lab["lab_type"]]
    shown = [report[f"lab_{part}"] for part in ("name", "description", "difficulty")]
    assert shown == [lab["lab_type"], "No description available", "unknown"]


def test_the_documented_program_does_what_it_says(services):
    said = dict(line.split(": ") for line in run(services, "docs/workflow.py").splitlines())
    assert said == {
        "stored at first": "3",
        "stored again": "0",
        "events": "['start', 'error', 'complete']",
        "attempts": "1",
        "success rate": "1.0",
        "sessions of": "295.0 s on average",
    }
