"""Programs of the project that use its services."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(services: dict[str, str], program: str, *arguments: str) -> str:
    """What it prints, given the addresses of the services as `make env` prints them."""
    addresses = {service.upper().replace("-", "_") + "_URL": url for service, url in services.items()}
    done = subprocess.run(
        ["/usr/bin/python3", ROOT / program, *arguments],
        env={**os.environ, **addresses},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
