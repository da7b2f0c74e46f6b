"""PostgreSQL away, killed, slow: what clients see, and what is in the database afterwards."""

import signal
import threading
import time
from contextlib import closing

import psycopg2
import pytest

from harness import exchange
from harness.daemon import BACK_SECONDS, BUSY_SECONDS
from harness.load import Load
from harness.samples import new_user, token, user_body
from harness.wait import until

WARNED_EVERY = 5  # seconds, of a database that cannot be reached
DEADLINE_MS = 500  # the service's own, for tests that reach it


@pytest.fixture
def database_name(own_postgres) -> str:
    return own_postgres.create_database()


@pytest.fixture
def daemon(own_postgres, database_name, start_daemon):
    return start_daemon(DATABASE_URL=own_postgres.url(database_name)).ready()


def accepted_since(server, database: str) -> float:
    """Waits until the server accepts connections; the moment at which it did."""

    def accepts():
        try:
            server.connect(database).close()
            return True
        except psycopg2.OperationalError:
            return False

    until(accepts, "PostgreSQL to accept", 60)
    return time.monotonic()


def back_after(url: str, since: float) -> float:
    """Waits until the service answers from the database again; seconds after `since`."""
    until(lambda: exchange.request(url, "GET", "/users/?limit=1").status == 200, "the service to be back", 60)
    return time.monotonic() - since


def test_a_service_without_its_database_is_alive_and_not_ready(own_postgres, database_name, start_daemon):
    own_postgres.stop()
    started = time.monotonic()
    daemon = start_daemon(DATABASE_URL=own_postgres.url(database_name))
    with daemon.client() as client:
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 503
        assert client.get("/").status_code == 200
        for answer in (
            client.get("/users/"),
            client.get("/progress/stats/x"),
            client.post("/users/", json=user_body()),
        ):
            assert answer.status_code == 503 and int(answer.headers["retry-after"]) >= 0
            assert set(answer.json()) == {"detail"} and "connect" not in answer.text.lower()
        assert client.post("/users/", json={}).status_code == 422
    warnings = daemon.log_text().count("cannot connect to the database")
    assert 1 <= warnings <= 1 + (time.monotonic() - started) / WARNED_EVERY
    own_postgres.start()
    since = accepted_since(own_postgres, database_name)
    assert back_after(daemon.url, since) < BACK_SECONDS
    until(lambda: exchange.request(daemon.url, "GET", "/readyz").status == 200, "readiness", 10)


def test_a_list_is_refused_within_two_seconds_if_the_database_was_never_reachable(
    own_postgres, database_name, start_daemon
):
    own_postgres.stop()
    daemon = start_daemon(DATABASE_URL=own_postgres.url(database_name))
    for path in ("/users/", "/progress/stats/x", "/users/x"):
        since = time.monotonic()
        answer = exchange.request(daemon.url, "GET", path)
        assert answer.status == 503 and "retry-after" in answer.headers
        assert time.monotonic() - since < 2 + BUSY_SECONDS


@pytest.mark.parametrize(
    "how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL], ids=["restart", "immediate-stop", "crash"]
)
def test_no_acknowledged_write_is_lost_or_doubled_when_postgresql_ends_under_load(
    daemon, own_postgres, database_name, how
):
    with Load(lambda: daemon.url) as load:
        for _ in range(3):
            load.wait_for_more(200)
            own_postgres.kill(how)
            own_postgres.start()
            assert back_after(daemon.url, accepted_since(own_postgres, database_name)) < BACK_SECONDS
        load.wait_for_more(200)
    with closing(own_postgres.connect(database_name)) as connection:
        load.check(connection)
    assert not load.outcomes.unanswered


