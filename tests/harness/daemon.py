"""A daemon under test: started on a free port, its log in a file, its end checked."""

import os
import re
import shlex
import signal
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from harness import document, metrics
from harness.postgres import ROOT, Server
from harness.wait import until

VARIANT = os.environ.get("VARIANT", "release")
WRAPPER = shlex.split(os.environ.get("TEST_WRAPPER", ""))  # for example `valgrind --error-exitcode=99`
START_SECONDS = 60  # under valgrind, on a busy machine
STOP_SECONDS = 30
LOG_TAIL = 8000  # bytes of the log that a failed test shows
# What a busy machine may add to a time that is promised. What a test with such a bound finds takes longer than that.
BUSY_SECONDS = 8.0
BACK_SECONDS = 1 + BUSY_SECONDS  # until it works again after a fault is over
# Settings of a daemon whose answers matter and not how long they take: its own deadlines are short for a busy machine.
PATIENT = {
    "LOOKUP_CONNECT_TIMEOUT_MS": "5000",
    "LOOKUP_TIMEOUT_MS": "20000",
    "REQUEST_TIMEOUT_MS": "30000",
    "REPORT_TIMEOUT_MS": "60000",
    "INGEST_TIMEOUT_MS": "60000",
    "HEADER_TIMEOUT_MS": "60000",
}

# For httpx, which otherwise reads all certificates of authorities for each client: 50 ms of a core.
WITHOUT_TLS = {"verify": False, "trust_env": False}

# The services of this project, as tools/services lists them.
SERVICES = [
    line.split()[0]
    for line in (ROOT / "tools" / "services").read_text().splitlines()
    if line and not line.startswith("#")
]


def elsewhere(service: str) -> str:
    """The address of a service that runs already and is tested instead of a daemon of the tests; or nothing."""
    return os.environ.get(f"TEST_{service.upper().replace('-', '_')}_URL", "").rstrip("/")


ELSEWHERE = elsewhere("user-progress")

SANITIZER_REPORT = re.compile(r"(ERROR: \w+Sanitizer|WARNING: \w+Sanitizer|runtime error:)")


def binary(service: str) -> Path:
    return ROOT / "build" / VARIANT / "bin" / service


def make_schema(service: str, server: Server, database: str) -> str:
    """Makes the tables as the owner of a database; the URL by the role that only serves.

    With TEST_ONE_ROLE the URL is the superuser's and the service makes them: PgBouncer knows no other role here.
    """
    if "TEST_ONE_ROLE" in os.environ:
        return server.url(database)
    settings = {
        **os.environ,
        "SCHEMA_DATABASE_URL": server.url(database, "owner"),
        "DATABASE_URL": (url := server.url(database, "role")),
    }
    run_schema(service, settings)
    return url


def run_schema(service: str, settings: dict[str, str]) -> None:
    subprocess.run([binary(service), "schema"], env=settings, check=True, timeout=START_SECONDS, capture_output=True)


def database_of(service: str, server: Server) -> str:
    """A new database that has the service's schema to its last step: a copy of one that is made once.

    For tests of what follows; those of how a schema is made start a daemon on an empty database.
    """
    if "TEST_ONE_ROLE" in os.environ:  # PgBouncer keeps connections, and with one nothing can be copied
        return server.create_database()
    if service not in server.schemas:
        url = server.url(name := server.create_database("schema"))
        run_schema(service, {**os.environ, "DATABASE_URL": url, "SCHEMA_DATABASE_URL": url})
        server.schemas[service] = name
    return server.create_database(options=f'TEMPLATE "{server.schemas[service]}"')


def client(url: str, **options) -> httpx.Client:
    """A client whose every answer is held to the service's OpenAPI document."""
    options = {"timeout": 30, **WITHOUT_TLS, **options}
    return httpx.Client(base_url=url, event_hooks={"response": [document.check_httpx]}, **options)


