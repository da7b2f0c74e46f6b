"""Idempotency-Key: a POST that is sent again answers the first answer again and does nothing."""

import threading

from harness.samples import attempt_body, new_lab, new_user, token, user_body

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


def test_without_a_key_the_same_request_is_another(api, database):
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


def test_a_create_that_is_sent_again_is_no_conflict(api):
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


def test_a_key_means_nothing_to_a_get(api):
    key, user = {HEADER: token()}, new_user(api)
    for path, status in ((f"/users/{user['id']}", 200), ("/users/nope", 404)):
        assert api.get(path, headers=key).status_code == status
