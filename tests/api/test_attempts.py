"""Lab attempts: create, update, delete, and the lab shown with them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.samples import (
    attempt_body,
    created,
    detail,
    faults,
    lab_body,
    new_attempt,
    new_lab,
    new_user,
    token,
)

# What JSON and PostgreSQL can both hold.
TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=30)


@pytest.fixture(scope="module")
def user(api):
    return new_user(api)


@pytest.fixture(scope="module")
def lab(api):
    return new_lab(api, description="about files", difficulty="hard")


def attempts_of(database, user) -> int:
    database.execute("SELECT count(*) FROM lab_attempts WHERE user_id = %s", [user["id"]])
    return database.fetchone()[0]


def test_an_attempt_is_answered_with_its_lab_in_the_order_of_the_document(api, user, lab):
    attempt = new_attempt(api, user, lab, errors_encountered=["permission_denied", "file_not_found"])
    expected = {
        "user_id": user["id"],
        "lab_type": lab["lab_type"],
        "completion_status": True,
        "time_spent": 300,
        "errors_encountered": ["permission_denied", "file_not_found"],
        "id": attempt["id"],
        "timestamp": attempt["timestamp"],
        "lab_name": lab["name"],
        "lab_description": "about files",
        "lab_difficulty": "hard",
    }
    assert list(attempt.items()) == list(expected.items())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    errors=st.none()
    | st.lists(
        TEXTS | st.sampled_from(["NULL", "null", "", '"', "\\", "{}", "a,b", "{a,b}", " "]), max_size=6
    )
)
def test_errors_come_back_as_they_were_sent(api, database, user, lab, errors):
    attempt = new_attempt(api, user, lab, errors_encountered=errors)
    assert attempt["errors_encountered"] == errors
    database.execute("SELECT errors_encountered FROM lab_attempts WHERE id = %s", [attempt["id"]])
    assert database.fetchone() == (errors,)


@pytest.mark.parametrize("write", ["create", "update"])
def test_errors_that_are_not_sent_are_an_empty_list_and_null_stays_null(api, database, user, lab, write):
    body = attempt_body(user, lab)
    del body["errors_encountered"]
    path, method = "/progress/lab-attempt", api.post
    if write == "update":
        path, method = f"{path}/{new_attempt(api, user, lab, errors_encountered=['e'])['id']}", api.put
    for sent, kept in ((body, []), ({**body, "errors_encountered": None}, None)):
        attempt = created(method(path, json=sent))
        assert attempt["errors_encountered"] == kept
        database.execute("SELECT errors_encountered FROM lab_attempts WHERE id = %s", [attempt["id"]])
        assert database.fetchone() == (kept,)


@pytest.mark.parametrize("attempt_id", [0, -1, 2**31, -(2**31) - 1, 2**63 - 1, -(2**63)])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_unused_id_of_64_bits_is_not_found(api, user, lab, method, attempt_id):
    body = attempt_body(user, lab) if method == "PUT" else None
    answer = api.request(method, f"/progress/lab-attempt/{attempt_id}", json=body)
    assert (answer.status_code, detail(answer)) == (404, "Lab attempt not found")


@pytest.mark.parametrize("attempt_id", [2**63, -(2**63) - 1, 10**40])
def test_an_id_beyond_64_bits_is_bad_input(api, attempt_id):
    answer = api.delete(f"/progress/lab-attempt/{attempt_id}")
    assert faults(answer) == [("int_parsing_size", ("path", "attempt_id"))]


def test_a_user_without_attempts_has_an_empty_list(api):
    answer = api.get(f"/progress/{new_user(api)['id']}")
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize("time_spent", [-(2**31), 2**31 - 1])
def test_a_time_may_be_any_integer_of_32_bits(api, user, lab, time_spent):
    assert new_attempt(api, user, lab, time_spent=time_spent)["time_spent"] == time_spent


@pytest.mark.parametrize(
    "time_spent",
    [-(2**31) - 1, 2**31, 2**63, -(2**63) - 1, 10**40, 1e15, 1e300, "2147483648", "9" * 100],
)
def test_a_time_beyond_32_bits_is_bad_input_and_nothing_is_stored(api, database, user, lab, time_spent):
    before = attempts_of(database, user)
    ((_, place),) = faults(
        api.post("/progress/lab-attempt", json=attempt_body(user, lab, time_spent=time_spent))
    )
    assert place == ("body", "time_spent")
    assert attempts_of(database, user) == before


def test_an_unknown_user_is_named_before_an_unknown_lab_type(api, user, lab):
    nobody, nothing = {"id": "nope"}, {"lab_type": "no such <type>"}
    for who, what, reason in (
        (nobody, lab, "User not found"),
        (nobody, nothing, "User not found"),
        (user, nothing, "No labs found for type: no such <type>"),
    ):
        answer = api.post("/progress/lab-attempt", json=attempt_body(who, what))
        assert (answer.status_code, detail(answer)) == (404, reason)


def test_a_refused_attempt_is_not_stored(api, database, user):
    before = attempts_of(database, user)
    assert api.post("/progress/lab-attempt", json=attempt_body(user, {"lab_type": "nope"})).status_code == 404
    assert attempts_of(database, user) == before


def test_an_update_changes_the_attempt_and_keeps_its_id_and_place(api, user, lab):
    one, other, moved = new_attempt(api, user, lab), new_user(api), new_lab(api)
    body = attempt_body(other, moved, completion_status=False, time_spent=7, errors_encountered=["e"])
    changed = created(api.put(f"/progress/lab-attempt/{one['id']}", json=body))
    assert {**one, **body, "lab_name": moved["name"], "lab_description": "d", "lab_difficulty": "beginner",
            "timestamp": changed["timestamp"]} == changed  # fmt: skip
    assert api.get(f"/progress/{other['id']}").json() == [changed]


def test_an_update_to_an_unknown_user_or_lab_type_is_refused_and_changes_nothing(api, lab):
    user = new_user(api)
    one = new_attempt(api, user, lab)
    longest = "\U0001f600" * 255
    for body, reason in (
        (attempt_body({"id": "nope"}, lab), "User not found"),
        (attempt_body(user, {"lab_type": "nope"}), "No labs found for type: nope"),
        (attempt_body(user, {"lab_type": longest}), f"No labs found for type: {longest}"),
    ):
        answer = api.put(f"/progress/lab-attempt/{one['id']}", json=body)
        assert (answer.status_code, detail(answer)) == (404, reason)
    assert api.get(f"/progress/{user['id']}").json() == [one]


def test_a_deleted_attempt_is_gone(api, user, lab):
    one = new_attempt(api, user, lab)
    path = f"/progress/lab-attempt/{one['id']}"
    assert api.delete(path).text == f'{{"status":"success","message":"Lab attempt {one["id"]} deleted"}}'
    for answer in (api.delete(path), api.put(path, json=attempt_body(user, lab))):
        assert (answer.status_code, detail(answer)) == (404, "Lab attempt not found")


def test_the_lab_shown_is_the_oldest_of_its_type(api, user):
    oldest = new_lab(api)
    younger = new_lab(api, lab_type=oldest["lab_type"])
    one = new_attempt(api, user, oldest)
    assert one["lab_name"] == oldest["name"]
    api.delete(f"/labs/{oldest['id']}")
    assert (
        created(api.put(f"/progress/lab-attempt/{one['id']}", json=attempt_body(user, oldest)))["lab_name"]
        == younger["name"]
    )


def test_an_attempt_whose_labs_are_deleted_shows_its_type(api):
    user, lab = new_user(api), new_lab(api)
    new_attempt(api, user, lab)
    api.delete(f"/labs/{lab['id']}")
    (shown,) = api.get(f"/progress/{user['id']}").json()
    assert (shown["lab_name"], shown["lab_description"], shown["lab_difficulty"]) == (
        lab["lab_type"], "No description available", "unknown",
    )  # fmt: skip


def test_of_labs_made_at_once_the_one_with_the_smallest_id_is_shown(api, database, user):
    lab_type = token()
    for own in ("b", "a", "c"):
        new_lab(api, id=f"{lab_type}-{own}", lab_type=lab_type)
    database.execute("UPDATE labs SET created_at = '2025-01-01' WHERE lab_type = %s", [lab_type])
    shown = new_attempt(api, user, {"lab_type": lab_type})["lab_name"]
    assert shown == api.get(f"/labs/{lab_type}-a").json()["name"]


def test_a_list_of_10000_errors_fits_and_one_more_is_too_long(api, user, lab):
    errors = ["e"] * 10000
    assert new_attempt(api, user, lab, errors_encountered=errors)["errors_encountered"] == errors
    answer = api.post(
        "/progress/lab-attempt", json=attempt_body(user, lab, errors_encountered=[*errors, "e"])
    )
    assert [place for _, place in faults(answer)] == [("body", "errors_encountered")]


def test_a_lab_that_changes_its_type_no_longer_belongs_to_the_old_one(api, user):
    lab = new_lab(api)
    created(api.put(f"/labs/{lab['id']}", json=lab_body()))
    assert api.post("/progress/lab-attempt", json=attempt_body(user, lab)).status_code == 404
