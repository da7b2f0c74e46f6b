"""tools/stack: what `make up` and its relatives promise, with the daemons as they are built."""

import os
import shlex
import subprocess
from pathlib import Path

import httpx
import psycopg2
import pytest

STACK = Path(__file__).resolve().parents[2] / "tools/stack"
WAIT_SECONDS = 600  # a busy machine needs minutes for a stack


class Stack:
    def __init__(self, directory, **variables):
        kept = {name: value for name, value in os.environ.items() if not name.endswith("DATABASE_URL")}
        self.directory = directory
        self.environment = {**kept, "STACK_DIR": str(directory), "STACK_PORT": "0", **variables}

    def start(self, *arguments):
        return subprocess.Popen(
            [STACK, *arguments],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments, answer="", status=0):
        process = self.start(*arguments)
        out, err = process.communicate(answer, timeout=WAIT_SECONDS)
        assert process.returncode == status, out + err
        return out

    def env(self):
        return dict(word.split("=", 1) for word in shlex.split(self.run("env")))

    def sql(self, statement):
        with psycopg2.connect(self.env()["USER_PROGRESS_DATABASE_URL"]) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None

    def process_id(self):
        return (self.directory / "user-progress.pid").read_text().split()[0]


@pytest.fixture
def stack(tmp_path):
    stack = Stack(tmp_path)
    yield stack
    stack.start("clean-data").communicate("y\n")
    stack.run("down")


def test_two_at_once_bring_up_one_stack(stack):
    both = [stack.start("up"), stack.start("up")]
    outputs = [process.communicate(timeout=WAIT_SECONDS) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sorted("runs already" in out for out, _ in outputs) == [False, True]
    assert httpx.get(stack.env()["USER_PROGRESS_URL"] + "/readyz").status_code == 200


def test_every_service_gets_an_address_and_a_database_of_its_own(stack):
    stack.run("up")
    env = stack.env()
    services = ["USER_PROGRESS", "PERFORMANCE_REPORTING", "USAGE_ANALYTICS"]
    assert sorted(env) == sorted(f"{service}_{what}" for service in services for what in ("URL", "DATABASE_URL"))
    assert len(set(env.values())) == len(env)
    for service in services:
        assert httpx.get(env[f"{service}_URL"] + "/readyz").status_code == 200
        with psycopg2.connect(env[f"{service}_DATABASE_URL"]) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    user = {"username": "ada", "email": "ada@example.com"}
    made = httpx.post(env["USAGE_ANALYTICS_URL"] + "/users/", json=user).json()
    assert httpx.get(env["USER_PROGRESS_URL"] + f"/users/{made['id']}").json() == made


def test_user_progress_finds_the_others_wherever_they_are(stack):
    stack.run("up")
    url = stack.env()["USER_PROGRESS_URL"]
    user = httpx.post(url + "/users/", json={"username": "ada", "email": "ada@example.com"}).json()
    headers = {"Authorization": "Bearer " + stack.run("token", "dpo", "privacy").strip()}
    answer = httpx.get(f"{url}/privacy/people/{user['id']}", headers=headers, timeout=WAIT_SECONDS)
    assert answer.status_code == 200 and '"kind":"end"' in answer.text


def test_no_service_connects_as_a_superuser_or_as_the_owner_of_its_tables(stack):
    stack.run("up")
    assert stack.sql("SELECT array_agg(DISTINCT usename::text ORDER BY usename::text) FROM pg_stat_activity"
                     " WHERE application_name IN ('user-progress', 'performance-reporting', 'usage-analytics')") == [
        "performance", "usage_analytics", "user_progress"
    ]  # fmt: skip
    assert stack.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'users'") == "user_progress_owner"


def test_up_again_changes_nothing_that_runs(stack):
    stack.run("up")
    before = stack.env(), stack.process_id(), stack.sql("SELECT pg_postmaster_start_time()::text")
    stack.run("up")
    assert (stack.env(), stack.process_id(), stack.sql("SELECT pg_postmaster_start_time()::text")) == before


def test_data_stays_between_runs(stack):
    stack.run("up")
    stack.sql("CREATE TABLE kept AS SELECT 7 AS number")
    stack.run("down")
    stack.run("env", status=1)
    stack.run("up")
    assert stack.sql("SELECT number FROM kept") == 7


def test_psql_opens_a_service_s_database(stack):
    stack.run("up")
    assert "user_progress_db" in stack.run("psql", "user_progress_db", answer="SELECT current_database();\n")
    stack.run("psql", "nothing_db", status=1)


def test_data_is_deleted_only_after_a_yes(stack):
    stack.run("up")
    stack.run("clean-data", answer="n\n", status=1)
    assert httpx.get(stack.env()["USER_PROGRESS_URL"] + "/livez").status_code == 200
    stack.run("clean-data", answer="y\n")
    assert not (stack.directory / "postgres").exists()
    stack.run("env", status=1)


def test_a_database_that_is_given_is_used_and_none_is_started(tmp_path, stack):
    stack.run("up")
    url = stack.env()["USER_PROGRESS_DATABASE_URL"]
    other = Stack(tmp_path / "other", DATABASE_URL=url)
    try:
        other.run("up")
        assert other.env()["USER_PROGRESS_DATABASE_URL"] == url
        assert not (other.directory / "postgres").exists()
    finally:
        other.run("down")
