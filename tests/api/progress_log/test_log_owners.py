"""Entries of other users: a token without access to them does not wait for their locks, and does not hold any."""

import pytest

from harness.daemon import Daemons


@pytest.fixture(scope="module")
def daemon(postgres, tmp_path_factory, issuer):
    """The progress log whose tokens reach their own user only."""
    name = postgres.create_database()
    with Daemons(tmp_path_factory.mktemp("own-entries")) as daemons:
        url = postgres.url(name)
        made = daemons.start(DATABASE_URL=url, AUTH_SUBJECT_SCOPED="on", **issuer.settings)
        made.database = name
        yield made.ready()


@pytest.fixture
def entry(daemon, issuer, user):
    body = {"user_id": user, "n": 1}
    with daemon.client(headers=issuer.bearer(user)) as own:
        return own.post("/api/progress/log", json=body).json()["id"]


@pytest.fixture
def locked(daemon, postgres, entry):
    """The entry, while a transaction elsewhere holds it."""
    connection = postgres.connect(daemon.database)
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM progress_logs WHERE log_id = %s FOR UPDATE", [entry])
        yield entry
    connection.rollback()
    connection.close()


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("PUT", "/api/progress/log/{}", {"n": 2}),
        ("DELETE", "/api/progress/log/{}", None),
        ("POST", "/api/progress/log/{}/rollback", {"version": 1}),
    ],
)
def test_an_entry_of_another_user_is_refused_without_waiting_for_its_lock(
    log, locked, method, path, body
):
    answer = log.request(method, path.format(locked), json=body)
    assert (answer.status_code, answer.json()) == (403, {"message": "The token does not reach this user"})


@pytest.mark.parametrize("log_id", ["0", "4294967296", "9223372036854775807", "9223372036854775808", "x", "-1"])
def test_a_missing_entry_is_not_found_for_any_token(log, log_id):
    answer = log.delete(f"/api/progress/log/{log_id}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Log entry not found"})
