"""Entries of the progress log: what may be in them, and what an update leaves."""

import json
from datetime import datetime, timezone

import pytest

from harness.exchange import difference
from harness.progress_log import entries, history, logged, told
from harness.samples import token

pytestmark = pytest.mark.usefixtures("log")

NO_ENTRY = (404, {"error": "Log entry not found"})
NO_USER = (400, {"message": "Error in validating userid or user does not exist"})


def test_the_original_s_calls_in_their_order(log, user):
    first = {"date": "2025-04-19", "activity": "Filesystem Lab", "percent_complete": 40}
    answer = log.post("/api/progress/log", json={"user_id": user, **first})
    one = answer.json()["id"]
    assert told(answer) == (201, {"message": "Progress logged successfully", "id": one})
    two = logged(log, user, date="2025-04-21", weight_kg=70.5, workout_done=True, calories_burned=300)
    assert entries(log, user) == [
        {"log_id": one, "user_id": user, **first},
        {
            "log_id": two,
            "user_id": user,
            "date": "2025-04-21",
            "weight_kg": 70.5,
            "workout_done": True,
            "calories_burned": 300,
        },
    ]
    answer = log.get(f"/api/progress/summary/{user}")
    expected = {
        "user_id": user,
        "log_count": 2,
        "first_date": "2025-04-19",
        "last_date": "2025-04-21",
        "average_percent_complete": 40.0,
        "average_weight_kg": 70.5,
        "average_calories_burned": 300.0,
    }
    assert difference(expected, answer.json(), {}) is None
    updated = {
        "log_id": one,
        "user_id": user,
        "date": "2025-04-19",
        "activity": "Filesystem Lab",
        "percent_complete": 80,
    }
    answer = log.put(f"/api/progress/log/{one}", json={"percent_complete": 80})
    assert told(answer) == (200, {"message": "Progress log updated", "updated_log": updated})
    answer = log.delete(f"/api/progress/log/{one}")
    assert told(answer) == (200, {"message": "Progress log deleted", "deleted_log_id": one})
    answer = log.delete(f"/api/progress/user/{user}/logs")
    assert told(answer) == (200, {"message": "All progress logs for user deleted", "deleted_log_count": 1})
    answer = log.delete(f"/api/progress/user/{user}/logs")
    assert told(answer) == (404, {"error": "No logs found for the given user_id"})


def test_members_keep_their_order_and_their_digits(log, user):
    sent = '{"b":1.0,"a":40.0,"z":12345678901234567890,"e":1e2,"t":"Ünï\\u0063ode \\" \\n","f":false}'
    answer = log.post("/api/progress/log", content=f'{{"user_id":"{user}","date":"2025-01-31",{sent[1:]}')
    assert answer.status_code == 201, answer.text
    kept = '"b":1.0,"a":40.0,"z":12345678901234567890,"e":1e2,"t":"Ünïcode \\" \\n","f":false'
    shown = f'{{"log_id":{answer.json()["id"]},"user_id":"{user}","date":"2025-01-31",{kept}}}'
    assert log.get(f"/api/progress/{user}").text == f'{{"progress_logs":[{shown}]}}'


def test_an_entry_without_a_date_gets_today(log, user):
    before = datetime.now(timezone.utc).date()
    logged(log, user, n=1)
    assert (
        before
        <= datetime.fromisoformat(entries(log, user)[0]["date"]).date()
        <= datetime.now(timezone.utc).date()
    )


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"date": "2025-04-19"},
        {"n": None},
        {"n": []},
        {"n": {}},
        {"n": 1, "date": "2025-02-29"},
        {"n": 1, "date": "2025-4-1"},
        {"n": 1, "date": "2025-04-31"},
        {"n": 1, "date": "0000-01-01"},
        {"n": 1, "date": 20250419},
        {"n": 1, "date": None},
        {"n": 1, "date": "2025-04-19T00:00:00"},
        {"n": 1, "log_id": 3},
        {"n": "x" * 65537},
        {"n" * 256: 1},
        {f"n{i}": i for i in range(101)},
    ],
)
def test_a_bad_entry_is_refused(log, user, members):
    answer = log.post("/api/progress/log", json={"user_id": user, **members})
    assert answer.status_code == 400 and list(answer.json()) == ["error"], answer.text
    assert entries(log, user) == []


