"""A daemon whose role does not own the schema: it serves what another role made, and cannot make it itself."""

import itertools
import json
import os
import socket
import subprocess
from contextlib import closing
from urllib.parse import quote

import pytest

from harness import exchange
from harness.daemon import BACK_SECONDS, SERVICES, binary, make_schema
from harness.samples import new_attempt, new_lab, new_user
from harness.wait import until

def readiness(daemon) -> tuple[int, dict]:
    answer = exchange.request(daemon.url, "GET", "/readyz")
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("service", SERVICES)
def test_without_a_schema_it_is_not_ready_and_says_why_and_goes_on_once_the_owner_made_it(
    postgres, start_daemon, user_progress, service
):
    name = postgres.create_owned_database()
    daemon = start_daemon(service, DATABASE_URL=postgres.url(name, "role"), USER_PROGRESS_SERVICE_URL=user_progress)
    until(lambda: "its owner makes it with the command schema" in readiness(daemon)[1].get("detail", ""), "the reason")
    assert readiness(daemon)[0] == 503
    assert exchange.request(daemon.url, "GET", "/livez").status == 200
    assert "waiting for the owner of the schema" in daemon.log_text()
    make_schema(service, postgres, name)
    until(lambda: readiness(daemon)[0] == 200, "the schema to be found", BACK_SECONDS)
    daemon.settled()


def test_on_a_schema_that_is_too_old_it_is_not_ready_until_the_owner_renews_it(start_daemon, postgres):
    role = make_schema("user-progress", postgres, name := postgres.create_owned_database())
    with closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE schema_version SET version = 1 RETURNING applied_at")
        (made,) = cursor.fetchone()
        daemon = start_daemon(DATABASE_URL=role)
        until(lambda: "its owner makes it" in readiness(daemon)[1].get("detail", ""), "the reason")
        cursor.execute("SELECT applied_at FROM schema_version")
        assert cursor.fetchall() == [(made,)]
    make_schema("user-progress", postgres, name)
    daemon.ready()


READS = {"user-progress": "/users/", "performance-reporting": "/performance/records", "usage-analytics": "/analytics/trends"}


@pytest.mark.parametrize("of, service", itertools.permutations(SERVICES, 2))
def test_the_version_of_another_service_s_schema_is_not_taken_for_its_own(
    postgres, start_daemon, user_progress, of, service
):
    url = postgres.url(postgres.create_database())
    for each in (of, service):
        subprocess.run([binary(each), "schema"], env={**os.environ, "DATABASE_URL": url}, check=True, timeout=60)
    for each in (service, of):
        daemon = start_daemon(each, DATABASE_URL=url, USER_PROGRESS_SERVICE_URL=user_progress).ready()
        assert exchange.request(daemon.url, "GET", READS[each]).status == 200


def test_it_serves_and_folds_with_its_role_alone(start_daemon, postgres):
    role = make_schema("user-progress", postgres, name := postgres.create_owned_database())
    daemon = start_daemon(DATABASE_URL=role).ready()
    with daemon.client() as client:
        user, lab = new_user(client), new_lab(client)
        attempts = [new_attempt(client, user, lab) for _ in range(3)]
        assert client.get(f"/progress/{user['id']}").json() == attempts
    with closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lab_attempts (user_id, lab_type) SELECT %s, %s FROM generate_series(1, 1000)",
            [user["id"], lab["lab_type"]],
        )

        def folded() -> bool:
            cursor.execute("SELECT upto > 1000 FROM attempt_state")
            return cursor.fetchone()[0]

        until(folded, "the attempts to be folded")
    assert "42501" not in daemon.log_text()


def test_a_daemon_does_not_start_with_the_url_of_the_owner(postgres):
    owner, role = (postgres.url("nothing", role) for role in ("owner", "role"))
    settings = {**os.environ, "SCHEMA_DATABASE_URL": owner, "DATABASE_URL": role}
    done = subprocess.run([binary("user-progress")], env=settings, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == "bad setting SCHEMA_DATABASE_URL: is for the command schema, not for the service\n"


def test_with_one_url_the_command_makes_the_schema_and_the_daemon_finds_it(postgres, start_daemon):
    url = postgres.url(postgres.create_database())
    subprocess.run([binary("user-progress"), "schema"], env={**os.environ, "DATABASE_URL": url}, check=True, timeout=60)
    start_daemon(DATABASE_URL=url).settled()


def test_the_command_fails_with_a_reason_where_the_service_s_role_does_not_exist(postgres):
    url = postgres.url(name := postgres.create_database())
    role = f"postgresql://nobody@/{name}?host={postgres.address['PGHOST']}&port={postgres.address['PGPORT']}"
    settings = {**os.environ, "SCHEMA_DATABASE_URL": url, "DATABASE_URL": role}
    done = subprocess.run([binary("user-progress"), "schema"], env=settings, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "the role of DATABASE_URL does not exist" in done.stderr


def test_a_host_that_is_silent_does_not_keep_the_command_from_the_next_one(postgres):
    name, address = postgres.create_database(), postgres.address
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hosts = f"127.0.0.1:{silent.getsockname()[1]},{quote(address['PGHOST'], safe='')}:{address['PGPORT']}"
        settings = {**os.environ, "DATABASE_URL": f"postgresql://{address['PGUSER']}@{hosts}/{name}"}
        done = subprocess.run([binary("user-progress"), "schema"], env=settings, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "cannot connect to the database for the schema's steps" in done.stderr


@pytest.fixture
def schema_again(postgres):
    """schema_again(sql): what the command does on a database with the schema that this has changed."""
    name = postgres.create_database()
    settings = {**os.environ, "DATABASE_URL": postgres.url(name)}

    def run(sql: str):
        subprocess.run([binary("user-progress"), "schema"], env=settings, check=True, timeout=300)
        with closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
        return subprocess.run([binary("user-progress"), "schema"], env=settings, capture_output=True, text=True, timeout=300)

    return run


def test_the_command_ends_without_an_index_that_cannot_be_made_and_says_so(schema_again):
    done = schema_again("DROP INDEX lab_attempts_client_id; INSERT INTO lab_attempts (client_id) VALUES ('a'), ('a')")
    assert (done.returncode, done.stdout.splitlines()[1:]) == (0, ["1 of its indexes could not be made"])
    assert '"step":"lab_attempts_client_id","sqlstate":"23505"' in done.stderr


def test_the_command_fails_if_a_step_fails(schema_again):
    done = schema_again("DROP FUNCTION attempt_note() CASCADE")
    assert done.returncode == 1 and '"step":"attempt_triggers","sqlstate":"42883"' in done.stderr
