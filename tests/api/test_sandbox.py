"""What a daemon that was taken over cannot do: it gave it up when it started (common/base/sandbox.h)."""

import signal
import subprocess
from pathlib import Path

import pytest

from harness.daemon import VARIANT, WRAPPER

pytestmark = pytest.mark.skipif(
    VARIANT != "release" or bool(WRAPPER), reason="tools that look into a process make calls of their own"
)

# The main thread does it where it would wait for signals: the daemon has started by then.
TAKEN_OVER = """
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    const char *path = getenv("TAKEN_OVER_WRITES");

    (void)set, (void)info;
    if (!path)
        execl("/bin/true", "true", (char *)NULL);
    else if (open(path, O_WRONLY | O_CREAT, 0600) >= 0)
        _exit(0);
    _exit(errno);
}
"""


@pytest.fixture(scope="module")
def takes_over(tmp_path_factory):
    """A library that takes over the daemon that is made to load it."""
    library = tmp_path_factory.mktemp("library") / "takes_over.so"
    source = library.with_suffix(".c")
    source.write_text(TAKEN_OVER)
    subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", library, source], check=True)
    return str(library)


@pytest.fixture
def end_of(start_daemon, postgres, takes_over):
    """How a daemon ends that was taken over."""

    def start(**settings: str) -> int:
        url = postgres.url(postgres.create_database())
        daemon = start_daemon(DATABASE_URL=url, LD_PRELOAD=takes_over, **settings)
        return daemon.wait()

    return start


def status_lines(task: Path) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)


def test_a_daemon_that_is_made_to_run_a_program_is_stopped(end_of):
    assert end_of() == -signal.SIGSYS


def test_a_daemon_that_is_made_to_write_a_file_cannot(end_of, tmp_path):
    assert end_of(TAKEN_OVER_WRITES=str(tmp_path / "file")) == 13  # EACCES
    assert not (tmp_path / "file").exists()


def test_the_sandbox_is_off_where_its_setting_says_so(end_of, tmp_path):
    assert end_of(SANDBOX="off") == 0
    assert end_of(SANDBOX="off", TAKEN_OVER_WRITES=str(tmp_path / "file")) == 0
    assert (tmp_path / "file").exists()


def test_every_thread_of_a_daemon_is_in_the_sandbox(fresh):
    daemon = fresh(WORKERS="2")
    tasks = list(Path(f"/proc/{daemon.pid}/task").iterdir())
    assert len(tasks) > 2
    for task in tasks:
        lines = status_lines(task)
        assert (lines["Seccomp"], lines["NoNewPrivs"]) == ("2", "1")
        assert int(lines["CapEff"], 16) & ~(1 << 1 | 1 << 10) == 0  # CAP_DAC_OVERRIDE, CAP_NET_BIND_SERVICE


def test_a_daemon_that_crashes_leaves_no_core_dump(fresh):
    daemon = fresh()
    limits = Path(f"/proc/{daemon.pid}/limits").read_text()
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")] == [["0", "0"]]
    assert int(Path(f"/proc/{daemon.pid}/coredump_filter").read_text(), 16) == 0
