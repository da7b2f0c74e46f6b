"""The primary dies under load and its replica takes its place: nothing is lost, and the service goes on."""

import signal
import socket
import time
from contextlib import closing
from typing import Callable

import pytest

from harness.daemon import BACK_SECONDS, Daemon
from harness.load import Load
from harness.pgbouncer import PgBouncer
from harness.postgres import Postgres, Replica, Server, any_of
from harness.samples import new_user
from harness.wait import until

CONNECT_SECONDS = 2  # that a daemon waits for a host


@pytest.fixture
def follower(primary, replica) -> Replica:
    """The replica, waited for: a commit is answered when the replica has it too."""
    with closing(primary.connect("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        cursor.execute("SELECT pg_reload_conf()")

        def in_step() -> bool:
            cursor.execute("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
            return cursor.fetchone() == (1,)

        until(in_step, "the replica to be waited for")
    return replica


def keeps_all_writes(
    daemon: Daemon,
    database: str,
    primary: Postgres,
    follower: Replica,
    how: signal.Signals = signal.SIGKILL,
    meanwhile: Callable[[], None] = lambda: None,
    within: float = BACK_SECONDS,
) -> None:
    """Lets the replica take the primary's place under load, and checks what is there afterwards."""
    with Load(lambda: daemon.url) as load:
        load.wait_for_more(500)
        primary.kill(how)
        follower.promote()
        meanwhile()
        promoted, before = time.monotonic(), len(load.outcomes.acknowledged)
        until(lambda: len(load.outcomes.acknowledged) > before, "the first write after it")
        back = time.monotonic() - promoted
        load.wait_for_more(500)
    with closing(follower.connect(database)) as connection:
        load.check(connection)
    print(f"writes again {back:.3f} s after the promotion; {dict(load.outcomes.statuses)}")
    assert back < within
    assert not load.outcomes.unanswered


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGKILL], ids=["immediate-stop", "crash"])
def test_no_acknowledged_write_is_lost_or_doubled_when_a_replica_takes_over(primary, follower, start_daemon, how):
    database = primary.create_database()
    daemon = start_daemon(DATABASE_URL=any_of(database, primary, follower)).ready()
    keeps_all_writes(daemon, database, primary, follower, how)


@pytest.mark.parametrize("order", [1, -1], ids=["primary-first", "replica-first"])
def test_the_same_through_a_pgbouncer_beside_each_server(primary, follower, start_daemon, order):
    """A PgBouncer whose server is gone lets its clients wait: a turn of the hosts may be lost to it. One whose server
    was promoted keeps saying that it is a standby until it is told to connect again."""
    database = primary.create_database()
    with PgBouncer(primary) as first, PgBouncer(follower) as second:
        url = any_of(database, *[first, second][::order])
        daemon = start_daemon(DATABASE_URL=url, PREPARED_STATEMENTS="off").ready()
        keeps_all_writes(
            daemon,
            database,
            primary,
            follower,
            meanwhile=second.reconnect,
            within=CONNECT_SECONDS + BACK_SECONDS,
        )
        daemon.stop()


def test_the_same_through_one_pgbouncer_that_is_told_where_the_primary_is(primary, follower, start_daemon):
    database = primary.create_database()
    with PgBouncer(primary) as bouncer:
        daemon = start_daemon(DATABASE_URL=bouncer.url(database), PREPARED_STATEMENTS="off").ready()
        keeps_all_writes(daemon, database, primary, follower, meanwhile=lambda: bouncer.lead_to(follower))
        daemon.stop()


def test_a_host_that_accepts_connections_and_stays_silent_does_not_hide_the_next(postgres, start_daemon):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = {"PGHOST": "127.0.0.1", "PGPORT": str(silent.getsockname()[1]), "PGUSER": "postgres"}
        database = postgres.create_database()
        daemon = start_daemon(DATABASE_URL=any_of(database, Server(address), postgres))
        with daemon.ready().client() as client:
            new_user(client)