class Daemon:
    """One process. `settings` go to its environment, over those that every test has."""

    running: list["Daemon"] = []

    def __init__(
        self,
        service: str,
        log: Path,
        settings: dict[str, str],
        arguments: tuple[str, ...] = (),
        inside: tuple[str, ...] = (),
    ):
        self.service = service
        self.log = log
        self.settings = settings
        self.arguments = arguments
        self.inside = inside  # a command that becomes the daemon
        self.process: subprocess.Popen | None = None
        self.url = ""
        self.marked = 0  # bytes of the log that a running test has nothing to do with

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {
            **kept,
            "PORT": "0",
            "BIND_ADDRESS": "127.0.0.1",
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "detect_leaks=1"),
            "UBSAN_OPTIONS": os.environ.get("UBSAN_OPTIONS", "print_stacktrace=1"),
            **self.settings,
        }

    def start(self) -> "Daemon":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.inside, *WRAPPER, binary(self.service), *self.arguments],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        Daemon.running.append(self)
        self.url = self.read_address()
        document.services[urlsplit(self.url).netloc] = self.service
        return self

    def read_address(self) -> str:
        """The address that it prints; fails when it ends first or prints none in time."""
        too_late = threading.Timer(START_SECONDS, self.process.kill)
        too_late.start()
        try:
            for line in self.process.stdout:
                if found := re.match(r"listening on (http://\S+)", line):
                    return found[1]
        finally:
            too_late.cancel()
        raise AssertionError(f"{self.service} did not start:\n{self.log_tail()}")

    def ready(self) -> "Daemon":
        """Waits until it can answer from its database."""
        with self.client() as client:
            until(lambda: client.get("/readyz").status_code == 200, f"{self.service} to be ready")
        return self

    def settled(self) -> "Daemon":
        """Waits until it is ready and every step of its schema is done, the indexes included."""
        self.ready()
        until(lambda: metrics.samples(self.url).of("database_schema_steps_waiting") == 0, "the schema's steps")
        return self

    @property
    def pid(self) -> int:
        return self.process.pid

    def client(self, **options) -> httpx.Client:
        return client(self.url, **options)

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")

    def mark_log(self) -> None:
        """What is logged from now on belongs to the next test."""
        self.marked = self.log.stat().st_size

    def log_tail(self) -> str:
        """The end of what was logged since the mark."""
        return self.log.read_bytes()[self.marked :][-LOG_TAIL:].decode(errors="replace")

    def signal(self, how: signal.Signals) -> None:
        self.process.send_signal(how)

    def freeze(self) -> None:
        """Stops it as a debugger would. Its threads go on until each of them has seen the signal: waits for that."""
        self.signal(signal.SIGSTOP)
        threads = Path(f"/proc/{self.pid}/task")
        stopped = re.compile(r"\) T ")
        until(
            lambda: all(stopped.search((thread / "stat").read_text()) for thread in threads.iterdir()),
            f"{self.service} to stand still",
        )

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def wait(self) -> int:
        """Waits for its end and returns the exit status."""
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(
                f"{self.service} was still running {STOP_SECONDS} s after it was told to end"
            ) from None
        finally:
            Daemon.running.remove(self)
            self.process.stdout.close()

    def kill(self) -> None:
        """The crash: nothing of the process gets to run."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """Ends it as an operator would: exit status 0, and no sanitizer found anything."""
        if self.process is None or self.process.returncode is not None:
            return
        self.signal(signal.SIGTERM)
        status = self.wait()
        assert not SANITIZER_REPORT.search(self.log_text()), self.log_tail()
        assert status == 0, f"{self.service} ended with {status}:\n{self.log_tail()}"


class Daemons:
    """Daemons that log to one directory and end together, each as an operator would end it."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.started: list[Daemon] = []

    def __enter__(self) -> "Daemons":
        return self

    def __exit__(self, *_) -> None:
        try:
            for daemon in self.started:
                daemon.stop()
        finally:
            for daemon in self.started:
                if daemon in Daemon.running:
                    daemon.kill()

    def start(
        self, service: str = "user-progress", *arguments: str, inside: tuple[str, ...] = (), **settings: str
    ) -> Daemon:
        log = self.directory / f"{service}-{len(self.started)}.log"
        self.started.append(Daemon(service, log, settings, arguments, inside))
        return self.started[-1].start()
