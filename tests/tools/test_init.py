"""db/init keeps the superuser's password that the database accepts, and loses none by another that is given."""

import os
import subprocess
from pathlib import Path

import pytest

INIT = Path(__file__).resolve().parents[2] / "db/init"
# With a /run of its own, and a list without services.
INSIDE = """mount --bind "$1" /run && mount -t tmpfs none /usr/local/share && : >/usr/local/share/services && exec "$2" """
# A server that accepts one password, and is slow to start.
PSQL = """#!/bin/sh
[ -e {here}/up ] || {{ touch {here}/up; echo 'connection refused' >&2; exit 2; }}
[ "${{PGPASSWORD:-$(sed 's/[^:]*:[^:]*:[^:]*:[^:]*://' "$PGPASSFILE")}}" = {accepted} ] && exit
echo 'FATAL:  password authentication failed for user "postgres"' >&2
exit 2
"""


def inside(command, run: Path, **environment: str):
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", INSIDE, "-", run, command],
        env={"PATH": f"{run.parent}/bin:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def init(tmp_path):
    """init(accepted, given): what it says, of a database that accepts that password, and what is kept then."""
    for directory in (tmp_path / "run/superuser", tmp_path / "bin"):
        directory.mkdir(parents=True)
    if inside("true", tmp_path / "run").returncode != 0:
        pytest.skip("may not mount")

    def start(accepted: str, given: str = " ") -> tuple[int, str, str]:
        psql = tmp_path / "bin/psql"
        psql.write_text(PSQL.format(here=tmp_path, accepted=accepted))
        psql.chmod(0o755)
        (tmp_path / "up").unlink(missing_ok=True)
        done = inside(INIT, tmp_path / "run", POSTGRES_PASSWORD=given)
        kept = (tmp_path / "run/superuser/password").read_text().strip()
        assert (tmp_path / "run/superuser/pgpass").read_text() == f"*:*:*:postgres:{kept}\n"
        return done.returncode, done.stderr, kept

    return start


def test_a_password_is_made_once(init):
    _, said, made = init("another")
    assert "give its password once" in said and len(made) == 32
    assert init(made) == (0, "", made)


def test_the_password_that_is_given_first_is_kept(init):
    assert init("given", "given") == (0, "", "given")
    assert init("given") == (0, "", "given")


def test_another_that_is_given_is_kept_if_the_database_accepts_it(init):
    init("first", "first")
    assert init("second", "second") == (0, "", "second")
    status, said, kept = init("second", "wrong")
    assert (status, kept) == (0, "second") and "does not accept POSTGRES_PASSWORD" in said
    status, said, kept = init("third", "wrong")
    assert (status, kept) == (1, "second") and "give its password once" in said
