"""Users: create, list, read, update, delete."""

import uuid
from datetime import datetime, timedelta, timezone

import pytest

from harness.samples import (
    attempt_body,
    created,
    detail,
    faults,
    new_attempt,
    new_lab,
    new_user,
    token,
    user_body,
)


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_created_user_has_a_random_id_and_one_time_for_both_stamps(api):
    user = new_user(api)
    assert uuid.UUID(user["id"]).version == 4
    assert user["created_at"] == user["last_active"]
    assert abs(when(user["created_at"]) - datetime.now(timezone.utc).replace(tzinfo=None)) < timedelta(
        minutes=5
    )


def test_a_created_user_is_stored_as_answered(api, database):
    user = new_user(api, full_name="Ada “Lovelace” 😀\t\\")
    database.execute(
        "SELECT id, username, full_name, email, created_at, last_active FROM users WHERE id = %s",
        [user["id"]],
    )
    assert database.fetchone() == (
        user["id"], user["username"], user["full_name"], user["email"], when(user["created_at"]), when(user["last_active"]),
    )  # fmt: skip
    assert api.get(f"/users/{user['id']}").json() == user


def test_a_new_user_may_have_an_id_of_the_caller_s_choice(api):
    own = token()
    assert new_user(api, id=own)["id"] == own
    assert api.get(f"/users/{own}").json()["id"] == own


def test_a_null_id_counts_as_absent(api):
    assert uuid.UUID(new_user(api, id=None)["id"]).version == 4


def test_a_taken_email_name_or_id_is_refused_and_named_in_that_order(api):
    one, two, three = new_user(api), new_user(api), new_user(api)
    refusals = {
        "Email already registered": {"email": one["email"], "username": two["username"], "id": three["id"]},
        "Username already taken": {"username": two["username"], "id": three["id"]},
        "User id already exists": {"id": three["id"]},
    }
    for reason, members in refusals.items():
        answer = api.post("/users/", json=user_body(**members))
        assert (answer.status_code, detail(answer)) == (400, reason)


def test_a_refused_user_is_not_stored(api, database):
    one = new_user(api)
    refused = user_body(email=one["email"])
    assert api.post("/users/", json=refused).status_code == 400
    database.execute("SELECT count(*) FROM users WHERE username = %s", [refused["username"]])
    assert database.fetchone() == (0,)


def test_an_address_counts_as_taken_in_its_normal_form(api):
    one = new_user(api)
    local = one["email"].split("@")[0]
    answer = api.post("/users/", json=user_body(email=f"Ada <{local}@EXAMPLE.com>"))
    assert (answer.status_code, detail(answer)) == (400, "Email already registered")


def test_an_update_keeps_a_full_name_that_was_not_sent(api):
    user = new_user(api, full_name="Ada")
    changed = created(api.put(f"/users/{user['id']}", json={"username": token(), "email": user["email"]}))
    assert changed["full_name"] == "Ada"
    assert changed == api.get(f"/users/{user['id']}").json()


def test_an_update_with_a_null_full_name_clears_it(api):
    user = new_user(api, full_name="Ada")
    assert created(api.put(f"/users/{user['id']}", json={**user, "full_name": None}))["full_name"] is None


def test_an_update_renews_last_active_and_nothing_else(api):
    user = new_user(api)
    changed = created(api.put(f"/users/{user['id']}", json=user))
    assert when(changed["last_active"]) > when(user["last_active"])
    assert {**changed, "last_active": user["last_active"]} == user


def test_an_update_ignores_a_sent_id(api):
    user = new_user(api)
    assert created(api.put(f"/users/{user['id']}", json={**user, "id": token()}))["id"] == user["id"]


@pytest.mark.parametrize(
    ("member", "reason"), [("email", "Email already registered"), ("username", "Username already taken")]
)
def test_an_update_to_another_user_s_email_or_name_is_refused_and_changes_nothing(api, member, reason):
    one, two = new_user(api), new_user(api)
    answer = api.put(f"/users/{two['id']}", json={**two, member: one[member]})
    assert (answer.status_code, detail(answer)) == (400, reason)
    assert api.get(f"/users/{two['id']}").json() == two


def test_an_absent_user_is_404_for_every_method(api):
    for answer in (
        api.get("/users/nope"),
        api.put("/users/nope", json=user_body()),
        api.delete("/users/nope"),
    ):
        assert (answer.status_code, answer.text) == (404, '{"detail":"User not found"}')


