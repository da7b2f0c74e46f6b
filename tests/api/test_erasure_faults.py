"""An erasure ends, and counts every row once, whatever is killed meanwhile; and it does not keep others waiting."""

import os
import threading
import time

import httpx
import pytest

from harness.beside import Beside
from harness.daemon import BUSY_SECONDS, SERVICES, WITHOUT_TLS, Daemons
from harness.progress_log import verify
from harness.samples import event_body, new_lab, new_user
from harness.tokens import Issuer
from harness.trio import ERASING, TABLES, Trio, Writer, chance, person_with_data
from harness.wait import until

ROWS = int(os.environ.get("ERASURE_ROWS", "6000"))  # of a large person, in each service
SETTINGS = {**ERASING, "INGEST_TIMEOUT_MS": os.environ.get("ERASURE_INGEST_TIMEOUT_MS", "3000")}
LONGEST = 60  # seconds until such a person is erased and verified

@pytest.fixture
def own(own_postgres, tmp_path):
    """Three services and a PostgreSQL of the test's own, to be killed."""
    with Daemons(tmp_path) as daemons:
        trio = Trio(daemons, own_postgres, Issuer(tmp_path), **SETTINGS)
        yield trio.start_all()
        trio.close()


@pytest.mark.parametrize("written", [False, True], ids=["nobody writes", "a writer posts for the person"])
def test_it_ends_and_counts_every_row_once_whatever_is_killed(own, written):
    random = chance(f"written {written}")
    lab = new_lab(own.of["user-progress"])
    user, expected = person_with_data(own, lab)
    own.fill(user, lab, ROWS)
    for service, tables in TABLES.items():
        expected[service][tables[service == "user-progress"]] += ROWS
    with Writer(own, user, lab) if written else threading.Lock() as writer:
        if written:
            until(lambda: all(n > 5 for n in writer.stored.values()), "the writer to be stored")
        erasure = own.begin(user["id"])
        for victim in random.sample([*SERVICES, "postgres"], 4):
            time.sleep(random.uniform(0, 0.7))  # the moment of the kill is what differs
            if victim == "postgres":
                own.postgres.kill()
                own.postgres.start()
            else:
                own.daemons[victim].kill()
                own.start(victim)
        receipt = own.becomes(erasure, seconds=120)
        assert own.lines_about(user["id"], user["username"], user["email"]) == []
    assert own.lines_about(user["id"], user["username"], user["email"]) == []
    assert verify(own.daemons["user-progress"])[0] == 0
    if not written:
        assert receipt["services"] == expected and receipt["late"] == {}
        return
    for service, tables in TABLES.items():
        table = tables[service == "user-progress"]
        counted = receipt["services"][service][table] + receipt["late"].get(table, 0)
        assert counted >= expected[service][table] + writer.stored[service]


class Others(Beside):
    """Somebody else's events, posted one after the other; how long each took, in seconds."""

    def __init__(self, trio: Trio, lab: dict):
        super().__init__()
        self.url = str(trio.of["usage-analytics"].base_url)
        self.body = event_body(new_user(trio.of["user-progress"]), lab)
        self.took: list[float] = []
        self.threads = [threading.Thread(target=self.write) for _ in range(4)]

    def write(self) -> None:
        with httpx.Client(base_url=self.url, timeout=30, **WITHOUT_TLS) as client:
            while not self.stopping.wait(0.005):
                since = time.monotonic()
                assert client.post("/analytics/event", json=self.body).status_code == 200
                self.took.append(time.monotonic() - since)

    def p99(self, since: int) -> float:
        took = sorted(self.took[since:])
        return took[len(took) * 99 // 100]


def test_a_person_with_many_rows_is_erased_and_verified_in_a_minute_while_others_write(own):
    lab = new_lab(own.of["user-progress"])
    user = new_user(own.of["user-progress"])
    own.fill(user, lab, ROWS)
    with Others(own, lab) as others:
        until(lambda: len(others.took) >= 200, "events of others")
        before, posted, since = others.p99(0), len(others.took), time.monotonic()
        receipt = own.becomes(own.begin(user["id"]), seconds=2 * LONGEST)
        took = time.monotonic() - since
        assert len(others.took) > posted
        during = others.p99(posted)
    print(f"{ROWS} rows in each service in {took:.1f} s; p99 of others {before * 1e3:.1f} ms before, {during * 1e3:.1f} ms during it")
    assert took < LONGEST and during < BUSY_SECONDS
    assert [receipt["services"][s][TABLES[s][s == "user-progress"]] for s in SERVICES] == [ROWS] * 3
    assert own.lines_about(user["id"]) == []
