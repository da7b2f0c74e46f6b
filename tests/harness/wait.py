"""Waiting for a condition instead of for a time."""

import time
from typing import Callable, TypeVar

T = TypeVar("T")

POLL = 0.005  # seconds between two looks


def until(condition: Callable[[], T], what: str, seconds: float = 30) -> T:
    """Polls until the condition holds and returns its value; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(POLL)
    return value
