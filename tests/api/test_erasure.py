"""The erasure of a person: what is deleted, what the receipt says, and who may ask for it."""

import hashlib
import json

import psycopg2
import pytest

from harness import exchange
from harness.daemon import SERVICES, Daemons
from harness.progress_log import verify
from harness.samples import attempt_body, created, event_body, new_lab, new_user, record_body, token
from harness.tokens import Issuer
from harness.trio import ERASING, SERVICE_TOKEN, TABLES, Trio, Writer, person_with_data
from harness.wait import until


@pytest.fixture(scope="module")
def trio(postgres, tmp_path_factory):
    """Three services that the tests of this file share."""
    directory = tmp_path_factory.mktemp("trio")
    with Daemons(directory) as daemons:
        trio = Trio(daemons, postgres, Issuer(directory), **ERASING).start_all()
        yield trio
        trio.close()


@pytest.fixture(scope="module")
def lab(trio) -> dict:
    return new_lab(trio.of["user-progress"])


def names_of(user: dict) -> tuple[str, str, str]:
    return user["id"], user["username"], user["email"]


def everything_about(trio: Trio, user: dict) -> list[bytes]:
    """What the calls answer that show a user."""
    who = user["id"]
    paths = {
        "user-progress": [f"/users/{who}", f"/progress/{who}", f"/progress/stats/{who}", f"/attempts?user_id={who}"],
        "performance-reporting": [f"/performance/user/{who}", f"/performance/records?user_id={who}"],
        "usage-analytics": [f"/analytics/events?user_id={who}"],
    }
    return [trio.of[service].get(path).content for service in SERVICES for path in paths[service]]


def reports(trio: Trio, lab: dict) -> list[dict]:
    lab_type = lab["lab_type"]
    paths = {"performance-reporting": f"/performance/lab/{lab_type}", "usage-analytics": f"/analytics/usage/lab/{lab_type}"}
    return [trio.of[service].get(path).json() for service, path in paths.items()]


class World:
    """Some people of whom one was erased, and what was seen before and between."""

    def __init__(self, trio: Trio):
        self.lab = new_lab(trio.of["user-progress"])
        self.other, _ = person_with_data(trio, self.lab, rows=7)
        self.reports, self.shown = reports(trio, self.lab), everything_about(trio, self.other)
        self.user, self.expected = person_with_data(trio, self.lab, rows=200)
        assert reports(trio, self.lab) != self.reports
        self.looked = trio.erase(self.user["id"], "?dry_run=true")
        self.selves = [new_user(trio.of["user-progress"]) for _ in range(2)]
        begun = [trio.erase(user["id"], sub=user[name]).json() for user, name in zip(self.selves, ("id", "email"))]
        self.askers = [erasure["requested_by"] for erasure in begun]
        erasures = [trio.begin(self.user["id"]), *(erasure["erasure_id"] for erasure in begun)]
        self.receipt, *_ = [trio.becomes(erasure) for erasure in erasures]


@pytest.fixture(scope="module")
def world(trio) -> World:
    return World(trio)


def test_an_erased_person_is_in_no_table_of_any_database_and_the_receipt_counts_the_rows(trio, world):
    receipt = world.receipt
    assert receipt["services"] == world.expected and receipt["late"] == {}
    assert [list(receipt["services"][service]) for service in SERVICES] == [list(TABLES[s]) for s in SERVICES]
    assert receipt["requested_at"] < receipt["erased_at"] <= receipt["verified_at"]
    assert receipt["requested_by"] == "dpo@example.com"
    assert trio.lines_about(*names_of(world.user)) == []


def test_a_receipt_is_shown_to_be_about_an_id_by_its_salt(world):
    digest = hashlib.sha256((world.receipt["salt"] + world.user["id"]).encode()).hexdigest()
    assert world.receipt["subject"] == f"sha256:{digest}"


def test_the_answers_about_other_people_are_the_same_byte_for_byte(trio, world):
    assert everything_about(trio, world.other) == world.shown


def test_reports_are_those_of_a_world_without_the_person(trio, world):
    assert reports(trio, world.lab) == world.reports


def test_a_dry_run_counts_what_an_erasure_deletes_and_begins_none(world):
    assert (world.looked.status_code, world.looked.json()) == (200, {"dry_run": True, "services": world.expected})


def test_whoever_has_themselves_erased_is_not_named_by_the_receipt(trio, world):
    assert world.askers == [None, None]
    assert trio.lines_about(*names_of(world.selves[0]), *names_of(world.selves[1])) == []


