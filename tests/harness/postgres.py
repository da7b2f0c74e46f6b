"""PostgreSQL servers for tests: the one that the environment names, or one started and stopped by tools/postgres."""

import os
import signal
import subprocess
import tempfile
import uuid
from contextlib import closing
from pathlib import Path

import psycopg2

from harness.wait import until

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "postgres"

# A crash of the server alone loses nothing without fsync: what it wrote is with the kernel.
QUICK = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}


PASSWORD = "only-for-tests"  # of roles


class Server:
    """A server that accepts connections at an address."""

    def __init__(self, address: dict[str, str]):
        self.address = address
        self.schemas: dict[str, str] = {}  # databases to copy, by service

    def url(self, database: str, role: str = "") -> str:
        """The URL of a database: by the superuser, or by one of its roles, `owner` or `role` (create_owned_database)."""
        a = self.address
        user = f"{database}_{role}:{PASSWORD}" if role else a["PGUSER"]
        return f"postgresql://{user}@/{database}?host={a['PGHOST']}&port={a['PGPORT']}"

    def connect(self, database: str, autocommit: bool = True):
        connection = psycopg2.connect(self.url(database))
        connection.autocommit = autocommit
        return connection

    def has(self, database: str) -> bool:
        """Whether it lets one connect to it."""
        try:
            self.connect(database).close()
            return True
        except psycopg2.OperationalError:
            return False

    def create_database(self, prefix: str = "test", options: str = "") -> str:
        """A new, empty database with a name of its own, made with CREATE DATABASE's options."""
        name = f"{prefix}_{uuid.uuid4().hex[:12]}"
        with closing(self.connect("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}" {options}')
        return name

    def create_owned_database(self, prefix: str = "test") -> str:
        """The same with two roles: one that owns it, and one that may do nothing yet."""
        name = self.create_database(prefix)
        with closing(self.connect("postgres")) as connection, connection.cursor() as cursor:
            for role in ("owner", "role"):
                cursor.execute(f"CREATE ROLE {name}_{role} LOGIN PASSWORD '{PASSWORD}'")
            cursor.execute(f"ALTER DATABASE {name} OWNER TO {name}_owner")
        return name


def programs() -> Path:
    """Where the newest PostgreSQL of this machine has its programs, as tools/postgres finds it."""
    with tempfile.TemporaryDirectory() as nothing:
        done = subprocess.run([TOOL, "bin", nothing], check=True, stdout=subprocess.PIPE, text=True, timeout=30)
    return Path(done.stdout.strip())


def named_by_environment() -> Server | None:
    """The server of PGHOST, PGPORT and PGUSER, where they are set."""
    names = ("PGHOST", "PGPORT", "PGUSER")
    if any(name not in os.environ for name in names):
        return None
    return Server({name: os.environ[name] for name in (*names, "PGPASSFILE") if name in os.environ})


def waiting_backends(cursor, database: str) -> int:
    """How many sessions of a database wait for a lock."""
    cursor.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'", [database]
    )
    return cursor.fetchone()[0]


class Postgres(Server):
    """A server of the test's own, to be stopped and killed."""

    def __init__(self, directory: Path, **settings: str):
        super().__init__({})
        self.directory = directory
        self.settings = {**QUICK, **settings}

    def start(self) -> None:
        self.run_tool("start", self.directory)

    def run_tool(self, *what) -> None:
        """Has tools/postgres start the server in its way; the address is what it prints."""
        settings = [f"{name}={value}" for name, value in self.settings.items()]
        done = subprocess.run(
            [TOOL, *what, *settings],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=120,
        )
        self.address |= dict(line.split("=", 1) for line in done.stdout.split())

    def stop(self) -> None:
        subprocess.run([TOOL, "stop", self.directory], check=True, timeout=120)

    def remove(self) -> None:
        subprocess.run([TOOL, "remove", self.directory], check=True, timeout=120)

    def kill(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Ends it at once: SIGQUIT is PostgreSQL's immediate stop, SIGKILL its crash. Waits until it is gone."""
        pid = int((self.directory / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        os.kill(pid, how)
        until(lambda: not any(Path(f"/proc/{p}").exists() for p in [pid, *children]), "PostgreSQL to be gone")


class Replica(Postgres):
    """A streaming replica: it has what its primary wrote, and takes no writes until it is promoted."""

    def __init__(self, directory: Path, primary: Postgres):
        super().__init__(directory, **primary.settings)
        self.primary = primary

    def start(self) -> None:
        self.run_tool("follow", self.directory, self.primary.directory)

    def promote(self) -> None:
        """Returns when it takes writes."""
        subprocess.run([TOOL, "promote", self.directory], check=True, timeout=120)


def any_of(database: str, *servers: Server) -> str:
    """The URL of a database on several servers, to be tried in their order."""
    addresses = [server.address for server in servers]
    hosts, ports = (",".join(a[name] for a in addresses) for name in ("PGHOST", "PGPORT"))
    return f"postgresql:///{database}?host={hosts}&port={ports}&user={addresses[0]['PGUSER']}"
