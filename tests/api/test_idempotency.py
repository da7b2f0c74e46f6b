"""Idempotency-Key: a call that creates something and is sent again gets the first answer again, and creates nothing."""

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest

from harness import exchange, metrics
from harness.daemon import PATIENT
from harness.fake import Fake, directory
from harness.samples import (
    attempt_body,
    detail,
    event_body,
    lab_body,
    new_attempt,
    new_lab,
    new_user,
    record_body,
    token,
    user_body,
)
from harness.wait import until

HEADER = "Idempotency-Key"


def rows(database, user: dict) -> int:
    database.execute("SELECT count(*) FROM lab_attempts WHERE user_id = %s", [user["id"]])
    return database.fetchone()[0]


def test_the_same_request_again_gets_the_first_answer_and_writes_nothing(api, database):
    user, lab = new_user(api), new_lab(api)
    key = {HEADER: token()}
    answers = [api.post("/progress/lab-attempt", json=attempt_body(user, lab), headers=key) for _ in range(3)]
    assert {(a.status_code, a.text) for a in answers} == {(200, answers[0].text)}
    assert rows(database, user) == 1


def test_without_a_key_a_repeated_request_is_a_new_one(api, database):
    user, lab = new_user(api), new_lab(api)
    first, second = (api.post("/progress/lab-attempt", json=attempt_body(user, lab)).json() for _ in range(2))
    assert first["id"] != second["id"] and rows(database, user) == 2


def test_another_body_under_a_key_is_bad_input_and_writes_nothing(api, database):
    user, lab = new_user(api), new_lab(api)
    key = {HEADER: token()}
    assert api.post("/progress/lab-attempt", json=attempt_body(user, lab), headers=key).status_code == 200
    answer = api.post("/progress/lab-attempt", json=attempt_body(user, lab, time_spent=1), headers=key)
    assert answer.status_code == 422 and "detail" in answer.json()
    assert rows(database, user) == 1


def test_a_create_that_is_sent_again_is_not_a_conflict(api):
    body, key = user_body(), {HEADER: token()}
    first, again = (api.post("/users/", json=body, headers=key) for _ in range(2))
    assert (again.status_code, again.text) == (200, first.text)
    assert api.post("/users/", json=body).status_code == 400


def test_the_first_answer_stays_when_the_row_was_changed_since(api):
    body, key = user_body(), {HEADER: token()}
    first = api.post("/users/", json=body, headers=key)
    api.delete(f"/users/{first.json()['id']}")
    assert api.post("/users/", json=body, headers=key).text == first.text
    assert api.get(f"/users/{first.json()['id']}").status_code == 404


def test_duplicates_at_once_run_once(api, database):
    user, lab = new_user(api), new_lab(api)
    key, answers, together = {HEADER: token()}, [], threading.Barrier(20)

    def send():
        together.wait(60)
        answer = api.post("/progress/lab-attempt", json=attempt_body(user, lab), headers=key)
        answers.append((answer.status_code, answer.text))

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(database, user) == 1
    assert {status for status, _ in answers} == {200} and len(set(answers)) == 1


def test_a_key_is_known_after_a_restart(fresh, postgres, start_daemon):
    first = fresh()
    body, key = user_body(), {HEADER: token()}
    with first.client() as client:
        answer = client.post("/users/", json=body, headers=key)
    first.stop()
    with start_daemon(DATABASE_URL=postgres.url(first.database)).ready().client() as client:
        again = client.post("/users/", json=body, headers=key)
    assert (again.status_code, again.text) == (200, answer.text)


def test_a_key_may_have_255_characters(api):
    body, key = user_body(), {HEADER: token().ljust(255, "k")}
    first, again = (api.post("/users/", json=body, headers=key) for _ in range(2))
    assert first.status_code == 200 and again.text == first.text


