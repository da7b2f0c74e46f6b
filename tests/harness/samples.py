"""Users, labs and what users do, to test with: valid bodies under names that nothing else uses."""

import uuid

import httpx


def token() -> str:
    """A name that no other test, and no other run, has."""
    return uuid.uuid4().hex


def user_body(**members) -> dict:
    name = token()
    return {"username": name, "email": f"{name}@example.com", **members}


def lab_body(**members) -> dict:
    name = token()
    return {"name": name, "description": "d", "lab_type": f"type-{name}", "difficulty": "beginner", **members}


def attempt_body(user: dict, lab: dict, **members) -> dict:
    return {
        "user_id": user["id"],
        "lab_type": lab["lab_type"],
        "completion_status": True,
        "time_spent": 300,
        "errors_encountered": [],
        **members,
    }


def record_body(user: dict, lab: dict, **members) -> dict:
    of = {"user_id": user["id"], "lab_type": lab["lab_type"]}
    return {**of, "completion_time": 295, "success": True, **members}


def event_body(user: dict, lab: dict, event_type: str = "start", **members) -> dict:
    return {"user_id": user["id"], "lab_type": lab["lab_type"], "event_type": event_type, **members}


def created(answer: httpx.Response) -> dict:
    assert answer.status_code == 200, answer.text
    return answer.json()


def new_user(api: httpx.Client, **members) -> dict:
    return created(api.post("/users/", json=user_body(**members)))


def new_lab(api: httpx.Client, **members) -> dict:
    return created(api.post("/labs/", json=lab_body(**members)))


def new_attempt(api: httpx.Client, user: dict, lab: dict, **members) -> dict:
    return created(api.post("/progress/lab-attempt", json=attempt_body(user, lab, **members)))


def new_record(performance: httpx.Client, user: dict, lab: dict, **members) -> dict:
    return created(performance.post("/performance/record", json=record_body(user, lab, **members)))


def new_event(usage: httpx.Client, user: dict, lab: dict, event_type: str = "start", **members) -> dict:
    return created(usage.post("/analytics/event", json=event_body(user, lab, event_type, **members)))


def detail(answer: httpx.Response):
    return answer.json()["detail"]


def faults(answer: httpx.Response) -> list[tuple]:
    """Type and place of each fault of a 422."""
    assert answer.status_code == 422, f"{answer.status_code} {answer.text}"
    return [(fault["type"], tuple(fault["loc"])) for fault in detail(answer)]
