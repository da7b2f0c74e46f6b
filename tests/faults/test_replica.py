"""Reports and lists read from a replica: what that changes, and what it must not."""

from contextlib import closing, contextmanager

import httpx
import pytest

from harness.daemon import Daemon
from harness.postgres import Replica, Server, any_of
from harness.samples import created, new_lab, new_user, token
from harness.wait import until


@contextmanager
def standing_still(replica: Replica):
    """The replica receives what the primary writes, and shows none of it until the end."""
    with closing(replica.connect("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_replay_pause()")

        def paused() -> bool:
            cursor.execute("SELECT pg_get_wal_replay_pause_state()")
            return cursor.fetchone() == ("paused",)

        until(paused, "the replica to stand still")
        yield
        cursor.execute("SELECT pg_wal_replay_resume()")


@pytest.fixture
def start_reading(primary, replica, start_daemon):
    """start_reading(service, **settings): a daemon on a database of its own, which reads reports from the replica.

    With `known` the replica has the database and its tables before.
    """

    def start(service: str = "user-progress", known: bool = True, **settings: str) -> Daemon:
        database = primary.create_database()
        urls = {"DATABASE_URL": primary.url(database)}
        if known:
            start_daemon(service, **urls, **settings).ready().stop()
            until(lambda: replica.has(database), "the replica to have the database")
            until(lambda: version_on(replica, database), "the replica to have the tables")
        urls["DATABASE_READ_URL"] = any_of(database, replica, primary)
        daemon = start_daemon(service, **urls, **settings)
        daemon.database = database
        return daemon.ready()

    return start


def version_on(server: Server, database: str) -> bool:
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('schema_version') IS NOT NULL")
        return cursor.fetchone()[0]


def names(client: httpx.Client) -> set[str]:
    return {user["username"] for user in created(client.get("/users/"))}


def lists(client: httpx.Client) -> bool:
    return client.get("/users/").status_code == 200


def test_lists_show_what_the_replica_has_and_single_users_what_was_written(start_reading, replica):
    with start_reading().client() as client:
        with standing_still(replica):
            user = new_user(client)
            assert client.get(f"/users/{user['id']}").status_code == 200
            assert user["username"] not in names(client)
        until(lambda: user["username"] in names(client), "the replica to catch up")


def test_without_its_replica_a_service_reads_lists_from_the_primary_until_it_is_back(start_reading, replica):
    with start_reading().client() as client:
        replica.kill()
        user = new_user(client)
        until(lambda: lists(client) and user["username"] in names(client), "lists from the primary", 5)
        replica.start()
        with standing_still(replica):
            user = new_user(client)
            until(lambda: user["username"] not in names(client), "lists from the replica", 40)


def test_a_replica_that_lags_behind_the_first_start_is_not_waited_for(start_reading, replica):
    with standing_still(replica), start_reading(known=False).client() as client:
        user = new_user(client)
        until(lambda: lists(client) and user["username"] in names(client), "lists from the primary", 5)


def test_usage_is_folded_on_the_primary_and_reported_by_the_replica(start_reading, primary):
    people = start_reading()
    usage = start_reading("usage-analytics", USER_PROGRESS_SERVICE_URL=people.url)
    with people.client() as directory, usage.client() as client, closing(
        primary.connect(usage.database)
    ) as connection, connection.cursor() as cursor:
        user, lab = new_user(directory), new_lab(directory)
        session = token()
        for kind in ("start", "complete"):
            event = {"user_id": user["id"], "lab_type": lab["lab_type"], "event_type": kind}
            created(client.post("/analytics/event", json={**event, "event_data": {"session_id": session}}))

        def folded() -> bool:
            cursor.execute("SELECT (SELECT count(*) FROM usage_notes), (SELECT count(*) FROM usage_pairs)")
            return cursor.fetchone() == (0, 1)

        until(folded, "the events to be folded")

        def total() -> int | None:
            answer = client.get(f"/analytics/usage/lab/{lab['lab_type']}")
            return answer.json()["total_events"] if answer.status_code == 200 else None

        until(lambda: total() == 2, "the report")
