"""Dumps of the three services' databases, restored elsewhere; writers beside; and reports held against the raw rows."""

import os
import subprocess
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import httpx

from harness import progress_log, reports
from harness.beside import Beside
from harness.daemon import SERVICES, WITHOUT_TLS, Daemons, make_schema
from harness.postgres import Postgres, Server
from harness.samples import attempt_body, created, event_body, new_lab, new_user, record_body, token
from harness.tokens import Issuer
from harness.trio import Trio
from harness.wait import until

# Of each service: where one item is written, its body with a name that is written once, and the names that are stored.
ONE = {
    "user-progress": (
        "/progress/lab-attempt",
        lambda user, lab, name: attempt_body(user, lab, errors_encountered=[name]),
        "SELECT errors_encountered[1] FROM lab_attempts WHERE cardinality(errors_encountered) = 1",
    ),
    "performance-reporting": (
        "/performance/record",
        lambda user, lab, name: record_body(user, lab, errors=[name]),
        "SELECT errors ->> 0 FROM user_performance WHERE errors ->> 0 <> 'no_route'",
    ),
    "usage-analytics": (
        "/analytics/event",
        lambda user, lab, name: event_body(user, lab, event_data={"session_id": name}),
        "SELECT event_data ->> 'session_id' FROM usage_events WHERE event_data ->> 'session_id' <> ''",
    ),
}
# Whether everything that was written is in the sums that a service keeps.
FOLDED = {
    "user-progress": "SELECT NOT EXISTS (SELECT FROM attempt_notes WHERE n >= notes_from) AND upto > 0 FROM attempt_state",
    "performance-reporting": "SELECT NOT EXISTS (SELECT FROM performance_notes WHERE n >= notes_from) AND upto > 0"
    " FROM performance_state",
    "usage-analytics": "SELECT taken_over AND NOT EXISTS (SELECT FROM usage_notes)"
    " AND NOT EXISTS (SELECT FROM usage_marks) FROM usage_state",
}
DAYS = (30, reports.WHOLE_HISTORY + 1)
WAIT_SECONDS = 120


def owned_databases(server: Server) -> dict[str, str]:
    """A database with roles of its own for each service: names that no other server has."""
    return {service: server.create_owned_database() for service in SERVICES}


def run(*command, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_SECONDS, **options)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def dump(server: Server, databases: dict[str, str], directory: Path) -> dict[str, Path]:
    """A file of pg_dump's custom format for each service, in the order that docs/backup.md gives."""
    files = {service: directory / f"{service}.dump" for service in SERVICES}
    for service, file in files.items():
        run("pg_dump", "--format=custom", f"--file={file}", server.url(databases[service]))
    return files


def restore_for_others(server: Server, databases: dict[str, str], files: dict[str, Path]) -> None:
    """Into databases of other names, with other roles, which `SERVICE schema` then grants what they need."""
    for service, name in databases.items():
        options = ("--exit-on-error", "--no-owner", "--no-privileges", f"--role={name}_owner")
        run("pg_restore", *options, f"--dbname={server.url(name)}", files[service])
        make_schema(service, server, name)


def restore_as_it_was(server: Server, files: dict[str, Path], roles: str, program: tuple = ("pg_restore",)) -> None:
    """Into a server that has nothing: the roles, then databases with the names, owners and grants that they had.

    `program` is the pg_restore of the server's version; it reads its standard input.
    """
    admin = server.url("postgres")
    # Every server has the superuser, so making that role fails, and nothing else does.
    said = subprocess.run(["psql", "-Xq", admin], input=roles, capture_output=True, text=True, timeout=WAIT_SECONDS)
    assert [line for line in said.stderr.splitlines() if 'role "postgres" already exists' not in line] == []
    for file in files.values():
        with file.open("rb") as content:
            where = {**os.environ, **server.address}  # a program in a container has its own
            run(*program, "--exit-on-error", "--create", "--dbname=postgres", "-U", "postgres", stdin=content, env=where)


