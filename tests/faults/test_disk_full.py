"""A full disk: writes are refused, reads go on, and nobody has to restart anything once there is room again."""

import json
import os
import random
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from string import ascii_letters

import pytest

from harness.exchange import request
from harness.load import JSON, Load
from harness.samples import user_body
from harness.wait import until

SIZE = "48m"  # an empty database takes some 10 MB
CHUNK = b"\0" * 4096


@pytest.fixture
def small_disk(own_postgres):
    """A file system of its own that PostgreSQL's user may write to, and reach."""
    with tempfile.TemporaryDirectory(prefix="small-disk-", dir="/var/tmp") as parent:
        os.chmod(parent, 0o755)
        disk = Path(parent) / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", disk]
        if subprocess.run(mount, capture_output=True).returncode:
            pytest.skip("no file system can be mounted here")
        try:
            data = (own_postgres.directory / "data").stat()
            os.chown(disk, data.st_uid, data.st_gid)
            yield disk
            own_postgres.stop()  # it holds the disk; the fixture's own end finds it stopped
        finally:
            subprocess.run(["umount", "--lazy", disk], check=True)


def fill(path) -> None:
    with open(path, "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(CHUNK)
        except OSError:
            pass


def test_writes_are_refused_while_the_disk_is_full_and_reads_are_not(own_postgres, small_disk, start_daemon):
    with closing(own_postgres.connect("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLESPACE small LOCATION %s", [str(small_disk)])
        cursor.execute("CREATE DATABASE on_small_disk TABLESPACE small")
    daemon = start_daemon(DATABASE_URL=own_postgres.url("on_small_disk")).ready()
    made = request(daemon.url, "POST", "/users/", JSON, json.dumps(user_body()).encode())
    with Load(lambda: daemon.url) as load:
        load.wait_for_more(100)
        fill(small_disk / "filler")
        until(lambda: load.outcomes.statuses[503] >= 50, "writes to be refused", 60)
        assert request(daemon.url, "GET", f"/users/{json.loads(made.text)['id']}").status == 200
        assert request(daemon.url, "GET", "/users/?limit=10").status == 200
        # Pages that the table has may still take a short row.
        long = user_body(full_name="".join(random.choices(ascii_letters, k=20_000)))
        refused = request(daemon.url, "POST", "/users/", JSON, json.dumps(long).encode())
        assert refused.status == 503 and int(refused.headers["retry-after"]) >= 0
        (small_disk / "filler").unlink()
        load.wait_for_more(200)
    assert set(load.outcomes.statuses) == {200, 503}
    with closing(own_postgres.connect("on_small_disk")) as connection:
        load.check(connection)