@pytest.mark.parametrize(
    "members",
    [
        {"date": "2024-02-29", "n": 1},
        {"date": "0001-01-01", "n": 1},
        {"date": "9999-12-31", "n": 1},
        {"n": "x" * 65536},
        {"n" * 255: 1},
        {f"n{i}": i for i in range(100)},
        {"": 1},
        {"detail": "x", "id": 3},
    ],
)
def test_a_valid_entry_at_a_limit_is_accepted(log, user, members):
    logged(log, user, **members)
    shown = entries(log, user)[0]
    assert {name: shown[name] for name in members} == members


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"null",
        b'"x"',
        b'{"user_id":7,"n":1}',
        b'{"n":1}',
        b'{"user_id":"\xff","n":1}',
        b'{"user_id":"a","n":NaN}',
        b'{"user_id":"a","n":1e999}',
        b'{"user_id":"a\\u0000","n":1}',
        b'{"user_id":"a","n":' + b"[" * 70 + b"]" * 70 + b"}",
        b'{"user_id":"a","n":' + b"[" * 60 + b"]" * 60 + b"}",
        b'{"user_id":"' + b"u" * 256 + b'","n":1}',
    ],
)
def test_a_body_that_is_not_an_entry_is_refused(log, body):
    answer = log.post("/api/progress/log", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400 and list(answer.json()) == ["error"], answer.text


def test_a_body_of_another_type_is_refused(log, user):
    body = json.dumps({"user_id": user, "n": 1})
    answer = log.post("/api/progress/log", content=body, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 400 and list(answer.json()) == ["error"]
    assert log.post("/api/progress/log", content=body).status_code == 201


def test_an_entry_needs_a_user_that_exists(log, user):
    assert told(log.post("/api/progress/log", json={"user_id": token(), "n": 1})) == NO_USER
    log.delete(f"/users/{user}")
    assert told(log.post("/api/progress/log", json={"user_id": user, "n": 1})) == NO_USER


def test_entries_outlive_their_user(log, user):
    entry = logged(log, user, n=1)
    log.delete(f"/users/{user}")
    assert [e["log_id"] for e in entries(log, user)] == [entry]
    assert log.put(f"/api/progress/log/{entry}", json={"n": 2}).status_code == 200


@pytest.mark.parametrize(
    "entry", ["2147483647", "2147483648", "99999999999999999999", "-1", "0", "1.0", "x", "%20", "+1"]
)
def test_a_missing_entry_is_not_found(log, entry):
    for answer in (
        log.put(f"/api/progress/log/{entry}", json={"n": 1}),
        log.delete(f"/api/progress/log/{entry}"),
        log.get(f"/api/progress/log/{entry}/history"),
        log.post(f"/api/progress/log/{entry}/rollback", json={"version": 1}),
    ):
        assert told(answer) == NO_ENTRY


def test_a_deleted_entry_is_not_found_but_its_history_is(log, user):
    entry = logged(log, user, n=1)
    log.delete(f"/api/progress/log/{entry}")
    assert told(log.delete(f"/api/progress/log/{entry}")) == NO_ENTRY
    assert told(log.put(f"/api/progress/log/{entry}", json={"n": 1})) == NO_ENTRY
    assert [event["type"] for event in history(log, entry)] == ["created", "deleted"]


def test_an_update_sets_adds_and_removes_members(log, user):
    entry = logged(log, user, date="2025-04-19", a=1, b=2, c="x")
    answer = log.put(
        f"/api/progress/log/{entry}", json={"d": True, "b": None, "a": 10, "gone": None, "date": "2025-04-20"}
    )
    assert answer.json()["updated_log"] == {
        "log_id": entry,
        "user_id": user,
        "date": "2025-04-20",
        "a": 10,
        "c": "x",
        "d": True,
    }
    assert list(answer.json()["updated_log"]) == ["log_id", "user_id", "date", "a", "c", "d"]


def test_an_entry_may_be_sent_back_whole(log, user):
    entry = logged(log, user, n=1)
    whole = entries(log, user)[0]
    assert log.put(f"/api/progress/log/{entry}", json={**whole, "n": 2}).json()["updated_log"] == {
        **whole,
        "n": 2,
    }


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"n": None},
        {"date": None},
        {"date": "yesterday"},
        {"n": []},
        {"user_id": "another"},
        {"log_id": 1.5},
        {f"n{i}": i for i in range(100)},
        {f"n{i}": None for i in range(300)},
    ],
)
def test_a_bad_update_is_refused_and_changes_nothing(log, user, change):
    entry = logged(log, user, n=1)
    before = entries(log, user)
    answer = log.put(f"/api/progress/log/{entry}", json=change)
    assert answer.status_code == 400 and list(answer.json()) == ["error"], answer.text
    assert entries(log, user) == before and len(history(log, entry)) == 1
