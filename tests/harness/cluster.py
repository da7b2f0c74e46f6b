"""Three PostgreSQL under Patroni, with one etcd, as real processes on free ports of 127.0.0.1.

Nothing that was acknowledged may be lost, so a commit waits for a second server (`synchronous_mode`), and goes on
waiting where there is none (`synchronous_mode_strict`). The times are short: about ten seconds after the leader was
last heard of, another is elected. Patroni 4 raises `ttl` to 20 by itself.

Patroni speaks version 2 of etcd's protocol. With version 3, Patroni 3.0.2 of Debian 12 lets a leader that stood still
take the lead back from its successor, whose writes are then lost (Patroni's pull request 2689, in later versions).

Everything that a member is reached by, and that it reaches etcd by, leads over a HAProxy of its own, its link: while
that stands still, the member is cut off. Connections stay open and silent, as in a network that loses all packets.
"""

import json
import random
import shutil
import socket
import tempfile
from contextlib import closing
from pathlib import Path

import httpx
import psycopg2

from harness.daemon import WITHOUT_TLS
from harness.machine import Machine
from harness.postgres import PASSWORD, QUICK, Server
from harness.wait import until

NAMES = ("one", "two", "three")
SETTLE_SECONDS = 120  # until all members follow the leader: a copy of the data, or pg_rewind, on a busy machine
ELECT_SECONDS = 60
ASK_SECONDS = 3  # for an answer of Patroni

RULES = {
    "ttl": 10,  # seconds that a leader stays one without being heard of
    "loop_wait": 1,
    "retry_timeout": 3,
    "synchronous_mode": True,
    "synchronous_mode_strict": True,
    "postgresql": {
        "use_pg_rewind": True,
        "parameters": {
            **QUICK,
            "full_page_writes": "on",  # pg_rewind requires it
            "wal_keep_size": "256MB",
            "wal_retrieve_retry_interval": "500ms",  # a standby's next try to reach a leader
        },
    },
}


def free_ports(count: int) -> list[int]:
    """Ports below the kernel's range of automatic ones, so that they are still free when a member starts again."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20000, 32000)
        with socket.socket() as some:
            if port not in found and some.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found


def at(port: int) -> str:
    return f"127.0.0.1:{port}"


class Member(Machine):
    """A PostgreSQL and its Patroni, and beside them their link."""

    def __init__(self, directory: Path, etcd: int, programs: Path):
        super().__init__(directory)
        self.name = directory.name
        self.own = dict(zip(("postgres", "patroni"), free_ports(2)), etcd=etcd)
        self.linked = dict(zip(self.own, free_ports(3)))
        self.link = Machine(directory.with_name(f"link-{self.name}"))
        self.link.write("haproxy.cfg", self.links())
        self.write("patroni.json", json.dumps(self.settings(programs), indent=2))  # JSON is YAML

    def links(self) -> str:
        ways = "".join(
            f"listen {name}\n  bind {at(self.linked[name])}\n  server {name} {at(port)}\n"
            for name, port in self.own.items()
        )
        return (
            "global\n  maxconn 1000\n  nbthread 1\n"
            f"defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n{ways}"
        )

    def settings(self, programs: Path) -> dict:
        roles = {"superuser": "postgres", "replication": "replicator"}
        return {
            "scope": "test",
            "name": self.name,
            "restapi": {"listen": at(self.own["patroni"]), "connect_address": at(self.linked["patroni"])},
            # etcd's own address, which it tells its clients, does not lead over the link.
            "etcd": {"hosts": [at(self.linked["etcd"])], "use_proxies": True},
            "bootstrap": {
                "dcs": RULES,
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums", "no-sync"],
            },
            "postgresql": {
                "listen": at(self.own["postgres"]),
                "connect_address": at(self.linked["postgres"]),
                "data_dir": str(self.directory / "data"),
                "bin_dir": str(programs),
                "basebackup": ["no-sync", {"checkpoint": "fast"}],
                "use_unix_socket": True,
                "authentication": {
                    of: {"username": role, "password": PASSWORD} for of, role in roles.items()
                },
                "parameters": {"unix_socket_directories": str(self.directory)},
                "pg_hba": [
                    "local all all trust",
                    "host all all 127.0.0.1/32 scram-sha-256",
                    "host replication replicator 127.0.0.1/32 scram-sha-256",
                ],
            },
        }

    def start(self) -> None:
        if not self.link.processes():
            self.link.run("/usr/sbin/haproxy", "-db", "-f", "haproxy.cfg")
        self.run("/usr/bin/patroni", "patroni.json")

    def here(self) -> Server:
        """The server as a program on the same machine reaches it."""
        return Server({"PGHOST": str(self.directory), "PGPORT": str(self.own["postgres"]), "PGUSER": "postgres"})

    def ask(self, method: str, path: str, body: dict | None = None, seconds: float = ASK_SECONDS) -> httpx.Response:
        """Patroni's answer, asked on the same machine."""
        url = f"http://{at(self.own['patroni'])}{path}"
        return httpx.request(method, url, json=body, timeout=seconds, **WITHOUT_TLS)

    def state(self) -> list[dict]:
        """All members as this one sees them: name, role, state, timeline. Empty where it does not answer."""
        try:
            return self.ask("GET", "/cluster").json()["members"]
        except (httpx.HTTPError, KeyError, ValueError):
            return []

    def streaming(self) -> int:
        """How many servers receive what it writes."""
        try:
            with closing(self.here().connect("postgres")) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
                return cursor.fetchone()[0]
        except psycopg2.OperationalError:
            return 0


