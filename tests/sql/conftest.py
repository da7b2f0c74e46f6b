"""A PostgreSQL of the test's own, and databases in it."""

import os
import subprocess

import psycopg2
import pytest
from service import ROOT, Service

POSTGRES = os.environ.get("POSTGRES_TOOL", str(ROOT / "tools" / "postgres"))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    directory = tmp_path_factory.mktemp("postgres")
    # What a plan is made from changes when a test says so, not when autovacuum comes by.
    start = [POSTGRES, "start", directory, "fsync=off", "autovacuum=off"]
    printed = subprocess.run(start, check=True, capture_output=True, text=True)
    env = dict(line.split("=", 1) for line in printed.stdout.splitlines())
    yield {"host": env["PGHOST"], "port": env["PGPORT"], "user": env["PGUSER"]}
    subprocess.run([POSTGRES, "remove", directory], check=True)


@pytest.fixture
def database(postgres, request):
    """A new, empty database of a service: database("usage-analytics")."""
    made = []

    def make(service):
        name = f"test_{os.getpid()}_{len(made)}_{abs(hash(request.node.nodeid)) % 10**8}"
        admin = psycopg2.connect(dbname="postgres", **postgres)
        admin.autocommit = True
        with admin.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        made.append((admin, name, Service(service, {"dbname": name, **postgres})))
        return made[-1][2]

    yield make
    for admin, name, service in made:
        service.close()
        with admin.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")
        admin.close()
