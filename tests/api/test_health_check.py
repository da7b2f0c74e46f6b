"""`--health-check`, by which a container's engine asks whether its daemon is alive."""

import socket
import subprocess
from urllib.parse import urlsplit

import pytest

from harness.daemon import WRAPPER, binary


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_a_daemon_is_healthy_at_its_address_until_it_ends(start_daemon, postgres, address):
    if ":" in address and not has_ipv6():
        pytest.skip("no IPv6 here")
    daemon = start_daemon(DATABASE_URL=postgres.url(postgres.create_database()), BIND_ADDRESS=address)
    environment = {**daemon.environment(), "PORT": str(urlsplit(daemon.url).port)}

    def check() -> int:
        return subprocess.run([*WRAPPER, binary(daemon.service), "--health-check"], env=environment).returncode

    assert check() == 0
    daemon.stop()
    assert check() == 1