def test_the_progress_log_verifies_after_an_erasure(trio, world):
    assert trio.rows("user-progress", "SELECT count(*) FROM progress_events")[0][0] > 0
    status, lines = verify(trio.daemons["user-progress"])
    assert status == 0, lines


def test_entries_of_the_progress_log_are_deleted_only_for_the_user_that_the_transaction_names(trio, lab):
    user, _ = person_with_data(trio, lab)
    other, _ = person_with_data(trio, lab)

    def delete(named: str | None, where: str = "true") -> str | None:
        connection = trio.postgres.connect(trio.databases["user-progress"], autocommit=False)
        try:
            with connection.cursor() as cursor:
                if named is not None:
                    cursor.execute("SELECT set_config('progress.erase', %s, true)", [named])
                cursor.execute(f"DELETE FROM progress_events WHERE {where}")
            return None
        except psycopg2.Error as error:
            return str(error)
        finally:
            connection.rollback()
            connection.close()

    assert "only ever appended to" in delete(None)
    assert "only ever appended to" in delete("", "false")
    assert "only ever appended to" in delete(user["id"])
    assert "only ever appended to" in delete(user["id"], f"user_id = '{other['id']}'")
    assert delete(user["id"], f"user_id = '{user['id']}'") is None


def test_somebody_of_whom_nothing_exists_is_not_found(trio):
    for query in ("", "?dry_run=true"):
        answer = trio.erase("nobody-at-all", query)
        assert (answer.status_code, answer.json()) == (404, {"detail": "User not found"})
    answer = trio.of["user-progress"].get("/privacy/erasures/unknown", headers=trio.bearer())
    assert (answer.status_code, answer.json()) == (404, {"detail": "Erasure not found"})


@pytest.mark.parametrize("user_id", [".", ".."])
def test_an_id_that_no_path_can_have_is_erased_where_it_can_be_and_the_rest_is_blocked_with_that_reason(trio, lab, user_id):
    for query in ("", "?dry_run=true"):
        answer = trio.erase(user_id, query)
        assert (answer.status_code, answer.json()) == (404, {"detail": "User not found"})
    progress, blocked = trio.of["user-progress"], {"error": "has no path for this id"}
    user = new_user(progress, id=user_id)
    created(progress.post("/progress/lab-attempt", json=attempt_body(user, lab)))
    shown = trio.becomes(trio.begin(user_id), "blocked")
    assert shown["services"]["user-progress"]["lab_attempts"] == 1
    until(lambda: trio.erasure(shown["erasure_id"])["services"]["usage-analytics"] == blocked, "the reason")


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_an_empty_id_is_bad_input(trio, query):
    answer = trio.erase("", query)
    assert answer.status_code == 422
    assert [(fault["type"], fault["loc"]) for fault in answer.json()["detail"]] == [("value_error", ["body", "user_id"])]


def test_the_receipts_of_erasures_that_the_person_requested_no_longer_name_the_person(trio):
    progress = trio.of["user-progress"]
    asker, others = new_user(progress), [new_user(progress) for _ in range(3)]
    asked = [trio.erase(other["id"], sub=asker[name]).json() for other, name in zip(others, ("id", "username", "email"))]
    assert [erasure["requested_by"] for erasure in asked] == [asker["id"], asker["username"], asker["email"]]
    trio.becomes(trio.begin(asker["id"]))
    assert trio.lines_about(*names_of(asker)) == []
    assert [trio.erasure(erasure["erasure_id"])["requested_by"] for erasure in asked] == [None] * 3


def test_a_person_whose_user_was_deleted_long_ago_can_be_erased(trio, lab):
    progress = trio.of["user-progress"]
    posts = {"user-progress": ("/progress/lab-attempt", attempt_body), "performance-reporting": ("/performance/record", record_body),
             "usage-analytics": ("/analytics/event", event_body)}  # fmt: skip
    erasures = {}
    for service, (path, body) in posts.items():
        user = new_user(progress)
        created(trio.of[service].post(path, json=body(user, lab)))
        progress.delete(f"/users/{user['id']}")
        erasures[service] = trio.begin(user["id"]), user
    for service, (erasure, user) in erasures.items():
        receipt = trio.becomes(erasure)
        assert receipt["services"]["user-progress"]["users"] == 0
        assert receipt["services"][service][TABLES[service][service == "user-progress"]] == 1
        assert trio.lines_about(user["id"]) == []


