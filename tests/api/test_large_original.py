"""A large table of the original, not analyzed and written to: the service is ready and serves long before it is done."""

import threading
import time
from contextlib import closing

import psycopg2
import pytest

from harness import metrics
from harness.daemon import BUSY_SECONDS
from harness.samples import attempt_body, created, event_body, new_lab, new_user, record_body
from harness.wait import until

ROWS = 100_000
READY_SECONDS = 10 + BUSY_SECONDS
DONE_SECONDS = 120  # for a busy machine

# A service: its table as the original's ORM makes it, rows for it, and the calls for a single item.
LARGE = {
    "user-progress": (
        "CREATE TABLE lab_attempts (id serial PRIMARY KEY, user_id varchar, lab_type varchar, completion_status boolean,"
        " time_spent integer, errors_encountered varchar[], timestamp timestamp) WITH (autovacuum_enabled = off);"
        " CREATE INDEX ix_lab_attempts_user_id ON lab_attempts (user_id)",
        "INSERT INTO lab_attempts (user_id, lab_type, completion_status, time_spent, errors_encountered, timestamp)"
        " SELECT 'u' || n % 20000, 'sql', true, n % 600, ARRAY['e'], now() - n * interval '9 s'"
        " FROM generate_series(1, {}) AS n",
        "/progress/lab-attempt",
        attempt_body,
    ),
    "performance-reporting": (
        "CREATE TABLE user_performance (id serial PRIMARY KEY, user_id varchar, lab_type varchar, completion_time integer,"
        " success boolean, errors json, resources_used json, timestamp timestamptz) WITH (autovacuum_enabled = off);"
        " CREATE INDEX ix_user_performance_user_id ON user_performance (user_id);"
        " CREATE INDEX ix_user_performance_lab_type ON user_performance (lab_type)",
        "INSERT INTO user_performance (user_id, lab_type, completion_time, success, errors, resources_used, timestamp)"
        " SELECT 'u' || n % 20000, 'sql', n % 600, true, '[\"e\"]', '{{}}', now() - n * interval '9 s'"
        " FROM generate_series(1, {}) AS n",
        "/performance/record",
        record_body,
    ),
    "usage-analytics": (
        "CREATE TABLE usage_events (id serial PRIMARY KEY, user_id varchar, lab_type varchar, event_type varchar,"
        " event_data json, timestamp timestamptz) WITH (autovacuum_enabled = off);"
        " CREATE INDEX ix_usage_events_user_id ON usage_events (user_id);"
        " CREATE INDEX ix_usage_events_lab_type ON usage_events (lab_type)",
        "INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp)"
        " SELECT 'u' || n % 20000, 'sql', 'start', '{{}}', now() - n * interval '9 s'"
        " FROM generate_series(1, {}) AS n",
        "/analytics/event",
        event_body,
    ),
}


class Writer(threading.Thread):
    """The original, which keeps adding rows; a statement that waits a second for a lock is refused."""

    def __init__(self, connection, insert: str):
        super().__init__()
        self.connection, self.insert = connection, insert
        self.end = threading.Event()
        self.errors = []

    def run(self) -> None:
        with closing(self.connection), self.connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
            while not self.end.is_set() and not self.errors:
                try:
                    cursor.execute(self.insert.format(1))
                except psycopg2.Error as error:
                    self.errors.append(str(error))


@pytest.mark.parametrize("service", LARGE)
def test_on_a_large_table_of_the_original_a_service_is_ready_and_serves_within_ten_seconds(
    postgres, start_daemon, user_progress, api, service
):
    tables, insert, path, body_of = LARGE[service]
    name = postgres.create_database()
    with closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute(tables)
        cursor.execute(insert.format(ROWS))
    writer = Writer(postgres.connect(name), insert)
    writer.start()
    try:
        began = time.monotonic()
        daemon = start_daemon(
            service, DATABASE_URL=postgres.url(name), USER_PROGRESS_SERVICE_URL=user_progress
        )
        with daemon.client() as client:
            until(lambda: client.get("/readyz").status_code == 200, "it to be ready", READY_SECONDS)
            owner = client if service == "user-progress" else api
            body = body_of(new_user(owner), new_lab(owner))
            made = created(client.post(path, json=body))
            assert client.get(f"{path}/{made['id']}").json() == made
            assert client.get(f"{path}/{ROWS // 2}").status_code == 200
            assert time.monotonic() - began < READY_SECONDS
        steps = lambda: metrics.samples(daemon.url).of("database_schema_steps_waiting")
        until(lambda: steps() == 0, "the indexes and the history", DONE_SECONDS)
    finally:
        writer.end.set()
        writer.join()
    assert writer.errors == []