def test_terminated_backends_cost_no_write_and_no_read(daemon, own_postgres, database_name):
    with daemon.client() as client:
        known = new_user(client)["id"]
    reads: list[int] = []
    done = threading.Event()

    def read_on():
        with daemon.client() as client:
            while not done.is_set():
                reads.append(client.get(f"/users/{known}").status_code)

    reader = threading.Thread(target=read_on)
    reader.start()
    with closing(own_postgres.connect(database_name)) as connection, connection.cursor() as cursor, Load(
        lambda: daemon.url
    ) as load:
        for _ in range(8):  # a read may be tried again a few times only: one was answered since the last blow
            load.wait_for_more(50)
            answered = len(reads)
            until(lambda before=answered: len(reads) > before, "a read")
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                [database_name],
            )
            assert cursor.fetchone()[0] > 0
        load.wait_for_more(50)
    done.set()
    reader.join()
    with closing(own_postgres.connect(database_name)) as connection:
        load.check(connection)
    assert set(reads) == {200}
    assert not load.outcomes.unanswered


@pytest.fixture
def impatient(postgres, fresh):
    return fresh(REQUEST_TIMEOUT_MS=str(DEADLINE_MS))


def test_a_lock_that_lasts_is_503_at_the_deadline_and_leaves_nothing(impatient, postgres):
    impatient.settled()
    body = user_body()
    with impatient.client() as client, closing(
        postgres.connect(impatient.database, autocommit=False)
    ) as connection:
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE users")
            since = time.monotonic()
            for answer in (client.post("/users/", json=body), client.get("/users/nope")):
                assert answer.status_code == 503 and "retry-after" in answer.headers
            assert time.monotonic() - since < 2 * DEADLINE_MS / 1000 + BUSY_SECONDS
        connection.rollback()
        until(lambda: client.get("/users/nope").status_code == 404, "the table to be free")
        new_user(client)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM users WHERE username = %s", [body["username"]])
            assert cursor.fetchone() == (0,)


def test_a_locked_table_does_not_stop_the_others(impatient, postgres):
    impatient.settled()  # a step that makes an index waits for a lock like this one, and this one for it
    with impatient.client() as client, closing(
        postgres.connect(impatient.database, autocommit=False)
    ) as connection:
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE users")
            waiting = threading.Thread(target=lambda: exchange.request(impatient.url, "DELETE", "/users/x"))
            waiting.start()
            assert client.get("/livez").status_code == 200
            assert client.get("/labs/nope").status_code == 404
            connection.rollback()
            waiting.join()


def test_a_full_queue_is_503_long_before_the_deadline(fresh, postgres):
    daemon = fresh(REQUEST_TIMEOUT_MS="20000", QUEUE_LIMIT="4", WORKERS="1").settled()
    answers: list[tuple[int, float]] = []

    def write():
        since = time.monotonic()
        status = exchange.request(daemon.url, "GET", f"/users/{token()}").status
        answers.append((status, time.monotonic() - since))

    with closing(
        postgres.connect(daemon.database, autocommit=False)
    ) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE users")
        threads = [threading.Thread(target=write) for _ in range(120)]
        for thread in threads:
            thread.start()
        until(lambda: answers, "a refusal", 10)
        connection.rollback()
        for thread in threads:
            thread.join()
    refused = [seconds for status, seconds in answers if status == 503]
    assert refused and max(refused) < 10
    assert {status for status, _ in answers} == {404, 503}


def test_a_deadlock_with_another_client_is_not_a_server_error(impatient, postgres):
    """Another client holds what the update needs and never lets go before the deadline; then all is well."""
    with impatient.client() as client, closing(
        postgres.connect(impatient.database, autocommit=False)
    ) as connection:
        user = new_user(client)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE users SET full_name = 'theirs' WHERE id = %s", [user["id"]])
            answer = client.put(f"/users/{user['id']}", json={**user, "full_name": "ours"})
            assert answer.status_code == 503
            assert client.get(f"/users/{user['id']}").status_code == 200
        connection.commit()
        assert client.get(f"/users/{user['id']}").json()["full_name"] == "theirs"
        until(
            lambda: client.put(f"/users/{user['id']}", json={**user, "full_name": "ours"}).status_code == 200,
            "the row",
        )
