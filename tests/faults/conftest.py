"""A primary and its streaming replica, of the test's own."""

import pytest

from harness.postgres import Postgres, Replica


@pytest.fixture
def primary(own_postgres) -> Postgres:
    return own_postgres


@pytest.fixture
def replica(primary, tmp_path):
    server = Replica(tmp_path / "replica", primary)
    server.start()
    yield server
    server.remove()
