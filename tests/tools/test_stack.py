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
def stack(tmp_path, request):
    stack = Stack(tmp_path, **getattr(request, "param", {}))
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


@pytest.mark.parametrize("stack", [{"AUTH_REQUIRED": "on"}], indirect=True, ids=["by AUTH_REQUIRED"])
def test_with_tokens_required_it_comes_up_and_accepts_those_that_it_prints(stack):
    stack.run("up")
    url = stack.env()["USER_PROGRESS_URL"] + "/users/"
    headers = {"Authorization": "Bearer " + stack.run("token", "ada").strip()}
    assert httpx.get(url).status_code == 401 and httpx.get(url, headers=headers).status_code == 200


def test_no_service_connects_as_a_superuser_or_as_the_owner_of_its_tables(stack):
    stack.run("up")
    assert stack.sql("SELECT array_agg(DISTINCT usename::text ORDER BY usename::text) FROM pg_stat_activity"
                     " WHERE application_name IN ('user-progress', 'performance-reporting', 'usage-analytics')") == [
        "performance", "usage_analytics", "user_progress"
    ]  # fmt: skip
    assert stack.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'users'") == "user_progress_owner"


@pytest.mark.parametrize(
    "variables, named",
    [
        ({"STACK_PORT": "http"}, 'STACK_PORT: "http" is not a whole number from 0 to 65535'),
        ({"STACK_PORT": "65536"}, 'STACK_PORT: "65536" is not a whole number from 0 to 65535'),
        ({"STACK_PORT": "9000"}, "STACK_PORT: port 9000 is already that of another service"),
        ({"USAGE_ANALYTICS_PORT": "-1"}, 'USAGE_ANALYTICS_PORT: "-1" is not a whole number'),
        ({"USER_PROGRESS_PORT": "8005", "STACK_PORT": ""}, "PERFORMANCE_REPORTING_PORT: port 8005 is already"),
        ({"USAGE_ANALYTICS_PORT": "9000", "USER_PROGRESS_PORT": "9000"}, "USAGE_ANALYTICS_PORT: port 9000 is already"),
    ],
)
def test_a_port_that_cannot_be_is_named_before_anything_starts(tmp_path, variables, named):
    stack = Stack(tmp_path / "stack", **variables)
    process = stack.start("up")
    _, err = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1 and err.startswith(f"bad setting {named}"), err
    assert not stack.directory.exists()


def test_down_where_nothing_was_started_leaves_nothing_behind(tmp_path):
    Stack(tmp_path / "none").run("down")
    assert not (tmp_path / "none").exists()


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


def test_secrets_may_come_from_files_as_for_the_daemons(tmp_path, stack):
    stack.run("up")
    files = {"DATABASE_URL": stack.env()["USER_PROGRESS_DATABASE_URL"], "SERVICE_TOKEN": "token-of-the-test-0123456789"}
    for name, secret in files.items():
        (tmp_path / name).write_text(secret + "\n")
    own = {"PERFORMANCE_REPORTING_DATABASE_URL": stack.env()["PERFORMANCE_REPORTING_DATABASE_URL"]}
    other = Stack(tmp_path / "other", **own, **{f"{name}_FILE": str(tmp_path / name) for name in files})
    try:
        other.run("up")
        assert other.env()["USER_PROGRESS_DATABASE_URL"] == files["DATABASE_URL"]
        headers = {"Authorization": f"Bearer {files['SERVICE_TOKEN']}"}
        path = "/performance/user/nobody/records"
        answer = httpx.delete(other.env()["PERFORMANCE_REPORTING_URL"] + path, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"deleted": 0, "remaining": False})
    finally:
        other.run("down")


def test_a_secret_s_file_that_is_not_there_is_named_before_anything_starts(tmp_path):
    stack = Stack(tmp_path / "stack", SERVICE_TOKEN_FILE="/nonexistent")
    _, err = (process := stack.start("up")).communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1 and err.startswith("bad setting SERVICE_TOKEN_FILE:"), err
    assert not stack.directory.exists()


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
