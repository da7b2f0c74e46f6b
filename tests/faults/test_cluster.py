"""PostgreSQL under Patroni loses its leader under load, in four ways: nothing is lost, and the services go on.

`CLUSTER_ROUNDS` is how often each of the four happens; without it they are left out, since a round takes minutes and
needs what `tools/packages install cluster` installs.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg2
import pytest

from harness.cluster import Cluster, Member
from harness.daemon import SERVICES, Daemons, make_schema
from harness.load import ALL_KINDS, Load
from harness.postgres import programs
from harness.samples import event_body, new_lab, new_user, record_body
from harness.wait import until

ROUNDS = int(os.environ.get("CLUSTER_ROUNDS", "0"))
BACK_SECONDS = 60  # from the loss of a leader to the next write
SWITCH_SECONDS = 60
WRITES = 200  # acknowledged before and after each step


pytestmark = pytest.mark.skipif(not ROUNDS, reason="CLUSTER_ROUNDS is not set")


@contextmanager
def killed(leader: Member, _database: str):
    """PostgreSQL and its Patroni at once, as when the machine loses power."""
    leader.kill()
    yield
    leader.start()


@contextmanager
def stopped(leader: Member, _database: str):
    """It stands still, goes on when another leads already, and does not know of it yet."""
    leader.freeze()
    yield
    leader.thaw()


@contextmanager
def cut_off(leader: Member, database: str):
    """It runs, alone: what a client beside it writes is not acknowledged."""
    with closing(leader.here().connect(database)) as connection:
        leader.link.freeze()
        beside = ThreadPoolExecutor(1)
        write = beside.submit(
            connection.cursor().execute, "INSERT INTO write_slots VALUES (gen_random_uuid(), 1)"
        )
        beside.shutdown(wait=False)
        yield
        assert isinstance(write.exception(BACK_SECONDS), psycopg2.Error)
    leader.link.thaw()


@contextmanager
def switched_over(leader: Member, _database: str):
    """Somebody wants another to lead."""
    answer = leader.ask("POST", "/switchover", {"leader": leader.name}, SWITCH_SECONDS)
    assert answer.status_code == 200, answer.text
    yield


@pytest.fixture(scope="module")
def cluster():
    with Cluster(programs()) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def databases(cluster) -> dict[str, str]:
    return {service: cluster.create_owned_database() for service in SERVICES}


@pytest.fixture(scope="module")
def services(cluster, databases, tmp_path_factory):
    """The three services, each with all members in its URL."""
    with Daemons(tmp_path_factory.mktemp("daemons")) as daemons:
        people, *others = SERVICES
        started = {people: daemons.start(people, DATABASE_URL=make_schema(people, cluster, databases[people])).ready()}
        for service in others:
            started[service] = daemons.start(
                service,
                DATABASE_URL=make_schema(service, cluster, databases[service]),
                USER_PROGRESS_SERVICE_URL=started[people].url,
            ).ready()
        yield started


@pytest.fixture(scope="module")
def others_write(services):
    """Whether the services that the load is not on take a write each."""
    people, performance, usage = (services[service].client() for service in SERVICES)
    with people, performance, usage:
        user, lab = new_user(people), new_lab(people)

        def write() -> bool:
            return all(
                client.post(path, json=body).status_code == 200
                for client, path, body in (
                    (performance, "/performance/record", record_body(user, lab)),
                    (usage, "/analytics/event", event_body(user, lab)),
                )
            )

        yield write


def keeps_its_writes(leader: Member, database: str, load: Load) -> None:
    with closing(leader.here().connect(database)) as connection:
        load.check(connection)


@pytest.mark.parametrize("lost", [killed, stopped, cut_off, switched_over], ids=lambda lost: lost.__name__)
def test_no_acknowledged_write_is_lost_or_doubled_when_the_leader_is(
    cluster, databases, services, others_write, lost
):
    database, daemon = databases["user-progress"], services["user-progress"]
    loads = []
    leader = cluster.leader()
    for number in range(1, ROUNDS + 1):
        with Load(lambda: daemon.url, kinds=ALL_KINDS) as load:
            load.wait_for_more(WRITES)
            began = time.monotonic()
            with lost(leader, database):
                following = cluster.next_leader(leader)
                load.wait_for_more(WRITES)
                until(others_write, "the other services to write", began + BACK_SECONDS - time.monotonic())
            cluster.settle(following)
            load.wait_for_more(WRITES)
        outcomes = load.outcomes
        print(
            f"{lost.__name__} {number}: {outcomes.silence:.1f} s without an acknowledged write,",
            f"{len(outcomes.acknowledged)} acknowledged, {dict(outcomes.statuses)}",
            flush=True,
        )
        leader = following
        loads.append(load)
        keeps_its_writes(leader, database, load)
        assert outcomes.silence < BACK_SECONDS
        assert not outcomes.unanswered
    for load in loads:  # what is acknowledged before one leader is lost outlives the next, too
        keeps_its_writes(leader, database, load)