def test_the_same_person_again_is_the_same_erasure_then_the_receipt_and_a_new_one_if_there_is_something(trio, lab):
    user, _ = person_with_data(trio, lab)
    first = trio.begin(user["id"])
    assert trio.begin(user["id"]) == first
    trio.becomes(first)
    assert trio.begin(user["id"]) == first
    created(trio.of["user-progress"].post("/users/", json={k: user[k] for k in ("id", "username", "email")}))
    second = trio.begin(user["id"])
    assert second != first
    assert trio.becomes(second)["services"]["user-progress"]["users"] == 1
    assert trio.begin(user["id"]) == second


def test_a_token_with_the_scope_is_required(trio):
    progress = trio.of["user-progress"]
    for method, path, body in (("POST", "/privacy/erasures", {"user_id": "x"}), ("GET", "/privacy/erasures/x", None)):
        assert progress.request(method, path, json=body).status_code == 401
        assert progress.request(method, path, json=body, headers=trio.bearer(scope="admin")).status_code == 403
        service = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
        assert progress.request(method, path, json=body, headers=service).status_code == 401


@pytest.mark.parametrize("service, path", [("performance-reporting", "/performance/user/x/records"),
                                           ("usage-analytics", "/analytics/user/x/events")])  # fmt: skip
def test_the_other_services_erase_with_the_token_of_services_only(trio, service, path):
    of = trio.of[service]
    assert of.delete(path).status_code == 401
    assert of.delete(path, headers=trio.bearer()).status_code == 401
    answer = of.delete(path, headers={"Authorization": f"Bearer {SERVICE_TOKEN}"})
    assert (answer.status_code, answer.json()) == (200, {"deleted": 0, "remaining": False})


def test_without_authentication_the_calls_are_unavailable(postgres, start_daemon):
    daemon = start_daemon(DATABASE_URL=postgres.url(postgres.create_database())).ready()
    answer = exchange.request(daemon.url, "POST", "/privacy/erasures", {"Content-Type": "application/json"}, b"{}")
    assert (answer.status, answer.json()) == (503, {"message": "Authentication is not configured"})
    usage = start_daemon("usage-analytics", DATABASE_URL=postgres.url(postgres.create_database())).ready()
    answer = exchange.request(usage.url, "DELETE", "/analytics/user/x/events")
    assert (answer.status, answer.json()) == (503, {"message": "Authentication is not configured"})


