"""The tables of the original, and of earlier versions of this project, are taken over while others write them."""

import threading
from contextlib import closing

import psycopg2
import pytest

from harness.postgres import ROOT
from harness.wait import until

TABLE = """
CREATE TABLE usage_events (id serial PRIMARY KEY, user_id varchar, lab_type varchar, event_type varchar,
                           event_data json, timestamp timestamptz) WITH (autovacuum_enabled = off);
CREATE INDEX ix_usage_events_user_id ON usage_events (user_id);
CREATE INDEX ix_usage_events_lab_type ON usage_events (lab_type);
"""

FILL = """
INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp)
SELECT 'u' || mod(n / 40 * 7919, 20000), (ARRAY['filesystem', 'network', 'sql', 'web'])[1 + mod(n, 4)],
       (ARRAY['start', 'complete', 'view', 'start', 'complete'])[1 + mod(n / 4, 5)],
       json_build_object('session_id', 's' || n / 40), now() - n * interval '17 s'
  FROM generate_series(1, {}) AS n"""

# One connection's statements, as the original, its migrations and people at psql send them.
WRITES = [
    "INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp) VALUES ('w', 'sql', 'start', '{}', now())",
    "INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp) VALUES ('w', 'sql', 'complete', '{}', now())",
    "UPDATE usage_events SET lab_type = 'network' WHERE id = (SELECT max(id) - 1 FROM usage_events)",
    "DELETE FROM usage_events WHERE id = (SELECT min(id) FROM usage_events)",
]

# What the reports' functions answer in one snapshot, and what the events amount to.
PAIRS = [
    ("SELECT lab_type, sum(events)::bigint AS n FROM usage_events_since(usage_labs(), '-infinity') GROUP BY 1",
     "SELECT lab_type, count(*) AS n FROM usage_events GROUP BY 1"),
    ("SELECT lab_type, users AS n FROM usage_users_since(usage_labs(), now() - interval '3 days')",
     "SELECT lab_type, count(DISTINCT user_id) AS n FROM usage_events"
     " WHERE timestamp >= now() - interval '3 days' GROUP BY 1"),
    ("SELECT sessions::text AS lab_type, session_us::bigint AS n"
     " FROM usage_sessions_since('{sql}', now() - interval '3 days')",
     "SELECT count(*)::text AS lab_type, sum((extract(epoch FROM ended_at - at) * 1000000)::bigint)::bigint AS n"
     " FROM usage_pairs_of('sql') WHERE at >= now() - interval '3 days' HAVING count(*) > 0"),
]  # fmt: skip
DIFFERENCES = "SELECT " + " + ".join(
    f"(SELECT count(*) FROM ({kept}) AS a FULL JOIN ({counted}) AS b USING (lab_type, n)"
    " WHERE a.n IS NULL OR b.n IS NULL)"
    for kept, counted in PAIRS
)

IS_DONE = "SELECT taken_over AND NOT EXISTS (SELECT FROM usage_marks) FROM usage_state"
INDEXES = "SELECT count(*) FROM pg_index WHERE indrelid = 'usage_events'::regclass AND indisvalid"


