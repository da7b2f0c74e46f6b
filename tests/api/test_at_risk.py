"""Who is at risk, over HTTP. tests/sql/test_attempt_learners.py holds the list to a recomputation."""

from contextlib import closing
from datetime import datetime, timedelta

import pytest

from harness.lists import whole
from harness.samples import created, faults, new_attempt, new_lab, new_user

PATH = "/attempts/at-risk"
ROWS = """
INSERT INTO users (id, username, created_at)
SELECT 'u' || n, 'user' || n, now() AT TIME ZONE 'UTC' - n * interval '25 hours' FROM generate_series(1, 40) AS n;
INSERT INTO lab_attempts (user_id, lab_type, completion_status, errors_encountered, timestamp)
SELECT 'u' || n, 'lab' || n % 3, k <= n % 4, '{no_route}', now() AT TIME ZONE 'UTC' - (n + 10 - k) * interval '20 hours'
  FROM generate_series(1, 30) AS n, generate_series(1, 4) AS k;
INSERT INTO lab_attempts (user_id, lab_type, completion_status) SELECT 'gone', 'lab0', false FROM generate_series(1, 9);
"""


@pytest.fixture
def daemon(fresh, postgres):
    daemon = fresh().settled()
    with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
        cursor.execute(ROWS)
    return daemon


@pytest.fixture
def client(daemon):
    with daemon.client() as client:
        yield client


def reasons(client, user: dict) -> list[str]:
    items = {item["user_id"]: item for item in whole(client, PATH)}
    return [reason["reason"] for reason in items.get(user["id"], {"reasons": []})["reasons"]]


def test_a_user_is_listed_from_the_last_failure_until_the_lab_is_completed(client):
    user, lab = new_user(client), new_lab(client)
    for count in range(1, 5):
        attempt = new_attempt(client, user, lab, completion_status=False, errors_encountered=[f"e{count}"])
        assert reasons(client, user) == (["failing"] if count >= 3 else [])
    (item,) = [item for item in whole(client, PATH) if item["user_id"] == user["id"]]
    (reason,) = item["reasons"]
    assert (item["username"], item["last_attempt"]) == (user["username"], attempt["timestamp"])
    assert reason.pop("since") < attempt["timestamp"]
    assert reason == {"reason": "failing", "lab_type": lab["lab_type"], "failures_in_a_row": 4, "last_errors": ["e4"]}
    done = new_attempt(client, user, lab, completion_status=True)
    assert reasons(client, user) == []
    assert client.delete(f"/progress/lab-attempt/{done['id']}").status_code == 200
    assert reasons(client, user) == ["failing"]
    assert client.delete(f"/users/{user['id']}").status_code == 200
    assert reasons(client, user) == []


def test_the_answer_repeats_the_rule_and_every_reason_follows_from_it(client):
    answer = created(client.get(PATH, params={"inactive_days": 20, "failures": 2}))
    assert answer["rule"] == {"inactive_days": 20, "failures": 2}
    at = datetime.fromisoformat(answer["at"].removesuffix("Z"))
    assert answer["items"] and answer["next"] is None
    for item in answer["items"]:
        assert item["reasons"]
        for reason in item["reasons"]:
            if reason["reason"] == "failing":
                assert reason["failures_in_a_row"] >= 2
            else:
                days = (at - datetime.fromisoformat(item["last_attempt"])) // timedelta(days=1)
                assert reason["days"] == days >= 20 and reason["unfinished"]
    kinds = {tuple(sorted({r["reason"] for r in item["reasons"]})) for item in answer["items"]}
    assert kinds == {("failing",), ("failing", "inactive")}


def test_who_never_began_is_a_list_of_its_own(client):
    answer = created(client.get(PATH, params={"never": "true", "inactive_days": 33}))
    assert answer["rule"] == {"inactive_days": 33, "never": True}
    assert [item["user_id"] for item in answer["items"]] == [f"u{n}" for n in range(40, 31, -1)]
    for item in answer["items"]:
        days = int(item["user_id"][1:]) * 25 // 24
        assert (item["last_attempt"], item["reasons"]) == (None, [{"reason": "never", "days": days}])


@pytest.mark.parametrize("query", [{}, {"never": "true", "inactive_days": 1}, {"failures": 1, "inactive_days": 1}])
def test_pages_of_any_size_are_the_whole_list(client, query):
    rows = whole(client, PATH, limit=1000, **query)
    assert len(rows) > 5
    for limit in (1, 7):
        assert whole(client, PATH, limit=limit, **query) == rows
    keys = [(-len(item["reasons"]), -max([r.get("failures_in_a_row", 0) for r in item["reasons"]]),
             -max([r.get("days", 0) for r in item["reasons"]]), item["user_id"]) for item in rows]  # fmt: skip
    assert keys == sorted(keys)


def test_all_pages_count_days_from_the_moment_of_the_first(client):
    first = created(client.get(PATH, params={"limit": 1}))
    second = created(client.get(PATH, params={"limit": 1, "cursor": first["next"]}))
    assert first["at"] == second["at"] and first["items"] != second["items"]


def test_a_cursor_belongs_to_its_query_and_any_other_text_is_422(client):
    cursor = created(client.get(PATH, params={"limit": 1}))["next"]
    for other in ({"failures": 2}, {"inactive_days": 8}, {"never": "true"}):
        answer = client.get(PATH, params={"cursor": cursor, **other})
        assert answer.status_code == 422 and "another query" in answer.text
    hash_end, at_end = 2 + 16, 2 + 32
    for bad in ("", "x", cursor[:-1], cursor + "f", cursor + "00", cursor + "ff", "01" + cursor[2:], cursor[:60],
                cursor[:hash_end] + "f" * 16 + cursor[at_end:], cursor[:at_end] + "8" + "0" * 15 + cursor[at_end + 16:]):  # fmt: skip
        assert client.get(PATH, params={"cursor": bad}).status_code == 422, bad
    for good in ("7" + "f" * 15, "f" * 16):
        assert client.get(PATH, params={"cursor": cursor[:at_end] + good + cursor[at_end + 16 :]}).status_code == 200


@pytest.mark.parametrize(
    "name, bad, kind",
    [("inactive_days", "0", "greater_than_equal"), ("inactive_days", "366", "less_than_equal"),
     ("failures", "0", "greater_than_equal"), ("failures", "21", "less_than_equal"), ("failures", "x", "int_parsing"),
     ("limit", "0", "greater_than_equal"), ("limit", "1001", "less_than_equal"), ("never", "perhaps", "bool_parsing")],
)  # fmt: skip
def test_a_parameter_out_of_its_bounds_is_422(client, name, bad, kind):
    assert faults(client.get(PATH, params={name: bad})) == [(kind, ("query", name))]


def test_a_scoped_token_needs_the_scope_for_all(fresh, issuer):
    daemon = fresh(AUTH_REQUIRED="on", AUTH_SUBJECT_SCOPED="on", **issuer.settings)
    with daemon.client() as client:
        for path in (PATH, "/directory/users?prefix=a"):
            assert client.get(path).status_code == 401
            for scope, status in (("x", 403), ("x progress:any", 200)):
                token = issuer.token("ann", scope=scope)
                assert client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code == status
