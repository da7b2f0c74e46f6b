"""Debian's PgBouncer, in transaction mode and older than 1.21: the API is the same, and no setting of a session
is missing."""

import os
import subprocess
import sys
from contextlib import closing

import pytest

from harness.load import Load
from harness.pgbouncer import PgBouncer
from harness.postgres import ROOT
from harness.samples import new_user

API = [
    f"tests/api/test_{noun}.py"
    for noun in ("exchanges", "users", "labs", "attempts", "stats", "idempotency", "concurrency")
]
API_SECONDS = 300


@pytest.fixture
def bouncer(own_postgres):
    with PgBouncer(own_postgres) as bouncer:
        yield bouncer


@pytest.fixture
def start_behind(bouncer, start_daemon):
    """start_behind(): user-progress on a database of its own, behind PgBouncer."""

    def start():
        daemon = start_daemon(
            DATABASE_URL=bouncer.url(database := bouncer.create_database()), PREPARED_STATEMENTS="off"
        )
        daemon.database = database
        return daemon.ready()

    return start


def test_the_api_answers_the_same_behind_pgbouncer(bouncer):
    wrapper = f"env PREPARED_STATEMENTS=off {os.environ.get('TEST_WRAPPER', '')}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *API],
        env={**os.environ, **bouncer.address, "TEST_WRAPPER": wrapper, "TEST_ONE_ROLE": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=API_SECONDS,
    )
    print(done.stdout.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout[-8000:]


def test_terminated_backends_cost_no_write_behind_pgbouncer(start_behind, own_postgres):
    daemon = start_behind()
    with closing(own_postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
        with Load(lambda: daemon.url) as load:
            for _ in range(8):
                load.wait_for_more(50)
                cursor.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE datname = %s AND pid <> pg_backend_pid()",
                    [daemon.database],
                )
                assert cursor.fetchone()[0] > 0
            load.wait_for_more(50)
        load.check(connection)
    assert not load.outcomes.unanswered
    daemon.stop()


def test_sessions_are_in_utc_and_utf8_behind_pgbouncer(start_behind, own_postgres):
    daemon = start_behind()
    with closing(own_postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TABLE session (zone text, encoding text);
            CREATE FUNCTION note_session() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO session VALUES (current_setting('TimeZone'), current_setting('client_encoding'));
                RETURN NULL;
            END $$;
            CREATE TRIGGER note_session AFTER INSERT ON users EXECUTE FUNCTION note_session();
            """
        )
        cursor.execute(f'ALTER DATABASE "{daemon.database}" SET TimeZone = \'Asia/Tokyo\'')
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid()",
            [daemon.database],
        )
        with daemon.client() as client:
            new_user(client)
        cursor.execute("SELECT zone, encoding FROM session")
        assert cursor.fetchall() == [("UTC", "UTF8")]
    daemon.stop()
