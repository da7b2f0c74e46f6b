"""Performance Reporting and Usage Analytics replace the original: on its database, beside its User Progress."""

import os
from dataclasses import dataclass

import httpx
import pytest

from harness import exchange
from harness.original import described, run
from harness.samples import (
    created,
    detail,
    event_body,
    lab_body,
    new_event,
    new_lab,
    new_record,
    new_user,
    record_body,
    token,
    user_body,
)

USER = {"id": "full", "username": "ada"}
LAB = {"lab_type": "filesystem"}


@dataclass
class Original:
    """What the original's ORM made and sends for one service."""

    service: str
    names: tuple[str, ...]
    tables: str
    rows: str
    statements: str


PERFORMANCE = Original(
    "performance-reporting",
    ("user_performance", "lab_statistics"),
    """
CREATE TABLE user_performance (id SERIAL NOT NULL, user_id VARCHAR, lab_type VARCHAR, completion_time INTEGER,
    success BOOLEAN, errors JSON, resources_used JSON, timestamp TIMESTAMP WITH TIME ZONE, PRIMARY KEY (id));
CREATE INDEX ix_user_performance_id ON user_performance (id);
CREATE INDEX ix_user_performance_user_id ON user_performance (user_id);
CREATE INDEX ix_user_performance_lab_type ON user_performance (lab_type);
CREATE TABLE lab_statistics (id SERIAL NOT NULL, lab_type VARCHAR, total_users INTEGER, avg_completion_time FLOAT,
    success_rate FLOAT, common_errors JSON, last_updated TIMESTAMP WITH TIME ZONE, PRIMARY KEY (id));
CREATE INDEX ix_lab_statistics_id ON lab_statistics (id);
CREATE INDEX ix_lab_statistics_lab_type ON lab_statistics (lab_type);
""",
    """
INSERT INTO user_performance (user_id, lab_type, completion_time, success, errors, resources_used, timestamp) VALUES
    ('full', 'filesystem', 295, true, '["b", "a", "b"]', '{"cpu": 5}', '2025-04-19 08:38:25.379893+00'),
    ('full', 'filesystem', 305, false, 'null', 'null', '2025-04-19 08:38:26+00'),
    ('full', 'filesystem', NULL, NULL, NULL, NULL, NULL),
    (NULL, 'filesystem', 0, true, '[]', '{}', '2025-04-19 08:38:27+02'),
    ('gone', 'filesystem', 1, true, '["a"]', NULL, '2025-04-19 08:38:28+00'),
    ('full', 'gone-type', 7, false, '["x"]', '{}', '2025-04-19 08:38:24+00'),
    ('full', NULL, 9, true, '[]', '{}', '2025-04-19 08:38:29+00'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO lab_statistics (lab_type, total_users, avg_completion_time, success_rate, common_errors, last_updated) VALUES
    ('filesystem', 3, 150.25, 0.5, '["b", "a"]', '2025-04-19 08:39:00+00'), (NULL, NULL, NULL, NULL, 'null', NULL);
""",
    """
INSERT INTO user_performance (user_id, lab_type, completion_time, success, errors, resources_used, timestamp)
    VALUES ('{t}', '{t}', 5, true, '["e"]', 'null', now()) RETURNING id;
SELECT id, user_id, lab_type, completion_time, success, errors, resources_used, timestamp FROM user_performance
    WHERE lab_type = '{t}';
UPDATE user_performance SET errors = 'null', completion_time = 6 WHERE user_id = '{t}';
INSERT INTO lab_statistics (lab_type, total_users, avg_completion_time, success_rate, common_errors, last_updated)
    VALUES ('{t}', 1, 6.0, 1.0, '[]', now()) RETURNING id;
UPDATE lab_statistics SET total_users = 2, last_updated = now() WHERE lab_type = '{t}';
DELETE FROM lab_statistics WHERE lab_type = '{t}';
DELETE FROM user_performance WHERE user_id = '{t}';
""",
)

USAGE = Original(
    "usage-analytics",
    ("usage_events",),
    """
CREATE TABLE usage_events (id SERIAL NOT NULL, user_id VARCHAR, lab_type VARCHAR, event_type VARCHAR, event_data JSON,
    timestamp TIMESTAMP WITH TIME ZONE, PRIMARY KEY (id));
CREATE INDEX ix_usage_events_id ON usage_events (id);
CREATE INDEX ix_usage_events_user_id ON usage_events (user_id);
CREATE INDEX ix_usage_events_lab_type ON usage_events (lab_type);
""",
    """
INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp) VALUES
    ('full', 'filesystem', 'start', '{"session_id": "s"}', now() - interval '2 hours'),
    ('full', 'filesystem', 'complete', '{"session_id": "s", "time_spent": 320}', now() - interval '1 hour'),
    ('full', 'filesystem', 'error', 'null', now() - interval '8 days'), ('gone', 'filesystem', 'start', NULL, now()),
    (NULL, 'filesystem', NULL, '{}', now() - interval '1 day'), ('full', 'filesystem', 'start', '{}', NULL),
    ('full', 'gone-type', 'error', '{"session_id": "\\u0000"}', now()), ('full', NULL, 'start', '{}', now()),
    (NULL, NULL, NULL, NULL, NULL);
""",
    """
INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp)
    VALUES ('{t}', '{t}', 'start', 'null', now()) RETURNING id;
SELECT id, user_id, lab_type, event_type, event_data, timestamp FROM usage_events
    WHERE lab_type = '{t}' AND timestamp >= now() - interval '7 days';
UPDATE usage_events SET event_type = 'complete', event_data = '{"a": 1}' WHERE user_id = '{t}';
DELETE FROM usage_events WHERE user_id = '{t}';
""",
)