class Cluster(Server):
    """Runs in a `with`. As a server it is all of its members' addresses; `connect` is to the one that takes writes."""

    def __init__(self, programs: Path):
        self.directory = Path(tempfile.mkdtemp(prefix="cluster-", dir="/var/tmp"))
        self.directory.chmod(0o711)  # each machine in it is its owner's alone
        client, peer = free_ports(2)
        self.etcd = Machine(self.directory / "etcd")
        self.etcd_ports = {"client": f"http://{at(client)}", "peer": f"http://{at(peer)}"}
        self.members = [Member(self.directory / name, client, programs) for name in NAMES]
        ports = [str(member.linked["postgres"]) for member in self.members]
        super().__init__({
            "PGHOST": ",".join(["127.0.0.1"] * len(ports)),
            "PGPORT": ",".join(ports),
            "PGUSER": f"postgres:{PASSWORD}",
        })

    def __enter__(self) -> "Cluster":
        try:
            client, peer = self.etcd_ports["client"], self.etcd_ports["peer"]
            self.etcd.run(
                "/usr/bin/etcd", "--data-dir=data", "--logger=zap", "--enable-v2=true",
                f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
            )  # fmt: skip
            for member in self.members:
                member.start()
            self.settle(until(self.leader, "a leader", SETTLE_SECONDS))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        for member in self.members:
            member.kill()
            member.link.kill()
        self.etcd.kill()
        shutil.rmtree(self.directory)

    def connect(self, database: str, autocommit: bool = True):
        connection = psycopg2.connect(
            self.url(database), target_session_attrs="read-write", connect_timeout=ASK_SECONDS
        )
        connection.autocommit = autocommit
        return connection

    def leader(self, besides: Member | None = None) -> Member | None:
        """Who leads in the eyes of the others. One that stood still does not know at first what happened meanwhile."""
        for member in self.members:
            state = member.state() if member is not besides else []
            names = [m["name"] for m in state if m["role"] == "leader" and m["state"] == "running"]
            if names and (besides is None or names != [besides.name]):
                return next(member for member in self.members if [member.name] == names)
        return None

    def settle(self, leader: Member) -> None:
        """Waits until it leads, one is waited for with every commit, and all have the same history."""

        def settled() -> bool:
            state = leader.state()
            return (
                sorted(member["role"] for member in state) == ["leader", "replica", "sync_standby"]
                and [member["name"] for member in state if member["role"] == "leader"] == [leader.name]
                and all(member["state"] in ("running", "streaming") for member in state)
                and len({member.get("timeline") for member in state}) == 1
                and leader.streaming() == len(NAMES) - 1
            )

        try:
            until(settled, "the members to follow a leader", SETTLE_SECONDS)
        except AssertionError as error:
            logs = "\n".join(f"== {member.name}\n{member.log_tail()}" for member in self.members)
            raise AssertionError(f"{error}\n{leader.state()}\n{logs}") from error

    def next_leader(self, former: Member) -> Member:
        return until(lambda: self.leader(besides=former), f"another leader than {former.name}", ELECT_SECONDS)