def test_a_call_deletes_at_most_ten_thousand_rows_and_says_what_remains(trio, lab):
    usage, user = trio.of["usage-analytics"], new_user(trio.of["user-progress"])
    trio.fill(user, lab, 12000, "usage-analytics")
    path, token = f"/analytics/user/{user['id']}/events", {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    deleted, calls = 0, 0

    def erase() -> bool:
        nonlocal deleted, calls
        answer = usage.delete(path, headers=token).json()
        assert answer["deleted"] <= 10000
        deleted, calls = deleted + answer["deleted"], calls + 1
        return not answer["remaining"]

    until(erase, "nothing to remain")
    assert deleted == 12000 and calls >= 2


def test_what_was_under_way_when_it_began_is_erased_by_the_second_sweep_and_counted_as_late(trio, lab):
    user, expected = person_with_data(trio, lab)
    erasure = trio.begin(user["id"])
    until(lambda: trio.erasure(erasure)["erased_at"], "the first sweep")
    trio.fill(user, lab, 3)  # as requests that had found the user before
    receipt = trio.becomes(erasure)
    assert receipt["services"] == expected
    assert receipt["late"] == {"lab_attempts": 3, "usage_events": 3, "user_performance": 3}
    assert trio.lines_about(user["id"]) == []


def test_kept_answers_go_that_name_the_person_and_no_others(trio, lab):
    progress = trio.of["user-progress"]
    user, other = new_user(progress), new_user(progress)

    def under_key(key: str, who: dict) -> None:
        created(progress.post("/progress/lab-attempt", json=attempt_body(who, lab), headers={"Idempotency-Key": key}))

    under_key(f"a-{user['id']}", user)
    under_key(f"b-{user['id']}", other)
    created(progress.post("/labs/", json={"name": user["username"], "description": "d", "lab_type": "t" + user["id"],
                                          "difficulty": "x"}, headers={"Idempotency-Key": "c-" + user["id"]}))  # fmt: skip
    longer = {"name": "longer " + user["username"], "description": "d", "lab_type": "t", "difficulty": "x"}
    created(progress.post("/labs/", json=longer, headers={"Idempotency-Key": "d-" + user["id"]}))
    receipt = trio.becomes(trio.begin(user["id"]))
    assert receipt["services"]["user-progress"]["idempotency_keys"] == 2  # the attempt, and the lab of that name


@pytest.mark.parametrize("space", ["", " ", "\n\t "])
def test_kept_answers_go_that_name_the_person_however_a_client_spaced_its_json(trio, lab, space):
    usage = trio.of["usage-analytics"]
    user, other = (new_user(trio.of["user-progress"]) for _ in range(2))
    headers = {"Content-Type": "application/json"}
    for event_data in (f'{{"helped_by"{space}:{space}"{user["id"]}"}}', f'{{"note"{space}:{space}"it was: {user["id"]}"}}'):
        body = f'{json.dumps(event_body(other, lab))[:-1]}, "event_data": {event_data}}}'
        created(usage.post("/analytics/event", content=body, headers={**headers, "Idempotency-Key": token()}))
    counted = trio.erase(user["id"], "?dry_run=true").json()["services"]["usage-analytics"]
    receipt = trio.becomes(trio.begin(user["id"]))["services"]["usage-analytics"]
    assert counted["idempotency_keys"] == receipt["idempotency_keys"] == 1
    kept = trio.rows("usage-analytics", "SELECT body FROM idempotency_keys WHERE strpos(body, %s) > 0", user["id"])
    assert ["note" in body for (body,) in kept] == [True]


def test_of_many_kept_answers_all_go_that_name_the_person(trio, lab):
    """They are looked at in slices: some name the person in each, and in the last one."""
    user = new_user(trio.of["user-progress"])
    trio.rows("usage-analytics", "INSERT INTO idempotency_keys (key, request, status, body) SELECT md5(n::text), '', 200,"
              " CASE WHEN n %% 7 = 0 THEN json_build_object('user_id', %s) ELSE json_build_object('user_id', n) END::text"
              " FROM generate_series(1, 7000) AS n RETURNING key", user["id"])  # fmt: skip
    counted = trio.erase(user["id"], "?dry_run=true").json()["services"]["usage-analytics"]
    receipt = trio.becomes(trio.begin(user["id"]))["services"]["usage-analytics"]
    assert counted["idempotency_keys"] == receipt["idempotency_keys"] == 1000
    keys = "SELECT count(*) FROM idempotency_keys WHERE key IN (SELECT md5(n::text) FROM generate_series(1, 7000) AS n)"
    assert trio.rows("usage-analytics", keys) == [(6000,)] and trio.lines_about(user["id"]) == []


def test_what_a_writer_posts_without_pause_is_erased_too(trio, lab):
    user, expected = person_with_data(trio, lab)
    with Writer(trio, user, lab) as writer:
        until(lambda: all(n > 20 for n in writer.stored.values()), "the writer to be stored")
        receipt = trio.becomes(trio.begin(user["id"]))
        refused = dict(writer.refused)
        until(lambda: all(writer.refused[s] > refused[s] + 5 for s in SERVICES), "the writer to be refused")
        assert trio.lines_about(*names_of(user)) == []
    assert trio.lines_about(*names_of(user)) == []
    found = {service: receipt["services"][service][TABLES[service][service == "user-progress"]] for service in SERVICES}
    late = {service: receipt["late"].get(TABLES[service][service == "user-progress"], 0) for service in SERVICES}
    for service in SERVICES:
        had = expected[service][TABLES[service][service == "user-progress"]]
        assert found[service] + late[service] >= had + writer.stored[service]


def test_any_id_that_a_path_can_have_is_erased(trio, lab):
    progress, performance, usage = (trio.of[service] for service in SERVICES)
    erasures = {}
    for user_id in ("auth0|5f7c", "a/b?c#d", "Zo\u00eb 100%", '"quoted\\"'):
        user, key = new_user(progress, id=user_id), {"Idempotency-Key": user_id.encode().hex()}
        created(progress.post("/progress/lab-attempt", json=attempt_body(user, lab), headers=key))
        created(performance.post("/performance/record", json=record_body(user, lab)))
        created(usage.post("/analytics/event", json=event_body(user, lab)))
        erasures[user_id] = trio.begin(user_id)
    for user_id, erasure in erasures.items():
        services = trio.becomes(erasure)["services"]
        counts = [services[service][table] for service in SERVICES for table in TABLES[service]]
        assert counts == [1, 1, 0, 0, 1, 1, 0, 1, 0], user_id
