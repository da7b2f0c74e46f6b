"""The progress log while PostgreSQL and the daemon die under it: acknowledged writes are there exactly once."""

import threading
from collections import Counter

import httpx
import pytest

from harness.beside import Beside
from harness.daemon import WITHOUT_TLS
from harness.samples import new_user, token
from harness.tokens import Issuer
from harness.wait import until

WRITERS = 8
KILLS = 3


class Writers(Beside):
    """Set the member `w` of one entry to a name of its own, again and again."""

    def __init__(self, address, bearer: dict[str, str], path: str):
        super().__init__()
        self.address, self.bearer, self.path = address, bearer, path
        self.acknowledged, self.attempted, self.statuses = set(), set(), Counter()
        self.threads = [threading.Thread(target=self.write, daemon=True) for _ in range(WRITERS)]

    def write(self) -> None:
        while not self.stopping.is_set():
            with httpx.Client(base_url=self.address(), headers=self.bearer, timeout=30, **WITHOUT_TLS) as client:
                try:
                    while not self.stopping.is_set():
                        name = token()
                        self.attempted.add(name)
                        status = client.put(self.path, json={"w": name}).status_code
                        self.statuses[status] += 1
                        if status == 200:
                            self.acknowledged.add(name)
                except httpx.TransportError:
                    self.statuses["lost"] += 1

    def wait_for_more(self, writes: int) -> None:
        wanted = len(self.acknowledged) + writes
        until(lambda: len(self.acknowledged) >= wanted, f"{writes} more acknowledged writes")


@pytest.mark.parametrize("victim", ["postgres", "daemon"])
def test_acknowledged_changes_are_in_the_history_once(own_postgres, start_daemon, tmp_path, victim):
    issuer = Issuer(tmp_path)
    database = own_postgres.url(own_postgres.create_database())
    daemon = [start_daemon(DATABASE_URL=database, **issuer.settings).ready()]
    with daemon[0].client(headers=issuer.bearer()) as client:
        user = new_user(client)["id"]
        entry = client.post("/api/progress/log", json={"user_id": user, "w": ""}).json()["id"]
    path = f"/api/progress/log/{entry}"
    with Writers(lambda: daemon[0].url, issuer.bearer(), path) as writers:
        for _ in range(KILLS):
            writers.wait_for_more(50)
            if victim == "postgres":
                own_postgres.kill()
                own_postgres.start()
            else:
                daemon[0].kill()
                daemon[0] = start_daemon(DATABASE_URL=database, **issuer.settings).ready()
        writers.wait_for_more(50)
    with daemon[0].client(headers=issuer.bearer()) as client:
        events = client.get(f"{path}/history").json()
        stands = client.get(f"/api/progress/{user}").json()["progress_logs"]
    written = Counter(event["entry"]["w"] for event in events[1:])
    assert set(writers.statuses) <= {200, 503, "lost"}, writers.statuses
    assert not writers.acknowledged - set(written), "acknowledged changes are lost"
    assert not set(written) - writers.attempted, "there are changes that nobody attempted"
    assert set(written.values()) == {1}, "changes are there twice"
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    assert stands == [events[-1]["entry"]]
