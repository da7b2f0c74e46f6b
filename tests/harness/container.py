"""PostgreSQL of another major version, in a container: the image of docker-compose.yml, on a volume of its own."""

import os
import re
import shlex
import subprocess
import tempfile
import uuid
from pathlib import Path

from harness.postgres import ROOT, Server
from harness.wait import until

COMMAND = shlex.split(os.environ.get("CONTAINER", "docker"))  # or what understands the same arguments
IMAGE = re.search(r"image: (postgres:\d+)", (ROOT / "docker-compose.yml").read_text())[1]
DATA = "/var/lib/postgresql/data"
SOCKETS = "/var/run/postgresql"
SECONDS = 60  # for a command; the first start makes the data


def container(*arguments: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, timeout=SECONDS, **options)


def why_none() -> str:
    """Why no container of the image runs here; empty if one does."""
    try:
        done = container("run", "--rm", "--entrypoint", "postgres", IMAGE, "--version", text=True)
    except (OSError, subprocess.TimeoutExpired) as fault:
        return f"CONTAINER={shlex.join(COMMAND)}: {fault}"
    return "" if done.returncode == 0 else f"{IMAGE} does not run: {done.stderr.strip()}"


class Container(Server):
    """Reached by its socket, whose directory is shared with it: there it asks nobody for a password."""

    def __init__(self):
        self.sockets = tempfile.mkdtemp(prefix="pg-", dir="/tmp")  # a socket's path is short
        self.name = f"test-{uuid.uuid4().hex[:12]}"  # of the container, and of its volume
        super().__init__({"PGHOST": self.sockets, "PGPORT": "5432", "PGUSER": "postgres"})

    def start(self) -> "Container":
        mounts = ("-v", f"{self.name}:{DATA}", "-v", f"{self.sockets}:{SOCKETS}")
        settings = ("-c", "fsync=off", "-c", "max_connections=200")
        password = ("-e", "POSTGRES_PASSWORD=only-for-tests")
        made = container("run", "-d", "--name", self.name, *mounts, *password, IMAGE, *settings, text=True)
        assert made.returncode == 0, made.stderr
        # The server that makes the data listens on no address.
        until(lambda: container(*self.inside("pg_isready", "-h", "127.0.0.1")).returncode == 0, "PostgreSQL", SECONDS)
        return self

    def inside(self, *command: str) -> tuple[str, ...]:
        """The arguments that run a command in it, with the standard input of the caller."""
        return ("exec", "-i", self.name, *command)

    @property
    def programs(self) -> tuple[str, ...]:
        """What comes before the name of one of its programs."""
        return (*COMMAND, *self.inside())

    def stop(self) -> None:
        """Stops it as an operator would; its volume stays."""
        assert container("stop", "-t", "30", self.name).returncode == 0
        assert container("rm", self.name).returncode == 0

    def fill(self, archive: Path) -> "Container":
        """Its data are those in an archive of tar."""
        unpack = f"tar -x -C {DATA} && chown -R postgres {DATA} && chmod 700 {DATA}"
        with archive.open("rb") as content:
            done = container(
                "run", "--rm", "-i", "-v", f"{self.name}:{DATA}", "--entrypoint", "sh", IMAGE, "-c", unpack, stdin=content
            )
        assert done.returncode == 0, done.stderr
        return self

    def pack(self, archive: Path) -> None:
        """The volume of a server that is stopped, as an archive of tar."""
        packed = container("run", "--rm", "-v", f"{self.name}:{DATA}", "--entrypoint", "tar", IMAGE, "-c", "-C", DATA, ".")
        assert packed.returncode == 0, packed.stderr
        archive.write_bytes(packed.stdout)

    def base_backup(self, archive: Path) -> None:
        """A copy of a server that is running, as an archive of tar."""
        copied = container(
            *self.inside("pg_basebackup", "-U", "postgres", "-D", "-", "-Ft", "-X", "fetch", "--checkpoint=fast")
        )
        assert copied.returncode == 0, copied.stderr
        archive.write_bytes(copied.stdout)

    def remove(self) -> None:
        container("rm", "-f", self.name)
        container("volume", "rm", "-f", self.name)
        subprocess.run(["rm", "-rf", self.sockets], check=True)
