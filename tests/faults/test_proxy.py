"""Several instances of a service behind deploy/proxy: found by name, left out while they are not ready."""

import pytest

from harness import exchange
from harness.names import Names
from harness.ports import free_port
from harness.proxy import Proxy
from harness.wait import until

NAME = "usage-analytics"


@pytest.fixture
def start_instance(postgres, user_progress, start_daemon):
    """start_instance(number, port): a usage-analytics on 127.0.0.<number>; all share one database."""
    database = postgres.create_database()

    def start(number: int, port: int):
        return start_daemon(
            NAME,
            DATABASE_URL=postgres.url(database),
            USER_PROGRESS_SERVICE_URL=user_progress,
            BIND_ADDRESS=f"127.0.0.{number}",
            PORT=str(port),
        ).ready()

    return start


def serves(daemon) -> bool:
    """Whether it has answered what only clients of the proxy ask for."""
    return "/analytics/trends" in daemon.log_text()


def test_a_service_is_as_many_instances_as_its_name_has_addresses_and_as_are_ready(start_instance):
    port = free_port()
    first = start_instance(2, port)
    second = start_instance(3, port)
    known = {NAME: ["127.0.0.2", "127.0.0.3"]}
    with Names(known) as names, Proxy(names, port) as proxy:

        def ask() -> int:
            try:
                return exchange.request(proxy.url("8006"), "GET", "/analytics/trends").status
            except OSError:
                return 0

        until(lambda: ask() == 200 and serves(first) and serves(second), "both instances to be asked")
        first.kill()
        assert {ask() for _ in range(50)} == {200}
        third = start_instance(4, port)
        known[NAME].append("127.0.0.4")
        until(lambda: ask() == 200 and serves(third), "the third instance to be asked")
        second.stop()
        assert {ask() for _ in range(50)} == {200}
