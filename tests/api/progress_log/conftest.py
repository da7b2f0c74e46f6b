"""The progress log that the tests of one file share, a client of it, and a user."""

import pytest

from harness.daemon import Daemons, database_of
from harness.samples import new_user


@pytest.fixture(scope="module")
def daemon(postgres, tmp_path_factory, issuer):
    name = database_of("user-progress", postgres)
    with Daemons(tmp_path_factory.mktemp("progress-log")) as daemons:
        made = daemons.start(DATABASE_URL=postgres.url(name), WORKERS="2", **issuer.settings)
        made.database = name
        yield made.ready()


@pytest.fixture(scope="module")
def log(daemon, issuer):
    with daemon.client(headers=issuer.bearer()) as client:
        yield client


@pytest.fixture(scope="module")
def cursor(daemon, postgres):
    connection = postgres.connect(daemon.database)
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


@pytest.fixture
def user(log):
    return new_user(log)["id"]
