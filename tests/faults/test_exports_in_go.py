"""A client in Go notices an export that is cut off. tests/api tries Python and curl."""

import os
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from harness.lists import LISTS

MANY = 60_000  # rows: more than the buffers between a service and a reader hold


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("go")
    built = directory / "read_all"
    env = {**os.environ, "GOCACHE": str(directory), "HOME": str(directory), "GO111MODULE": "off", "CGO_ENABLED": "0"}
    subprocess.run(["go", "build", "-o", built, Path(__file__).with_name("read_all.go")], check=True, env=env)
    return built


@pytest.mark.parametrize("of", LISTS, ids=lambda of: of.service)
def test_go_reports_an_unexpected_end_of_an_export_that_is_cut_off(postgres, beside, user_progress, of, program):
    daemon = beside(of.service, user_progress, WORKERS="1").ready()
    url = f"{daemon.url}{of.path}/export?user_id=many"
    with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {of.table} (user_id, lab_type) SELECT 'many', repeat('x', 200) FROM generate_series(1, %s)", [MANY])
        whole = subprocess.run([program, url], capture_output=True, text=True)
        assert (whole.returncode, whole.stdout) == (0, f"{MANY} 200\n")
        cut = subprocess.Popen([program, url, "slowly"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert cut.stdout.readline() == "begun\n"
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND query LIKE 'FETCH%%'", [daemon.database])
        assert cursor.rowcount == 1
        said, _ = cut.communicate("\n", timeout=60)
        lines, _, reason = said.strip().partition(" ")
        assert (cut.returncode, reason) == (1, "unexpected EOF") and int(lines) < MANY