def test_a_longer_key_is_bad_input(api, database):
    body = user_body()
    answer = api.post("/users/", json=body, headers={HEADER: "k" * 256})
    assert answer.status_code in (400, 422)
    database.execute("SELECT count(*) FROM users WHERE username = %s", [body["username"]])
    assert database.fetchone() == (0,)


def test_a_key_is_ignored_by_a_get(api):
    key, user = {HEADER: token()}, new_user(api)
    for path, status in ((f"/users/{user['id']}", 200), ("/users/nope", 404)):
        assert api.get(path, headers=key).status_code == status


def kept(database) -> int:
    database.execute("SELECT count(*) FROM idempotency_keys")
    return database.fetchone()[0]


def test_a_refused_request_leaves_nothing_under_its_key(api, database):
    user, lab = new_user(api), new_lab(api)
    key, before = {HEADER: token()}, kept(database)
    absent = attempt_body({"id": token()}, lab)
    assert api.post("/progress/lab-attempt", json=absent, headers=key).status_code == 404
    assert api.post("/users/", json={**user_body(), "email": user["email"]}, headers=key).status_code == 400
    assert kept(database) == before
    created = api.post("/users/", json=user_body(id=absent["user_id"])).json()
    answer = api.post("/progress/lab-attempt", json=attempt_body(created, lab), headers=key)
    assert answer.status_code == 200 and rows(database, created) == 1


def test_a_key_is_ignored_by_calls_that_create_nothing(api, database):
    user, lab = new_user(api), new_lab(api)
    attempt = new_attempt(api, user, lab)
    key, before = {HEADER: token()}, kept(database)
    for types in (["x"], [lab["lab_type"]]):
        question = {"user_ids": [user["id"]], "lab_types": types}
        assert api.post("/lookup", json=question, headers=key).status_code == 200
    for seconds in (1, 2):
        body = attempt_body(user, lab, time_spent=seconds)
        answer = api.put(f"/progress/lab-attempt/{attempt['id']}", json=body, headers=key)
        assert answer.json()["time_spent"] == seconds
    too_long = {HEADER: "k" * 256}
    assert api.put(f"/labs/{lab['id']}", json=lab_body(), headers=too_long).status_code == 200
    assert kept(database) == before


def test_each_path_has_keys_of_its_own(api):
    key = {HEADER: token()}
    user = api.post("/users/", json=user_body(), headers=key)
    lab = api.post("/labs/", json=lab_body(), headers=key)
    assert (user.status_code, lab.status_code) == (200, 200) and "lab_type" in lab.json()


def test_a_stored_answer_is_repeated_with_its_headers(api):
    body, key = user_body(), {HEADER: token()}
    first, again = (api.post("/users/", json=body, headers=key) for _ in range(2))
    assert again.headers["content-type"] == first.headers["content-type"]
    assert "idempotency-replayed" not in first.headers and again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("body", [b"\xff", b'{"username":"\xff"}', b"\0", b'{"username":"a\0"}', b"{", b""])
def test_a_body_that_cannot_be_read_is_bad_input_with_a_key_too(user_progress, body):
    for _ in range(2):
        headers = {HEADER: token(), "Content-Type": "application/json"}
        answer = exchange.request(user_progress, "POST", "/users/", headers, body)
        assert answer.status in (400, 422)


def test_an_answer_too_large_to_be_kept_is_refused_and_nothing_is_written(fresh, postgres):
    daemon = fresh(BODY_LIMIT=str(4 << 20))
    with daemon.client() as api, closing(postgres.connect(daemon.database)) as connection:
        user, lab = new_user(api), new_lab(api)
        large = attempt_body(user, lab, errors_encountered=["x" * 60000] * 20)
        assert api.post("/progress/lab-attempt", json=large).status_code == 200
        answer = api.post("/progress/lab-attempt", json=large, headers={HEADER: token()})
        assert answer.status_code == 413, detail(answer)
        with connection.cursor() as cursor:
            assert rows(cursor, user) == 1 and kept(cursor) == 0


