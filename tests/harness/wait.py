"""Waiting for a condition instead of for a time."""

import time
from pathlib import Path
from typing import Callable, TypeVar

T = TypeVar("T")

POLL = 0.005  # seconds until the second look
POLL_MAX = 0.05  # between two later ones: looking takes time from what is waited for


def until(condition: Callable[[], T], what: str, seconds: float = 30) -> T:
    """Polls until the condition holds and returns its value; fails after `seconds`."""
    deadline, pause = time.monotonic() + seconds, POLL
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, POLL_MAX)
    return value


def alive(process: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
