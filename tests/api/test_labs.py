"""Labs: create, list, read by id and by type, update, delete."""

import uuid
from datetime import datetime
from urllib.parse import quote

import pytest

from harness.samples import created, detail, faults, lab_body, new_lab, token


def test_a_created_lab_is_stored_as_answered(api, database):
    lab = new_lab(api, description="ls -l | grep 'x' \"y\" \\ é 😀")
    assert uuid.UUID(lab["id"]).version == 4 and lab["created_at"] == lab["updated_at"]
    database.execute(
        "SELECT id, name, description, lab_type, difficulty FROM labs WHERE id = %s", [lab["id"]]
    )
    assert database.fetchone() == tuple(
        lab[n] for n in ("id", "name", "description", "lab_type", "difficulty")
    )
    assert api.get(f"/labs/{lab['id']}").json() == lab


def test_a_taken_name_or_id_is_refused_and_the_name_is_named(api):
    one, two = new_lab(api), new_lab(api)
    for reason, members in {
        "Lab name already exists": {"name": one["name"], "id": two["id"]},
        "Lab id already exists": {"id": two["id"]},
    }.items():
        answer = api.post("/labs/", json=lab_body(**members))
        assert (answer.status_code, detail(answer)) == (400, reason)


def test_an_update_renews_updated_at_and_what_was_sent(api):
    lab = new_lab(api)
    wanted = lab_body()
    changed = created(api.put(f"/labs/{lab['id']}", json=wanted))
    assert {
        **wanted,
        "id": lab["id"],
        "created_at": lab["created_at"],
        "updated_at": changed["updated_at"],
    } == changed
    assert datetime.fromisoformat(changed["updated_at"]) > datetime.fromisoformat(lab["updated_at"])


def test_an_update_to_the_name_of_another_lab_is_refused_and_changes_nothing(api):
    one, two = new_lab(api), new_lab(api)
    answer = api.put(f"/labs/{two['id']}", json={**two, "name": one["name"]})
    assert (answer.status_code, detail(answer)) == (400, "Lab name already exists")
    assert api.get(f"/labs/{two['id']}").json() == two


def test_an_absent_lab_is_404_for_every_method(api):
    for answer in (api.get("/labs/nope"), api.put("/labs/nope", json=lab_body()), api.delete("/labs/nope")):
        assert (answer.status_code, answer.text) == (404, '{"detail":"Lab not found"}')


def test_a_deleted_lab_is_gone_and_its_name_is_free(api):
    lab = new_lab(api)
    assert (
        api.delete(f"/labs/{lab['id']}").text == f'{{"status":"success","message":"Lab {lab["id"]} deleted"}}'
    )
    assert api.get(f"/labs/{lab['id']}").status_code == 404
    assert new_lab(api, name=lab["name"])["name"] == lab["name"]


def test_labs_of_a_type_are_listed_oldest_first(api):
    lab_type = f"{token()} é/😀%?"
    labs = [new_lab(api, lab_type=lab_type) for _ in range(4)]
    new_lab(api)
    assert api.get(f"/labs/type/{quote(lab_type, safe='')}").json() == labs


def test_a_type_without_labs_is_an_empty_list(api):
    assert api.get(f"/labs/type/{token()}").text == "[]"


def test_all_labs_are_listed_oldest_first(fresh):
    with fresh().client() as client:
        labs = [new_lab(client) for _ in range(3)]
        assert client.get("/labs/").json() == labs
        assert client.get("/labs/?skip=1&limit=1").json() == labs[1:2]


@pytest.mark.parametrize(("member", "limit"), [("name", 255), ("lab_type", 255), ("description", 65536)])
def test_a_member_may_be_as_long_as_its_limit(api, member, limit):
    longest = token().ljust(limit, "é")
    assert new_lab(api, **{member: longest})[member] == longest
    assert faults(api.post("/labs/", json=lab_body(**{member: longest + "x"}))) == [
        ("string_too_long", ("body", member))
    ]
