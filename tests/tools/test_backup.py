"""Backups made while the services write, restored into another server: nothing is lost, and all reports are exact."""

from contextlib import closing

import pytest

from harness import backup
from harness.daemon import Daemons
from harness.postgres import Postgres
from harness.tokens import Issuer
from harness.trio import Trio

MANY = 20000  # transactions: more than a new server has had


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The server that backups are restored into."""
    server = Postgres(tmp_path_factory.mktemp("other"))
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def saved(tmp_path_factory, issuer):
    return backup.save_under_load(tmp_path_factory, issuer, MANY)


@pytest.fixture
def serve(tmp_path, other, issuer):
    """serve(databases): the three services on databases of the other server, by the roles that only serve."""
    with Daemons(tmp_path) as daemons:
        yield lambda databases: Trio(daemons, other, issuer, databases).start_all()


def test_a_dump_made_under_load_and_restored_for_other_roles_has_all_and_exact_reports(saved, other, serve):
    databases = backup.owned_databases(other)
    backup.restore_for_others(other, databases, saved.files)
    trio = serve(databases)
    saved.course.check_written(trio, saved.before, saved.after)
    saved.course.check(trio)
    saved.course.check_goes_on(trio)


def test_with_the_roles_and_the_grants_of_the_dump_the_services_serve_at_once(saved, other, serve):
    backup.restore_as_it_was(other, saved.files, saved.roles)
    trio = serve(saved.databases)
    for service, name in saved.databases.items():
        made = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
        assert trio.rows(service, made) == [(f"{name}_owner",)]
        assert trio.rows(service, f"SELECT has_table_privilege('{name}_role', 'schema_version', 'DELETE')") == [(False,)]
    saved.course.check_written(trio, saved.before, saved.after)
    saved.course.check(trio)
    saved.course.check_goes_on(trio)


def test_what_is_written_before_the_services_start_counts_though_the_new_server_has_had_fewer_transactions(
    saved, other, serve
):
    databases = backup.owned_databases(other)
    backup.restore_for_others(other, databases, saved.files)
    user, lab = saved.course.users[1], saved.course.lab
    with closing(other.connect(databases["usage-analytics"])) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT before > pg_snapshot_xmax(pg_current_snapshot()) FROM usage_state")
        assert cursor.fetchone() == (True,)
        cursor.execute(
            "INSERT INTO usage_events (user_id, lab_type, event_type, timestamp) VALUES (%s, %s, 'start', now())",
            [user["id"], lab["lab_type"]],
        )
        backup.use_transactions(other, 2 * MANY)
        cursor.execute("SELECT before < pg_snapshot_xmax(pg_current_snapshot()) FROM usage_state")
        assert cursor.fetchone() == (True,)
    trio = serve(databases)
    saved.course.check(trio)
    assert trio.rows("usage-analytics", "SELECT before > '0' FROM usage_since") == [(True,)]  # that of the last fold