@dataclass
class Written:
    """Names by what a service said about them."""

    acknowledged: set = field(default_factory=set)
    sent_to_be_deleted: set = field(default_factory=set)
    deleted: set = field(default_factory=set)

    def copy(self) -> "Written":
        return Written(set(self.acknowledged), set(self.sent_to_be_deleted), set(self.deleted))


class Writers(Beside):
    """A thread for each service that adds items one by one, and corrects and deletes some that are there already."""

    def __init__(self, trio: Trio, user: dict, lab: dict):
        super().__init__()
        self.trio, self.user, self.lab = trio, user, lab
        self.written = {service: Written() for service in SERVICES}
        self.faults: list[str] = []
        self.threads = [threading.Thread(target=self.write, args=(service,)) for service in SERVICES]

    def write(self, service: str) -> None:
        path, body_of, _ = ONE[service]
        written, ids = self.written[service], {}
        with httpx.Client(base_url=self.trio.of[service].base_url, timeout=30, **WITHOUT_TLS) as client:
            while not self.stopping.is_set():
                name = token()
                answer = client.post(path, json=body_of(self.user, self.lab, name))
                self.note(answer)
                ids[name] = answer.json().get("id")
                written.acknowledged.add(name)
                if len(ids) % 3 == 0:
                    self.note(client.put(f"{path}/{ids[name]}", json=body_of(self.user, self.lab, name)))
                if len(ids) % 4 == 0:
                    earlier = list(ids)[-3]
                    written.sent_to_be_deleted.add(earlier)
                    self.note(client.delete(f"{path}/{ids[earlier]}"))
                    written.deleted.add(earlier)

    def note(self, answer: httpx.Response) -> None:
        if answer.status_code != 200:
            self.faults.append(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}")
            self.stopping.set()

    def so_far(self) -> dict[str, Written]:
        return {service: written.copy() for service, written in self.written.items()}

    def wait_for_more(self, writes: int = 30) -> None:
        """Waits until each service has acknowledged so many more."""
        wanted = {service: len(written.acknowledged) + writes for service, written in self.written.items()}
        until(
            lambda: self.faults or all(len(self.written[s].acknowledged) >= wanted[s] for s in SERVICES),
            "more acknowledged writes",
            WAIT_SECONDS,
        )
        assert not self.faults, self.faults