BOTH = pytest.mark.parametrize("original", [PERFORMANCE, USAGE], ids=lambda original: original.service)


@pytest.fixture(scope="module")
def truth(user_progress, api) -> str:
    """User Progress, with the user and the lab that the rows name."""
    exchange.request(user_progress, "DELETE", "/users/full")
    new_user(api, id="full")
    if not api.get("/labs/type/filesystem").json():
        new_lab(api, lab_type="filesystem")
    return user_progress


@pytest.fixture
def taken_over(postgres, start_daemon, truth):
    """taken_over(original): a daemon on the database that the original left."""

    def start(original: Original):
        name = postgres.create_database()
        run(postgres, name, original.tables)
        run(postgres, name, original.rows)
        settings = {"DATABASE_URL": postgres.url(name), "USER_PROGRESS_SERVICE_URL": truth}
        daemon = start_daemon(original.service, **settings).ready()
        daemon.database = name
        return daemon

    return start


def test_records_of_the_original_are_reported_with_their_nulls(taken_over, api):
    with taken_over(PERFORMANCE).client() as client:
        lab = created(client.get("/performance/lab/filesystem"))
        del lab["lab_name"]
        assert lab == {
            "lab_type": "filesystem",
            "total_attempts": 5,
            "unique_users": 2,
            "success_rate": 0.6,
            "avg_completion_time": 150.25,
            "common_errors": ["b", "a"],
            "total_users": 2,
        }
        by_lab = created(client.get("/performance/user/full"))["performance_by_lab"]
        assert set(by_lab) == {"filesystem", "gone-type"}
        mine = by_lab["filesystem"]
        assert (mine["attempts"], mine["avg_completion_time"], mine["total_time_spent"]) == (3, 300.0, 600)
        assert mine["last_attempt"] == "2025-04-19T08:38:26+00:00"
        assert by_lab["gone-type"]["lab_name"] == "gone-type"


def test_events_of_the_original_are_reported_with_their_nulls(taken_over):
    with taken_over(USAGE).client() as client:
        assert created(client.get("/analytics/usage/lab/filesystem")) == {
            "lab_type": "filesystem",
            "time_period_days": 7,
            "unique_users": 2,
            "total_events": 4,
            "event_distribution": {"start": 2, "complete": 1, "null": 1},
            "average_session_time_seconds": 3600.0,
        }
        whole = created(client.get("/analytics/trends?days=99999999"))
        assert whole["total_events"] == 9
        assert whole["lab_usage"] == {
            "filesystem": {"total_events": 6, "unique_users": 2, "errors": 1},
            "gone-type": {"total_events": 1, "unique_users": 1, "errors": 1},
        }


def test_rows_of_the_original_can_be_changed_and_deleted(taken_over, api):
    with taken_over(PERFORMANCE).client() as client:
        assert created(client.put("/performance/record/3", json=record_body(USER, LAB)))["timestamp"] is None
        for number in (1, 8):
            assert client.delete(f"/performance/record/{number}").status_code == 200
        assert client.get("/performance/lab/filesystem").json()["total_attempts"] == 4
    with taken_over(USAGE).client() as client:
        assert created(client.put("/analytics/event/6", json=event_body(USER, LAB)))["timestamp"] is None
        for number in (2, 9):
            assert client.delete(f"/analytics/event/{number}").status_code == 200
        report = created(client.get("/analytics/usage/lab/filesystem"))
        assert (report["total_events"], report["average_session_time_seconds"]) == (3, 0)


def test_new_rows_follow_the_ids_of_the_original(taken_over):
    with taken_over(PERFORMANCE).client() as client:
        assert new_record(client, USER, LAB)["id"] == 9
    with taken_over(USAGE).client() as client:
        assert new_event(client, USER, LAB)["id"] == 10


@BOTH
def test_the_tables_are_only_added_to(postgres, taken_over, original):
    untouched = postgres.create_database()
    run(postgres, untouched, original.tables)
    columns, indexes = described(postgres, untouched, *original.names)
    columns_after, indexes_after = described(postgres, taken_over(original).settled().database, *original.names)
    assert columns <= columns_after and indexes <= indexes_after
    assert all(nullable == "YES" for _, _, _, nullable, _, _ in columns_after - columns)


