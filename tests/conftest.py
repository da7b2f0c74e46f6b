"""Fixtures of all tests against running services.

`VARIANT` names the build that is tested, `TEST_WRAPPER` a command that runs the daemons (valgrind), `PGHOST`,
`PGPORT` and `PGUSER` a server for the databases of the tests; without them one is started. With
`TEST_USER_PROGRESS_URL` the tests that need no more than an address go to a service that runs already; those
that look into its database or end its process are skipped.
"""

from contextlib import ExitStack, closing

import pytest

from harness import exchange
from harness.daemon import ELSEWHERE, PATIENT, SERVICES, Daemon, Daemons, client, database_of, elsewhere, make_schema
from harness.postgres import Postgres, named_by_environment
from harness.wait import until


def pytest_addoption(parser):
    parser.addoption(
        "--original", action="store_true", help="expect the original's answers, not this project's"
    )


# What takes longest goes first: a file that begins last keeps one worker busy while the others have nothing to do.
LONGEST = (
    "test_exports", "test_lists", "test_statements", "test_retention", "test_erasure_faults", "test_database_away",
    "test_lookups", "test_checks", "test_metrics", "test_batches", "test_batches_beside", "test_erasure",
    "test_taking_over", "test_walk", "test_stack", "test_memory", "test_backup", "test_log_verify", "test_log_faults",
    "test_series", "test_streams", "test_usage_aggregates",
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups at the same moment
def pytest_collection_modifyitems(items):
    """What runs on one worker, one after the other (--dist loadgroup): the tests of a file, where a fixture of the
    file exists once for each service, those of a service.
    """
    for item in items:
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        service = parameters.get("filled") or getattr(parameters.get("of"), "service", "")
        item.add_marker(pytest.mark.xdist_group(f"{item.path.stem} {service}"))
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


def pytest_runtest_setup(item):
    for daemon in Daemon.running:
        daemon.mark_log()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for daemon in Daemon.running:
            report.sections.append((f"log of {daemon.service} {daemon.pid}", daemon.log_tail()))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """One server for all tests that do not stop it."""
    if ELSEWHERE:
        pytest.skip("the service runs elsewhere")
    if given := named_by_environment():
        yield given
        return
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.remove()


@pytest.fixture
def own_postgres(tmp_path):
    """A server that the test may stop and kill."""
    if ELSEWHERE:
        pytest.skip("the service runs elsewhere")
    server = Postgres(tmp_path / "postgres")
    server.start()
    yield server
    server.remove()


@pytest.fixture
def start_daemon(tmp_path):
    """start_daemon(service, *arguments, **settings): a daemon that ends with the test, with status 0."""
    with Daemons(tmp_path) as daemons:
        yield daemons.start


@pytest.fixture
def fresh(postgres, start_daemon):
    """fresh(**settings): user-progress on a database of its own without rows."""

    def start(**settings: str) -> Daemon:
        daemon = start_daemon(DATABASE_URL=postgres.url(name := database_of("user-progress", postgres)), **settings)
        daemon.database = name
        return daemon.ready()

    return start


@pytest.fixture(scope="session")
def user_progress_database(postgres) -> str:
    return postgres.create_owned_database("user_progress")


@pytest.fixture(scope="session")
def user_progress(request, tmp_path_factory):
    """The address of the user-progress that most tests share."""
    if ELSEWHERE:
        yield ELSEWHERE
        return
    server = request.getfixturevalue("postgres")
    name = request.getfixturevalue("user_progress_database")
    with Daemons(tmp_path_factory.mktemp("daemons")) as daemons:
        yield daemons.start(DATABASE_URL=make_schema("user-progress", server, name), **PATIENT).ready().url


@pytest.fixture(scope="session")
def databases(postgres, user_progress_database) -> dict[str, str]:
    """The names of the shared services' databases."""
    return {
        service: user_progress_database if service == "user-progress" else postgres.create_owned_database()
        for service in SERVICES
    }


@pytest.fixture(scope="session")
def services(request, user_progress, tmp_path_factory) -> dict[str, str]:
    """The addresses of all services, over the users and labs of the shared user-progress."""
    urls = {
        service: url
        for service in ("performance-reporting", "usage-analytics")
        if (url := elsewhere(service))
    } | {"user-progress": user_progress}
    with Daemons(tmp_path_factory.mktemp("services")) as daemons:
        for service in SERVICES if not ELSEWHERE else []:
            if service not in urls:
                server, names = (request.getfixturevalue(name) for name in ("postgres", "databases"))
                daemon = daemons.start(
                    service,
                    DATABASE_URL=make_schema(service, server, names[service]),
                    USER_PROGRESS_SERVICE_URL=user_progress,
                    **PATIENT,
                )
                urls[service] = daemon.ready().url
        yield urls


@pytest.fixture(scope="session")
def api(user_progress):
    with client(user_progress) as api:
        yield api


@pytest.fixture(scope="session")
def performance(services):
    with client(services["performance-reporting"]) as performance:
        yield performance


@pytest.fixture(scope="session")
def usage(services):
    with client(services["usage-analytics"]) as usage:
        yield usage


@pytest.fixture
def cursor_of(postgres, databases, services):
    """cursor_of(service): a cursor that looks into the database of a shared service."""
    with ExitStack() as open_ones:

        def look(service: str):
            connection = open_ones.enter_context(closing(postgres.connect(databases[service])))
            return open_ones.enter_context(connection.cursor())

        yield look


@pytest.fixture
def beside(postgres, start_daemon):
    """beside(service, url, **settings): a daemon that asks User Progress at `url`, on a database without rows."""

    def start(service: str, url: str, **settings: str) -> Daemon:
        name = database_of(service, postgres)
        daemon = start_daemon(
            service, DATABASE_URL=postgres.url(name), USER_PROGRESS_SERVICE_URL=url, **settings
        )
        daemon.database = name
        return daemon

    return start


@pytest.fixture
def both(beside):
    """both(url, **settings): the two services that ask User Progress, at that address, by one worker each."""

    def start(url: str, **settings: str) -> list[Daemon]:
        daemons = [beside(service, url, WORKERS="1", **settings) for service in SERVICES[1:]]
        for daemon, path in zip(daemons, ("/performance/record/1", "/analytics/event/1")):
            until(
                lambda: exchange.request(daemon.url, "DELETE", path).status == 404,
                f"{daemon.service} to reach its database",
            )
        return daemons

    return start


@pytest.fixture
def database(postgres, user_progress_database, user_progress):
    """A cursor that looks into the shared user-progress' database."""
    with closing(postgres.connect(user_progress_database)) as connection, connection.cursor() as cursor:
        yield cursor
