"""db/roles makes a service's roles and hands a database over that a superuser made, while others use it."""

import os
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import errors

from harness.wait import until

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "handed_over_db"

MADE_BY_THE_SUPERUSER = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE things (id serial PRIMARY KEY, mood mood);
CREATE VIEW good_things AS SELECT * FROM things WHERE mood = 'good';
CREATE MATERIALIZED VIEW counted_things AS SELECT count(*) FROM things;
CREATE SEQUENCE numbers;
CREATE FUNCTION next_number() RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''numbers'')';
"""

NOT_OF_THE_OWNER = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relowner <> 'handed_over_owner'::regrole
UNION ALL
SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proowner <> 'handed_over_owner'::regrole
UNION ALL
SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typowner <> 'handed_over_owner'::regrole
"""

WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND backend_type = 'client backend'"


@pytest.fixture
def server(tmp_path):
    tool, directory = ROOT / "tools/postgres", tmp_path / "postgres"
    printed = subprocess.run([tool, "start", directory, "fsync=off"], check=True, capture_output=True, text=True)
    yield dict(line.split("=", 1) for line in printed.stdout.splitlines())
    subprocess.run([tool, "remove", directory], check=True)


def connect(server, database=DATABASE, user="postgres", **other):
    connection = psycopg2.connect(host=server["PGHOST"], port=server["PGPORT"], user=user, dbname=database, **other)
    connection.autocommit = True
    return closing(connection)


def start(server, *arguments, **settings):
    return subprocess.Popen([ROOT / "db/roles", *arguments], env={**os.environ, **server, **settings})


def run(server):
    with start(server, DATABASE, "handed_over", ROLE_PASSWORD="o'ne", OWNER_PASSWORD='tw"o') as done:
        assert done.wait(60) == 0


def test_a_database_is_made_for_its_owner_and_a_second_run_changes_nothing(server):
    for _ in range(2):
        run(server)
    with connect(server, user="handed_over_owner") as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE mine (n integer)")
        cursor.execute("SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname LIKE 'handed%%'")
        assert cursor.fetchall() == [(False,), (False,)]
    with pytest.raises(psycopg2.OperationalError, match="permission denied"):
        with connect(server, "postgres", "handed_over"):
            pass


def test_what_a_superuser_made_is_handed_over_once_nobody_holds_a_lock_and_the_superuser_goes_on(server):
    with connect(server, "postgres") as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    with connect(server) as connection, connection.cursor() as cursor, connect(server) as other:
        cursor.execute(MADE_BY_THE_SUPERUSER)
        reader = other.cursor()
        reader.execute("BEGIN; SELECT * FROM things")
        end = threading.Timer(2, reader.execute, ["COMMIT"])
        end.start()
        run(server)
        end.join()
        cursor.execute(NOT_OF_THE_OWNER)
        assert cursor.fetchall() == []
        cursor.execute("INSERT INTO things (mood) VALUES ('good') RETURNING id")
        assert cursor.fetchone() == (1,)
    with connect(server, user="handed_over") as connection, connection.cursor() as cursor:
        with pytest.raises(errors.InsufficientPrivilege):
            cursor.execute("SELECT * FROM things")


def test_an_owner_of_another_name_cannot_log_in_if_it_is_not_to(server):
    with start(server, DATABASE, "hands-over", "handed_over_owner", OWNER_LOGIN="no") as done:
        assert done.wait(60) == 0
    with pytest.raises(psycopg2.OperationalError, match="not permitted to log in"):
        with connect(server, user="handed_over_owner"):
            pass
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("SET ROLE handed_over_owner; CREATE TABLE mine (n integer)")
    run(server)
    with connect(server, user="handed_over_owner"):
        pass


def test_it_waits_for_another_one_that_changes_the_same_privileges(server):
    with connect(server, "postgres") as other, other.cursor() as cursor, connect(server, "postgres") as watcher:
        cursor.execute("SELECT pg_advisory_lock(hashtext('db/roles'))")
        cursor.execute("BEGIN; REVOKE CONNECT ON DATABASE template1 FROM PUBLIC")
        waiter = start(server, DATABASE, "handed_over")
        watching = watcher.cursor()
        until(lambda: watching.execute(WAITING) or watching.fetchone(), "the other one to wait")
        cursor.execute("COMMIT; SELECT pg_advisory_unlock_all()")
        assert waiter.wait(60) == 0