@BOTH
def test_the_statements_of_the_original_work_while_the_service_runs_and_after(postgres, taken_over, original):
    daemon = taken_over(original)
    run(postgres, daemon.database, original.statements.replace("{t}", token()))
    daemon.stop()
    run(postgres, daemon.database, original.statements.replace("{t}", token()))
    run(postgres, daemon.database, original.rows)


@BOTH
def test_the_statements_of_the_original_work_on_a_database_that_the_service_made(
    postgres, beside, truth, original
):
    daemon = beside(original.service, truth).settled()
    run(postgres, daemon.database, original.rows)
    run(postgres, daemon.database, original.statements.replace("{t}", token()))
    name = postgres.create_database()
    run(postgres, name, original.tables)
    columns, indexes = described(postgres, name, *original.names)
    columns_made, indexes_made = described(postgres, daemon.database, *original.names)
    assert columns <= columns_made
    wanted = {
        name
        for _, name, _ in indexes
        if name.endswith(("_user_id", "usage_events_lab_type", "performance_lab_type"))
    }
    assert wanted <= {name for _, name, _ in indexes_made}


def test_rows_that_the_original_writes_beside_us_count_at_once(postgres, taken_over):
    daemon = taken_over(USAGE)
    with daemon.client() as client:
        before = created(client.get("/analytics/trends"))["total_events"]
        run(postgres, daemon.database, USAGE.rows)
        assert created(client.get("/analytics/trends"))["total_events"] == 2 * before
        run(postgres, daemon.database, "DELETE FROM usage_events WHERE lab_type IS NOT NULL")
        assert created(client.get("/analytics/trends"))["lab_usage"] == {}
    daemon = taken_over(PERFORMANCE)
    with daemon.client() as client:
        run(postgres, daemon.database, PERFORMANCE.rows)
        assert created(client.get("/performance/lab/filesystem"))["total_attempts"] == 10


def test_statistics_that_the_original_kept_are_left_alone(postgres, taken_over):
    daemon = taken_over(PERFORMANCE)
    with daemon.client() as client:
        new_record(client, USER, LAB)
        created(client.get("/performance/lab/filesystem"))
    with postgres.connect(daemon.database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT lab_type, total_users, common_errors FROM lab_statistics ORDER BY id")
        assert cursor.fetchall() == [("filesystem", 3, ["b", "a"]), (None, None, None)]


@BOTH
def test_several_daemons_may_start_at_once_on_the_database_of_the_original(
    postgres, start_daemon, truth, original
):
    name = postgres.create_database()
    run(postgres, name, original.tables)
    run(postgres, name, original.rows)
    settings = {"DATABASE_URL": postgres.url(name), "USER_PROGRESS_SERVICE_URL": truth}
    for daemon in [start_daemon(original.service, **settings) for _ in range(3)]:
        daemon.ready()
    report = {
        "performance-reporting": "/performance/user/full",
        "usage-analytics": "/analytics/usage/lab/filesystem",
    }
    assert exchange.request(daemon.url, "GET", report[original.service]).status == 200


# The original's User Progress itself, where one runs (tests/oracle/README.md).
ORIGINAL_URL = os.environ.get("TEST_ORIGINAL_USER_PROGRESS_URL")


@pytest.mark.skipif(
    not ORIGINAL_URL, reason="TEST_ORIGINAL_USER_PROGRESS_URL names no User Progress of the original"
)
def test_both_services_work_beside_the_original_s_user_progress(beside):
    with (
        beside("performance-reporting", ORIGINAL_URL).ready().client() as performance,
        beside("usage-analytics", ORIGINAL_URL).ready().client() as usage,
        httpx.Client(base_url=ORIGINAL_URL) as original,
    ):
        user = created(performance.post("/users/", json=user_body()))
        lab = created(usage.post("/labs/", json=lab_body()))
        assert original.get(f"/users/{user['id']}").json() == user
        new_record(performance, user, lab)
        new_event(usage, user, lab)
        assert performance.get(f"/performance/lab/{lab['lab_type']}").json()["lab_name"] == lab["name"]
        shown = performance.get(f"/performance/user/{user['id']}").json()
        assert shown["username"] == user["username"]
        assert usage.get(f"/analytics/usage/lab/{lab['lab_type']}").json()["total_events"] == 1
        redirected = exchange.request(str(usage.base_url), "GET", "/users")
        assert (redirected.status, redirected.headers["location"]) == (307, "/users/")
        assert original.delete(f"/users/{user['id']}").status_code == 200
        for refused in (
            performance.post("/performance/record", json=record_body(user, lab)),
            usage.post("/analytics/event", json=event_body(user, lab)),
        ):
            assert (refused.status_code, detail(refused)) == (404, "User not found")
