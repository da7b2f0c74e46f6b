"""The three services on a PostgreSQL with its durable defaults, and what their processes use, for programs that measure."""

import http.client
import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ROOT / "build" / os.environ.get("VARIANT", "release") / "bin"
# Whether many rows are not yet in the sums that a service keeps. A few never are, and where all are few `upto` stays the
# least number.
BEHIND = {
    "user-progress": "SELECT (SELECT max(id) FROM lab_attempts) > greatest(upto, 0) + 1000 FROM attempt_state",
    "performance-reporting": "SELECT (SELECT max(id) FROM user_performance) > greatest(upto, 0) + 1000 FROM performance_state",
    "usage-analytics": "SELECT EXISTS (SELECT FROM usage_marks) OR (SELECT count(*) > 5000 FROM usage_notes)",
}
SERVICES = tuple(BEHIND)  # in the order in which they start


def processor_seconds(processes):
    """The processor time of each."""
    used = {}
    for pid in processes:
        try:
            tasks = list(Path(f"/proc/{pid}/task").iterdir())
            used[pid] = sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
        except OSError:
            pass  # it has ended
    return used


def used_since(before, processes):
    """Of processes that are still there, those that have been started since included."""
    return sum(used - before.get(pid, 0) for pid, used in processor_seconds(processes).items())


def private_kib(pid):
    return sum(int(n) for n in re.findall(r"^Private_\w+:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M))


class Stack:
    def __init__(self, directory: str, users: int):
        self.directory, self.tool, self.daemons, self.urls = directory, ROOT / "tools/postgres", {}, {}
        printed = subprocess.run([self.tool, "start", directory], check=True, capture_output=True, text=True)
        self.env = {**os.environ, **dict(line.split("=", 1) for line in printed.stdout.splitlines()), "BENCH_USERS": str(users)}
        for service in SERVICES:
            self.start(service)
        self.sql("user-progress", "-v", f"users={users}", "-f", str(ROOT / "bench/seed.sql"))

    def sql(self, service, *arguments):
        command = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", *arguments, service.replace("-", "_")]
        return subprocess.run(command, env=self.env, check=True, capture_output=True, text=True).stdout.strip()

    def start(self, service):
        name = service.replace("-", "_")
        subprocess.run(["createdb", name], env=self.env, check=True)
        url = f"postgresql://{self.env['PGUSER']}@/{name}?host={self.env['PGHOST']}&port={self.env['PGPORT']}"
        settings = {**self.env, "DATABASE_URL": url, "PORT": "0", "BIND_ADDRESS": "127.0.0.1", "WORKERS": "1", "LOG_LEVEL": "warning"}
        settings["USER_PROGRESS_SERVICE_URL"] = self.urls.get("user-progress", "")
        daemon = subprocess.Popen([PROGRAMS / service], env=settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.daemons[service], self.urls[service] = daemon, daemon.stdout.readline().split()[-1]
        while " 0" not in self.metric(service, "database_schema_steps_waiting"):
            time.sleep(0.1)

    def metric(self, service, name):
        status, body, _ = ask(self.urls[service], "GET", "/metrics")
        return next((line for line in body.decode().splitlines() if line.startswith(name)), "")

    def processes(self):
        """The services, and PostgreSQL with its sessions."""
        postmaster = (Path(self.directory) / "data/postmaster.pid").resolve().read_text().split()[0]
        children = subprocess.run(["pgrep", "-P", postmaster], capture_output=True, text=True).stdout.split()
        return [postmaster, *children, *(str(daemon.pid) for daemon in self.daemons.values())]

    def stop(self):
        for daemon in self.daemons.values():
            daemon.terminate()
            daemon.wait(30)
        subprocess.run([self.tool, "remove", self.directory], check=True)


def ask(url, method, path, body=None, connection=None):
    """The status, the body and the seconds that it took."""
    kept = connection or http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    since = time.monotonic()
    kept.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    answer = kept.getresponse()
    got = answer.read()
    if not connection:
        kept.close()
    return answer.status, got, time.monotonic() - since


@contextmanager
def started(users: int):
    """A stack with the users and the lab of seed.sql, which is deleted afterwards."""
    directory = tempfile.mkdtemp(prefix="bench-")
    stack = Stack(directory, users)
    try:
        yield stack
    finally:
        stack.stop()
        shutil.rmtree(directory, ignore_errors=True)