def test_keys_that_an_earlier_version_kept_count_until_they_end(fresh, postgres):
    daemon = fresh()

    def keep(cursor, path: str, body: bytes, status: int, answer: str, age: str = "0") -> dict:
        """As versions before the key had a space of its own kept it: subject, path and body in one digest."""
        key = token()
        request = b"null" + path.encode() + b"\n" + body
        cursor.execute(
            "INSERT INTO idempotency_keys (key, request, status, body, created_at)"
            " VALUES (%s, %s, %s, %s, now() - %s::interval)",
            [key, psycopg2.Binary(hashlib.sha256(request).digest()), status, answer, age],
        )
        return {HEADER: key, "Content-Type": "application/json"}

    with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
        body = json.dumps(user_body()).encode()
        of = {"id": "kept", "full_name": None, "created_at": "2025-04-19T08:30:38", "last_active": None}
        answer_then = json.dumps({**json.loads(body), **of})
        headers = keep(cursor, "/users/", body, 200, answer_then)
        answer = exchange.request(daemon.url, "POST", "/users/", headers, body)
        assert (answer.status, answer.text) == (200, answer_then)
        other = json.dumps(user_body()).encode()
        assert exchange.request(daemon.url, "POST", "/users/", headers, other).status == 422
        for status, age in ((404, "0"), (200, "25 hours")):
            body = json.dumps(user_body()).encode()
            headers = keep(cursor, "/users/", body, status, answer_then, age)
            answer = exchange.request(daemon.url, "POST", "/users/", headers, body)
            assert answer.status == 200 and answer.json()["id"] != "kept"


@pytest.mark.parametrize(
    "service, path, body_of",
    [
        ("performance-reporting", "/performance/record", record_body),
        ("usage-analytics", "/analytics/event", event_body),
    ],
)
def test_a_silent_user_progress_holds_neither_a_kept_answer_nor_a_connection(beside, service, path, body_of):
    user, lab = {"id": "u", "username": "ada"}, {"lab_type": "t", "name": "L", "description": "d"}
    good = directory({"u": user}, [{**lab, "difficulty": "beginner"}])
    silent, released = threading.Event(), threading.Event()

    def behave(line, asked):
        if silent.is_set():
            released.wait(60)
        line.answer(200, good(asked))

    body, key = json.dumps(body_of(user, lab)).encode(), token()

    def send(daemon, key: str) -> exchange.Answer:
        headers = {HEADER: key, "Content-Type": "application/json"}
        return exchange.request(daemon.url, "POST", path, headers, body)

    with Fake(behave) as fake, ThreadPoolExecutor(12) as pool:
        daemon = beside(service, fake.url, **PATIENT, WORKERS="1")
        until(lambda: send(daemon, key).status == 200, "the first answer")
        first = send(daemon, key)
        silent.set()
        waiting = [pool.submit(send, daemon, token()) for _ in range(12)]
        until(lambda: metrics.samples(daemon.url).of("http_requests_in_flight") >= len(waiting), "all of them to wait")
        assert send(daemon, key).body == first.body
        assert exchange.request(daemon.url, "DELETE", f"{path}/999").status == 404
        assert not any(answer.done() for answer in waiting)
        released.set()
        assert {answer.result().status for answer in waiting} == {200}


def test_a_refusal_under_a_key_is_no_lost_connection(fresh):
    daemon = fresh(**PATIENT)
    lost = lambda: sum(metrics.samples(daemon.url).by("database_connections_failed_total", "lane").values())
    with daemon.client() as client:
        taken, before = new_user(client), lost()
        again = lambda n: client.post("/users/", json={**taken, "id": f"u{n}"}, headers={HEADER: f"k{n}"}).status_code
        with ThreadPoolExecutor(16) as threads:
            assert set(threads.map(again, range(64))) == {400}
    assert lost() == before
