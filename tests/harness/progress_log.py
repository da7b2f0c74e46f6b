"""Calls of the progress log, for the tests of it."""

import subprocess

import httpx

from harness.daemon import WRAPPER, binary


def told(answer: httpx.Response) -> tuple[int, object]:
    return answer.status_code, answer.json()


def logged(log, user: str, **members) -> int:
    answer = log.post("/api/progress/log", json={"user_id": user, **members})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def entries(log, user: str, **query) -> list[dict]:
    answer = log.get(f"/api/progress/{user}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["progress_logs"]


def history(log, entry: int) -> list[dict]:
    answer = log.get(f"/api/progress/log/{entry}/history")
    assert answer.status_code == 200, answer.text
    return answer.json()


def verify(daemon) -> tuple[int, list[str]]:
    """What `user-progress verify` answers: its status and its lines."""
    done = subprocess.run(
        [*WRAPPER, binary("user-progress"), "verify"],
        env=daemon.environment(),
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout.splitlines()