def answer_of(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


class Writers:
    """Connections that write until they are told to end, each statement refused that waits a second for a lock."""

    def __init__(self, postgres, database, count=3, writes=WRITES):
        self.ends = threading.Event()
        self.writes = writes
        self.errors = []
        self.written = 0
        self.threads = [
            threading.Thread(target=self.write, args=(postgres.connect(database),)) for _ in range(count)
        ]

    def write(self, connection):
        with closing(connection), connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
            while not self.ends.is_set():
                for sql in self.writes:
                    try:
                        cursor.execute(sql)
                        self.written += 1
                    except psycopg2.Error as error:
                        self.errors.append(str(error))
                        return

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        for thread in self.threads:
            thread.join()


@pytest.fixture
def database(postgres):
    name = postgres.create_database()
    with closing(postgres.connect(name)) as connection:
        yield connection


def trends_are_answered(daemon):
    with daemon.client() as client:
        return client.get("/analytics/trends?days=3").status_code == 200


def start(start_daemon, postgres, database):
    daemon = start_daemon("usage-analytics", DATABASE_URL=postgres.url(database.info.dbname), WORKERS="1",
                          USER_PROGRESS_SERVICE_URL="http://127.0.0.1:1", REPORT_TIMEOUT_MS="60000")  # fmt: skip
    until(lambda: trends_are_answered(daemon), "a report")
    return daemon


def test_a_table_of_the_original_is_taken_over_while_it_is_written(postgres, database, start_daemon):
    with database.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute(FILL.format(200000))
    with Writers(postgres, database.info.dbname) as writers:
        first = start(start_daemon, postgres, database)
        assert answer_of(database, DIFFERENCES) == 0
        until(lambda: answer_of(database, INDEXES) > 4, "some of the indexes", 120)
        first.kill()
        second = start(start_daemon, postgres, database)
        until(lambda: answer_of(database, "SELECT taken_over FROM usage_state"), "the indexes", 120)
        assert answer_of(database, DIFFERENCES) == 0
        until(lambda: answer_of(database, "SELECT count(*) FROM usage_by_lab"), "a lab type", 120)
        second.kill()
        third = start(start_daemon, postgres, database)
        until(lambda: answer_of(database, IS_DONE), "the rest of them", 120)
        before = writers.written
        until(lambda: writers.written > before + 20, "writes that go on")
        assert answer_of(database, DIFFERENCES) == 0
        assert trends_are_answered(third)
    assert writers.errors == []
    assert answer_of(database, DIFFERENCES) == 0


def test_a_database_of_version_1_is_taken_over_while_it_is_written(postgres, database, start_daemon):
    with database.cursor() as cursor:
        for file in sorted((ROOT / "tests/sql/earlier/usage-analytics-1").glob("*.sql")):
            cursor.execute(file.read_text())
        cursor.execute("CREATE TABLE schema_version (version integer PRIMARY KEY, applied_at timestamptz NOT NULL"
                       " DEFAULT now()); INSERT INTO schema_version VALUES (1)")  # fmt: skip
        cursor.execute(FILL.format(5000))
        cursor.execute("SELECT usage_fold(3000)")
    with Writers(postgres, database.info.dbname) as writers:
        start(start_daemon, postgres, database)
        until(lambda: answer_of(database, "SELECT to_regclass('usage_changes') IS NULL"), "the old tables' end", 120)
        until(lambda: answer_of(database, IS_DONE), "all lab types", 120)
        assert answer_of(database, DIFFERENCES) == 0
        answer_of(database, "SELECT usage_fold(1000)")  # as a daemon of version 1 goes on to do
        assert answer_of(database, DIFFERENCES) == 0
    assert writers.errors == []
    assert answer_of(
        database, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'usage_events'::regclass AND attname = 'session_key'"
    ) == 0  # fmt: skip


def test_a_load_of_many_events_leaves_reports_exact(postgres, database, start_daemon):
    start(start_daemon, postgres, database)
    with database.cursor() as cursor:
        cursor.execute(FILL.format(30000))
        assert answer_of(database, DIFFERENCES) == 0
        until(lambda: answer_of(database, IS_DONE), "all lab types", 120)
        assert answer_of(database, DIFFERENCES) == 0
        cursor.execute("DELETE FROM usage_events WHERE id <= 25000")
        assert answer_of(database, DIFFERENCES) == 0
        until(lambda: answer_of(database, IS_DONE), "all lab types", 120)
        assert answer_of(database, DIFFERENCES) == 0


def test_an_identifier_can_be_widened(postgres, database, start_daemon):
    start(start_daemon, postgres, database).settled()
    until(lambda: answer_of(database, IS_DONE), "the taking over", 120)
    with database.cursor() as cursor:
        cursor.execute(FILL.format(100))
        cursor.execute("ALTER TABLE usage_events ALTER COLUMN id TYPE bigint")
        cursor.execute("ALTER SEQUENCE usage_events_id_seq AS bigint; SELECT setval('usage_events_id_seq', 2147483647)")
        cursor.execute(FILL.format(100))
    assert answer_of(database, DIFFERENCES) == 0
    until(lambda: answer_of(database, "SELECT NOT EXISTS (SELECT FROM usage_notes)"), "all that is folded", 120)
    assert answer_of(database, DIFFERENCES) == 0