def test_a_deleted_user_is_gone_and_the_attempts_stay(api, database):
    user, lab = new_user(api), new_lab(api)
    attempt = new_attempt(api, user, lab)
    answer = api.delete(f"/users/{user['id']}")
    assert answer.text == f'{{"status":"success","message":"User {user["id"]} deleted"}}'
    assert api.get(f"/users/{user['id']}").status_code == 404
    assert api.post("/progress/lab-attempt", json=attempt_body(user, lab)).status_code == 404
    database.execute("SELECT user_id FROM lab_attempts WHERE id = %s", [attempt["id"]])
    assert database.fetchone() == (user["id"],)


def test_the_longest_id_is_whole_in_the_message_of_its_delete(api):
    user_id = "\U0001f600" * 255
    new_user(api, id=user_id)
    assert api.delete(f"/users/{user_id}").json()["message"] == f"User {user_id} deleted"


def test_name_and_email_of_a_deleted_user_can_be_used_again(api):
    user = new_user(api)
    api.delete(f"/users/{user['id']}")
    assert new_user(api, id=user["id"], username=user["username"], email=user["email"])["id"] == user["id"]


def test_a_username_of_255_characters_fits_and_one_more_is_too_long(api):
    longest = (token() + "é😀" * 200)[:255]
    assert new_user(api, username=longest)["username"] == longest
    assert faults(api.post("/users/", json=user_body(username=longest + "x"))) == [
        ("string_too_long", ("body", "username"))
    ]


def test_a_full_name_of_64_kibi_characters_fits_and_one_more_is_too_long(api):
    assert len(new_user(api, full_name="x" * 65536)["full_name"]) == 65536
    assert faults(api.post("/users/", json=user_body(full_name="x" * 65537))) == [
        ("string_too_long", ("body", "full_name"))
    ]


def test_an_address_of_more_than_254_characters_is_refused(api):
    ((_, place),) = faults(api.post("/users/", json=user_body(email="a@" + "b." * 126 + "co")))
    assert place == ("body", "email")


class TestListing:
    """On a service of its own: a list shows all users."""

    @pytest.fixture
    def rows(self, fresh, postgres):
        """120 users in the database, several of them of the same moment, and a client."""
        daemon = fresh()
        with postgres.connect(daemon.database) as connection, connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO users (id, username, email, created_at, last_active)"
                " SELECT md5(n::text), 'u' || n, 'u' || n || '@example.com', t, t FROM generate_series(1, 120) n,"
                " LATERAL (SELECT timestamp '2025-01-01' + (n * 7 % 40) * interval '1 ms' AS t) AS of_row"
            )
            cursor.execute('SELECT id FROM users ORDER BY created_at, id COLLATE "C"')
            ids = [row[0] for row in cursor.fetchall()]
        connection.close()
        with daemon.client() as client:
            yield client, ids

    def test_lists_are_ordered_by_creation_then_id_and_show_100(self, rows):
        client, ids = rows
        assert [user["id"] for user in client.get("/users/").json()] == ids[:100]

    def test_pages_cut_the_list_without_gaps(self, rows):
        client, ids = rows
        pages = [
            client.get("/users/", params={"skip": skip, "limit": 50}).json() for skip in (0, 50, 100, 150)
        ]
        assert [[user["id"] for user in page] for page in pages] == [ids[:50], ids[50:100], ids[100:], []]

    def test_a_time_without_microseconds_is_printed_without_them(self, rows):
        client, _ = rows
        assert client.get("/users/?limit=1").json()[0]["created_at"] == "2025-01-01T00:00:00"

    def test_a_limit_of_1000_is_allowed(self, rows):
        client, ids = rows
        assert [user["id"] for user in client.get("/users/?limit=1000").json()] == ids


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=1001", [("less_than_equal", ("query", "limit"))]),
        ("limit=-1", [("greater_than_equal", ("query", "limit"))]),
        ("skip=-1", [("greater_than_equal", ("query", "skip"))]),
        (
            "skip=-1&limit=1001",
            [("greater_than_equal", ("query", "skip")), ("less_than_equal", ("query", "limit"))],
        ),
        ("skip=" + "9" * 30, [("int_parsing_size", ("query", "skip"))]),
    ],
)
@pytest.mark.parametrize("path", ["/users/", "/labs/"])
def test_skip_and_limit_have_bounds(api, path, query, expected):
    assert faults(api.get(f"{path}?{query}")) == expected
