"""Many clients at once: the database's constraints decide, and nobody gets a server error."""

import json
import threading
from collections import Counter
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from harness.samples import attempt_body, lab_body, new_lab, new_user, token, user_body

CLIENTS = 100


def at_once(url: str, requests: list[tuple[str, str, dict | None]]) -> list[tuple[int, object]]:
    """Sends the requests together, each from a connection that is open already; statuses and JSON in their order."""
    where = urlsplit(url)
    answers: list = [None] * len(requests)
    together = threading.Barrier(len(requests))

    def send(n: int, method: str, path: str, body: dict | None) -> None:
        connection = HTTPConnection(where.hostname, where.port, timeout=60)
        connection.connect()
        together.wait(60)
        content = None if body is None else json.dumps(body).encode()
        connection.request(method, path, content, {"Content-Type": "application/json"} if content else {})
        answer = connection.getresponse()
        answers[n] = (answer.status, json.loads(answer.read()))
        connection.close()

    threads = [threading.Thread(target=send, args=(n, *request)) for n, request in enumerate(requests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.parametrize(
    ("path", "body", "member", "reason"),
    [
        ("/users/", user_body, "email", "Email already registered"),
        ("/users/", user_body, "username", "Username already taken"),
        ("/users/", user_body, "id", "User id already exists"),
        ("/labs/", lab_body, "name", "Lab name already exists"),
        ("/labs/", lab_body, "id", "Lab id already exists"),
    ],
)
def test_of_100_creates_of_one_value_exactly_one_wins(user_progress, path, body, member, reason):
    wanted = f"{token()}@example.com"
    answers = at_once(user_progress, [("POST", path, body(**{member: wanted})) for _ in range(CLIENTS)])
    assert Counter(status for status, _ in answers) == {200: 1, 400: CLIENTS - 1}
    assert all(answer == {"detail": reason} for status, answer in answers if status == 400)


def test_100_attempts_at_once_are_100_attempts(api, user_progress):
    user, lab = new_user(api), new_lab(api)
    answers = at_once(user_progress, [("POST", "/progress/lab-attempt", attempt_body(user, lab))] * CLIENTS)
    assert {status for status, _ in answers} == {200}
    ids = {answer["id"] for _, answer in answers}
    assert len(ids) == CLIENTS == len(api.get(f"/progress/{user['id']}").json())
    assert api.get(f"/progress/stats/{user['id']}").json()["total_attempts"] == CLIENTS


def test_no_user_comes_back_to_life_when_update_and_delete_meet(api, user_progress):
    for _ in range(20):
        user = new_user(api)
        path = f"/users/{user['id']}"
        requests = [("PUT", path, {**user, "full_name": str(n)}) for n in range(4)] + [
            ("DELETE", path, None)
        ] * 2
        answers = at_once(user_progress, requests)
        assert {status for status, _ in answers[:4]} <= {200, 404}
        assert sorted(status for status, _ in answers[4:]) == [200, 404]
        assert api.get(path).status_code == 404


def test_users_that_want_each_others_names_keep_their_own(api, user_progress):
    """Their transactions may lock each other out: 503 is an answer to that, 500 is not."""
    for _ in range(10):
        one, two = new_user(api), new_user(api)
        swap = [
            ("PUT", f"/users/{a['id']}", {**a, "username": b["username"]})
            for a, b in ((one, two), (two, one))
        ]
        answers = at_once(user_progress, swap * 3)
        assert {status for status, _ in answers} <= {200, 400, 503}
        names = {api.get(f"/users/{user['id']}").json()["username"] for user in (one, two)}
        assert names == {one["username"], two["username"]}


def test_updates_to_one_free_name_have_one_winner(api, user_progress):
    users, wanted = [new_user(api) for _ in range(20)], token()
    answers = at_once(
        user_progress, [("PUT", f"/users/{user['id']}", {**user, "username": wanted}) for user in users]
    )
    assert Counter(status for status, _ in answers) == {200: 1, 400: len(users) - 1}


def test_a_deleted_attempt_is_deleted_once(api, user_progress):
    user, lab = new_user(api), new_lab(api)
    made = api.post("/progress/lab-attempt", json=attempt_body(user, lab)).json()
    answers = at_once(user_progress, [("DELETE", f"/progress/lab-attempt/{made['id']}", None)] * 20)
    assert Counter(status for status, _ in answers) == {200: 1, 404: 19}