class Course:
    """A lab and some users with much that was folded already, and what must be there after a restore."""

    ROWS = 3000  # of a user in each service, and users have sums from 100 on

    def __init__(self, trio: Trio):
        self.lab = new_lab(trio.of["user-progress"])
        self.users = [new_user(trio.of["user-progress"]) for _ in range(2)]
        for user in self.users:
            trio.fill(user, self.lab, self.ROWS)
        bearer = trio.bearer(self.users[0]["id"])
        for n in range(3):
            body = {"user_id": self.users[0]["id"], "step": n}
            entry = trio.of["user-progress"].post("/api/progress/log", json=body, headers=bearer).json()["id"]
            trio.of["user-progress"].put(f"/api/progress/log/{entry}", json={"step": n + 10}, headers=bearer)
        self.await_folded(trio)

    @staticmethod
    def await_folded(trio: Trio) -> None:
        for service, question in FOLDED.items():
            until(lambda: trio.rows(service, question) == [(True,)], f"{service} to fold everything", WAIT_SECONDS)

    def check_written(self, trio: Trio, before: dict[str, Written], after: dict[str, Written]) -> None:
        """What was acknowledged before a dump began is there once, and what was deleted before is not."""
        for service, (_, _, names) in ONE.items():
            stored = Counter(name for (name,) in trio.rows(service, names))
            kept = before[service].acknowledged - after[service].sent_to_be_deleted
            assert kept, "nothing was written before the dump"
            assert not kept - set(stored), f"{service}: acknowledged writes are not there"
            assert not before[service].deleted & set(stored), f"{service}: deleted items are there"
            assert not [name for name, count in stored.items() if count > 1], f"{service}: writes are there twice"

    def check_reports(self, trio: Trio) -> None:
        """Every report equals one computed again from the raw rows; nobody writes meanwhile."""
        records = [reports.Record(*row) for row in trio.rows("performance-reporting", reports.RECORDS)]
        performance, usage = trio.of["performance-reporting"], trio.of["usage-analytics"]
        lab_type = self.lab["lab_type"]
        assert created(performance.get(f"/performance/lab/{lab_type}")) == reports.performance_of_lab(records, self.lab)
        for user in self.users:
            expected = reports.performance_of_user(records, user, {lab_type: self.lab})
            assert created(performance.get(f"/performance/user/{user['id']}")) == expected
            self.check_stats(trio, user)
        events = [reports.Event(*row) for row in trio.rows("usage-analytics", reports.EVENTS)]
        for days in DAYS:
            now = datetime.now(timezone.utc)
            got = created(usage.get(f"/analytics/usage/lab/{lab_type}?days={days}"))
            assert got == reports.usage_of_lab(events, lab_type, now, days)
            got = created(usage.get(f"/analytics/trends?days={days}"))
            assert got == reports.trends(events, now, days)

    def check_stats(self, trio: Trio, user: dict) -> None:
        question = "SELECT completion_status, time_spent FROM lab_attempts WHERE user_id = %s"
        rows = trio.rows("user-progress", question, user["id"])
        stats = created(trio.of["user-progress"].get(f"/progress/stats/{user['id']}"))
        assert stats["total_attempts"] == len(rows)
        assert stats["successful_attempts"] == sum(done is True for done, _ in rows)
        assert stats["average_time_per_attempt"] == sum(seconds for _, seconds in rows) / len(rows)

    def check(self, trio: Trio) -> None:
        """Reports, from what is not folded and from the sums, and the progress log; nobody writes meanwhile."""
        self.check_reports(trio)
        self.await_folded(trio)
        self.check_reports(trio)
        status, lines = progress_log.verify(trio.daemons["user-progress"])
        assert status == 0 and lines[-1].endswith("0 differences"), lines

    def check_goes_on(self, trio: Trio) -> None:
        """More is written, which gets ids that nothing had, and all is exact again."""
        highest = {
            service: trio.rows(service, f"SELECT max(id) FROM {table}")[0][0]
            for service, table in zip(SERVICES, ("lab_attempts", "user_performance", "usage_events"))
        }
        for service, (path, body_of, _) in ONE.items():
            made = created(trio.of[service].post(path, json=body_of(self.users[0], self.lab, token())))
            assert made["id"] > highest[service]
        with Writers(trio, self.users[1], self.lab) as writers:
            writers.wait_for_more()
        assert not writers.faults, writers.faults
        self.check(trio)


@dataclass
class Saved:
    """Dumps of three services that went on writing, and what was acknowledged when they began and when they ended."""

    databases: dict[str, str]
    files: dict[str, Path]
    roles: str  # as SQL
    course: Course
    before: dict[str, Written]
    after: dict[str, Written]


def save_under_load(tmp_path_factory, issuer: Issuer, transactions: int = 0) -> Saved:
    """Of a server of their own, which has had at least so many transactions and is gone afterwards."""
    server = Postgres(tmp_path_factory.mktemp("first"))
    server.start()
    try:
        with Daemons(tmp_path_factory.mktemp("daemons")) as daemons:
            databases = owned_databases(server)
            for service, name in databases.items():
                make_schema(service, server, name)
            trio = Trio(daemons, server, issuer, databases).start_all()
            course = Course(trio)
            use_transactions(server, transactions)
            with Writers(trio, course.users[0], course.lab) as writers:
                writers.wait_for_more()
                before = writers.so_far()
                files = dump(server, databases, tmp_path_factory.mktemp("dumps"))
                after = writers.so_far()
                writers.wait_for_more()
            assert not writers.faults, writers.faults
        roles = run("pg_dumpall", "--roles-only", f"--dbname={server.url('postgres')}")
        return Saved(databases, files, roles, course, before, after)
    finally:
        server.remove()


def use_transactions(server: Server, many: int) -> None:
    """Uses up so many numbers of transactions of a server."""
    with closing(server.connect("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute(
            "DO $$ BEGIN FOR i IN 1..%s LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$", [many]
        )
