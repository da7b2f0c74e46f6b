"""tools/daemon starts a daemon once, replaces one that changed, and never mistakes another process for it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.wait import alive, until

DAEMON = Path(__file__).resolve().parents[2] / "tools/daemon"

BINARY = """#!/bin/sh
{trap}
echo listening on http://127.0.0.1:$PORT
while :; do sleep 0.05; done
"""


def tool(*arguments):
    return subprocess.run([DAEMON, *map(str, arguments)], capture_output=True, text=True)


def pid(directory):
    done = tool("pid", directory, "it")
    return int(done.stdout) if done.returncode == 0 else None


@pytest.fixture
def binary(tmp_path):
    path = tmp_path / "binary"
    path.write_text(BINARY.format(trap=""))
    path.chmod(0o755)
    yield path
    tool("stop", tmp_path, "it")


def test_an_unchanged_daemon_is_left_alone(tmp_path, binary):
    assert tool("start", tmp_path, "it", binary, "PORT=1").returncode == 0
    first = pid(tmp_path)
    assert "runs already" in tool("start", tmp_path, "it", binary, "PORT=1").stdout
    assert first and pid(tmp_path) == first


def test_a_rebuilt_daemon_is_replaced(tmp_path, binary):
    tool("start", tmp_path, "it", binary, "PORT=1")
    first = pid(tmp_path)
    rebuilt = tmp_path / "rebuilt"
    rebuilt.write_text(BINARY.format(trap="# built again"))
    rebuilt.chmod(0o755)
    rebuilt.rename(binary)
    tool("start", tmp_path, "it", binary, "PORT=1")
    assert pid(tmp_path) not in (None, first)
    assert not alive(first)


def test_a_daemon_with_other_settings_is_replaced_and_says_where_it_is(tmp_path, binary):
    tool("start", tmp_path, "it", binary, "PORT=1")
    first = pid(tmp_path)
    tool("start", tmp_path, "it", binary, "PORT=2")
    assert tool("url", tmp_path, "it").stdout == "http://127.0.0.1:2\n"
    assert pid(tmp_path) not in (None, first)


def test_a_daemon_that_died_is_not_running_and_starts_again(tmp_path, binary):
    tool("start", tmp_path, "it", binary, "PORT=1")
    first = pid(tmp_path)
    os.kill(first, signal.SIGKILL)
    until(lambda: not alive(first), "its end")
    tool("start", tmp_path, "it", binary, "PORT=1")
    assert pid(tmp_path) not in (None, first)


def test_a_process_id_that_belongs_to_another_process_now_is_not_stopped(tmp_path):
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        (tmp_path / "it.pid").write_text(f"{stranger.pid} 1 0123456789abcdef\n")
        assert pid(tmp_path) is None
        tool("stop", tmp_path, "it")
        assert stranger.poll() is None
    finally:
        stranger.communicate(b"\n")


def test_a_daemon_that_ignores_sigterm_is_killed(tmp_path, binary):
    binary.write_text(BINARY.format(trap="trap '' TERM"))
    tool("start", tmp_path, "it", binary, "PORT=1")
    tool("url", tmp_path, "it")
    first = pid(tmp_path)
    assert "is killed" in tool("stop", tmp_path, "it").stderr
    assert first and pid(tmp_path) is None


def test_a_daemon_that_ends_at_once_is_an_error_that_shows_its_log(tmp_path, binary):
    binary.write_text("#!/bin/sh\necho 'PORT: not a number' >&2\nexit 2\n")
    tool("start", tmp_path, "it", binary, "PORT=x")
    done = tool("url", tmp_path, "it")
    assert done.returncode == 1
    assert "PORT: not a number" in done.stderr


def test_a_secret_comes_from_the_environment_and_a_new_one_replaces_the_daemon(tmp_path, binary, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:first@h/db")
    tool("start", tmp_path, "it", binary, "PORT=1")
    first = pid(tmp_path)
    assert b"DATABASE_URL=postgresql://app:first@h/db" in Path(f"/proc/{first}/environ").read_bytes().split(b"\0")
    assert b"first" not in Path(f"/proc/{first}/cmdline").read_bytes()
    assert "runs already" in tool("start", tmp_path, "it", binary, "PORT=1").stdout
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:second@h/db")
    tool("start", tmp_path, "it", binary, "PORT=1")
    assert pid(tmp_path) not in (None, first)
    assert not alive(first)
