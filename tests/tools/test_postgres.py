"""tools/postgres makes a server that keeps its data, its address and its bounds."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg2
import pytest

from harness.wait import until

TOOL = Path(__file__).resolve().parents[2] / "tools/postgres"
ADDRESS = {"host": "PGHOST", "port": "PGPORT", "username": "PGUSER"}
SOCKET_PATH_LIMIT = 107  # sun_path in unix(7), less its final NUL


def tool(*arguments):
    done = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def query(server, sql):
    connection = psycopg2.connect(
        host=server["PGHOST"],
        port=server["PGPORT"],
        user=server["PGUSER"],
        passfile=server["PGPASSFILE"],
        dbname="postgres",
    )
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


@pytest.fixture(params=["open", "closed"])
def directory(request):
    """A directory whose parents PostgreSQL's user can enter or not, with a path too long for a socket.

    Not below pytest's own, which every other run of pytest closes to other users again.
    """
    with tempfile.TemporaryDirectory() as top:
        parent = Path(top) / ("long" * 25)
        parent.mkdir()
        for path in (Path(top), parent):
            path.chmod(0o755 if request.param == "open" else 0o700)
        yield parent / "server"
        subprocess.run([TOOL, "remove", parent / "server"], check=True)


def test_started_again_it_is_the_same_server_with_the_same_data(directory):
    server = tool("start", directory, "fsync=off")
    assert len(f"{server['PGHOST']}/.s.PGSQL.{server['PGPORT']}") <= SOCKET_PATH_LIMIT
    assert query(server, "SHOW fsync") == "off"
    assert query(server, "SHOW server_encoding") == "UTF8"
    query(server, "CREATE TABLE kept AS SELECT 7 AS number")
    started = query(server, "SELECT pg_postmaster_start_time()")

    assert tool("start", directory) == server == tool("env", directory)
    assert query(server, "SELECT pg_postmaster_start_time()") == started

    tool("stop", directory)
    assert subprocess.run([TOOL, "env", directory], capture_output=True).returncode != 0
    assert tool("start", directory, "fsync=off") == server
    assert query(server, "SELECT number FROM kept") == 7


def test_it_answers_over_tcp_on_the_loopback_address_too(directory):
    server = tool("start", directory, "fsync=off")
    assert query({**server, "PGHOST": "127.0.0.1"}, "SELECT 1") == 1


def test_it_lets_in_its_own_user_only(directory, tmp_path):
    server = tool("start", directory, "fsync=off")
    assert Path(server["PGHOST"]).stat().st_mode & 0o077 == 0
    assert Path(server["PGPASSFILE"]).stat().st_mode & 0o077 == 0
    (empty := tmp_path / "empty").touch(0o600)
    with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
        query({**server, "PGHOST": "127.0.0.1", "PGPASSFILE": str(empty)}, "SELECT 1")
    if os.geteuid() == 0:
        address = [f"--{name}={server[variable]}" for name, variable in ADDRESS.items()]
        stranger = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "psql", "-w", *address]
        done = subprocess.run([*stranger, "-c", "SELECT 1"], capture_output=True, text=True, cwd="/")
        assert "Permission denied" in done.stderr


def works_in(folder: Path) -> bool:
    """Whether any process does; those of a server end a moment after it."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(process / "cwd")) == folder:
                return True
        except OSError:
            pass  # it has ended
    return False


def test_a_process_that_has_the_number_of_a_server_that_crashed_is_not_taken_for_it(directory):
    server = tool("start", directory, "fsync=off")
    data = (directory / "data").resolve()
    owner = data.stat().st_uid
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, cwd="/", user=owner)
    try:
        os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        until(lambda: not works_in(data), "its end")
        for lock in (data / "postmaster.pid", *Path(server["PGHOST"]).glob("*.lock")):
            _, rest = lock.read_text().split("\n", 1)
            lock.write_text(f"{stranger.pid}\n{rest}")
        assert subprocess.run([TOOL, "env", directory], capture_output=True).returncode != 0
        tool("stop", directory)
        assert tool("start", directory, "fsync=off") == server
        assert query(server, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.communicate(b"\n")


def test_removing_it_leaves_nothing(directory):
    server = tool("start", directory, "fsync=off")
    tool("remove", directory)
    assert not Path(server["PGHOST"]).exists()
    assert not list(directory.iterdir())
