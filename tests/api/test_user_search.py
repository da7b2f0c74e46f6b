"""Users found by their username, their email address, or the beginning of their username."""

import random
from contextlib import closing

import pytest

from harness import exchange
from harness.daemon import Daemons, database_of
from harness.lists import whole
from harness.samples import new_user

PATH = "/directory/users"
NAMES = ["ann", "anna", "Ann", "an%", "an_n", "an\\n", "b", "", "ä", "äpfel", "z\U0010ffff", "z\U0010ffffz", "'; --", "ann b"]


@pytest.fixture(scope="module")
def filled(postgres, tmp_path_factory):
    with Daemons(tmp_path_factory.mktemp("search")) as daemons:
        name = database_of("user-progress", postgres)
        daemon = daemons.start(DATABASE_URL=postgres.url(name)).settled()
        letters, random_ = "aAnä_%z", random.Random(3)
        names = {*NAMES, *("".join(random_.choices(letters, k=random_.randrange(1, 6))) for _ in range(300))}
        with closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
            for n, name in enumerate(sorted(names)):
                cursor.execute("INSERT INTO users (id, username) VALUES (%s, %s)", (f"u{n}", name))
            cursor.execute("INSERT INTO users (id, email) VALUES ('nameless', 'nameless@example.com')")
        with daemon.client() as client:
            yield client, names


def names_of(client, **query) -> list[str]:
    return [user["username"] for user in whole(client, PATH, **query)]


@pytest.mark.parametrize("limit", [1000, 7, 1])
@pytest.mark.parametrize("prefix", ["", "a", "an", "ann", "A", "ä", "z\U0010ffff", "%", "_", "an\\", "'", "nobody", "b"])
def test_a_prefix_finds_every_username_that_begins_with_it_in_the_order_of_bytes(filled, prefix, limit):
    client, names = filled
    wanted = sorted((name for name in names if name.startswith(prefix)), key=str.encode)
    if limit == 1:
        prefix, wanted = prefix or "ann", wanted if prefix else sorted(n for n in names if n.startswith("ann"))
    assert names_of(client, prefix=prefix, limit=limit) == wanted


def test_a_username_finds_the_one_user_who_has_it(filled):
    client, _ = filled
    for name in NAMES:
        assert names_of(client, username=name) == [name]
    assert names_of(client, username="nobody") == []


def test_an_email_finds_its_user_as_it_was_created(api):
    user = new_user(api)
    local, domain = user["email"].split("@")
    for email in (user["email"], f"{local}@{domain.upper()}"):
        assert whole(api, PATH, email=email) == [user]
    assert whole(api, PATH, email=f"x{user['email']}") == []
    assert whole(api, PATH, username=user["username"]) == [user]
    assert whole(api, PATH, prefix=user["username"][:-1]) == [user]


@pytest.mark.parametrize(
    "query",
    ["", "?limit=5", "?username=a&prefix=a", "?username=a&email=a@b.co", "?email=a@b.co&prefix=a", "?email=nobody",
     "?prefix=a&limit=0", "?prefix=a&limit=1001", "?prefix=a&cursor=x"],
)  # fmt: skip
def test_none_or_several_filters_and_bad_ones_are_422(user_progress, query):
    assert exchange.request(user_progress, "GET", PATH + query).status == 422


@pytest.mark.parametrize("value", ["%00", "%ff", "a%00", "x" * 3000])
def test_a_name_that_cannot_be_finds_nobody(user_progress, value):
    for name in ("username", "prefix"):
        answer = exchange.request(user_progress, "GET", f"{PATH}?{name}={value}")
        assert (answer.status, answer.json()) == (200, {"items": [], "next": None})


def test_a_cursor_belongs_to_its_filter(filled):
    client, _ = filled
    cursor = client.get(PATH, params={"prefix": "a", "limit": 1}).json()["next"]
    assert client.get(PATH, params={"prefix": "a", "cursor": cursor}).status_code == 200
    for query in ({"prefix": "an"}, {"username": "a"}):
        assert "another query" in client.get(PATH, params={**query, "cursor": cursor}).text
