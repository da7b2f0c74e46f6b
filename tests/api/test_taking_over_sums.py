"""Records and attempts of the original are added up while others write them, and reports are exact all the time."""

from contextlib import closing

import psycopg2
import pytest

from harness.wait import until
from test_taking_over import Writers, answer_of

ROWS = 30000
FILL = """
INSERT INTO {table} (user_id, lab_type, {number}, timestamp)
SELECT CASE WHEN n % 5 = 0 THEN 'heavy' ELSE 'u' || n % 400 END, (ARRAY['filesystem', 'network', 'sql'])[1 + n % 3],
       n % 900, now() - n * interval '1 s' FROM generate_series(1, {rows}) AS n"""
CASES = {
    "user-progress": {
        "table": "lab_attempts",
        "number": "time_spent",
        "columns": "completion_status boolean, time_spent integer, errors_encountered varchar[], timestamp timestamp",
        "state": "attempt_state",
        "summed": "SELECT count(*) > 0 FROM attempt_sums WHERE user_id = 'heavy'",
        # What the reports' functions answer, and what the rows amount to.
        "pairs": [
            ("SELECT u, s.lab_type, s.attempts, s.time_spent, s.first FROM (VALUES ('heavy'), ('u1'), ('w')) AS v (u),"
             " attempts_report_of_user(u) AS s",
             "SELECT user_id, lab_type, count(*), coalesce(sum(time_spent), 0), min(id) FROM lab_attempts"
             " WHERE user_id IN ('heavy', 'u1', 'w') GROUP BY 1, 2"),
            ("SELECT * FROM (SELECT user_id, lab_type, failures FROM attempt_learners"
             " WHERE (user_id, lab_type) NOT IN (SELECT user_id, lab_type FROM attempt_learners_changed())"
             " UNION ALL SELECT user_id, lab_type, failures FROM attempt_learners_changed() WHERE failures > 0) AS l",
             "SELECT user_id, lab_type, count(*) FROM lab_attempts GROUP BY 1, 2"),
        ],
    },
    "performance-reporting": {
        "table": "user_performance",
        "number": "completion_time",
        "columns": "completion_time integer, success boolean, errors json, resources_used json, timestamp timestamptz",
        "state": "performance_state",
        "summed": "SELECT count(*) > 0 FROM performance_users WHERE user_id = 'heavy'",
        "pairs": [
            ("SELECT l, s.attempts, s.seconds, s.timed, s.users FROM (VALUES ('sql'), ('network')) AS v (l),"
             " performance_of_lab(l) AS s",
             "SELECT lab_type, count(*), sum(completion_time), count(completion_time), count(DISTINCT user_id)"
             " FROM user_performance WHERE lab_type IN ('sql', 'network') GROUP BY 1"),
            ("SELECT u, s.lab_type, s.attempts, s.seconds, s.last FROM (VALUES ('heavy'), ('u1'), ('w')) AS v (u),"
             " performance_report_of_user(u) AS s",
             "SELECT user_id, lab_type, count(*), coalesce(sum(completion_time), 0), max(timestamp)"
             " FROM user_performance WHERE user_id IN ('heavy', 'u1', 'w') GROUP BY 1, 2"),
        ],
    },
}  # fmt: skip


def writes(table, number):
    insert = f"INSERT INTO {table} (user_id, lab_type, {number}, timestamp) VALUES ('w', 'sql', 5, now())"
    return [
        insert,
        insert.replace("'w'", "'heavy'"),
        f"UPDATE {table} SET lab_type = 'network' WHERE id = (SELECT max(id) - 1 FROM {table})",
        f"UPDATE {table} SET {number} = {number} + 1 WHERE id = (SELECT min(id) + 500 FROM {table})",
        f"DELETE FROM {table} WHERE id = (SELECT min(id) FROM {table})",
    ]


def differences(connection, pairs):
    """How many rows are in one answer and not in the other, in one snapshot."""
    return answer_of(connection, "SELECT " + " + ".join(
        f"(SELECT count(*) FROM (({a} EXCEPT ALL {b}) UNION ALL ({b} EXCEPT ALL {a})) AS different)" for a, b in pairs))  # fmt: skip


@pytest.mark.parametrize("service", CASES)
def test_rows_of_the_original_are_added_up_while_they_are_written(postgres, start_daemon, service):
    case, database = CASES[service], postgres.create_database()
    table = case["table"]

    def start():
        daemon = start_daemon(service, DATABASE_URL=postgres.url(database), WORKERS="1",
                              USER_PROGRESS_SERVICE_URL="http://127.0.0.1:1")  # fmt: skip
        with daemon.client() as client:
            until(lambda: client.get("/readyz").status_code == 200, "the schema")
        return daemon

    with closing(postgres.connect(database)) as connection, connection.cursor() as cursor:

        def folded_upto(rows):
            return answer_of(connection, f"SELECT upto >= {rows} FROM {case['state']}")

        cursor.execute(f"CREATE TABLE {table} (id serial PRIMARY KEY, user_id varchar, lab_type varchar, {case['columns']})")
        cursor.execute(FILL.format(rows=ROWS, **case))
        with Writers(postgres, database, writes=writes(table, case["number"])) as writers:
            first = start()
            assert differences(connection, case["pairs"]) == 0
            until(lambda: answer_of(connection, f"SELECT count(*) > 4 FROM pg_index WHERE indrelid = '{table}'::regclass"),
                  "some of the indexes", 120)  # fmt: skip
            first.kill()
            start()
            until(lambda: folded_upto(ROWS), "the rows to be added up", 120)
            assert differences(connection, case["pairs"]) == 0
            cursor.execute(FILL.format(rows=2 * ROWS, **case))
            assert differences(connection, case["pairs"]) == 0
            until(lambda: folded_upto(3 * ROWS), "the load to be added up", 120)
            assert differences(connection, case["pairs"]) == 0
            cursor.execute(f"DELETE FROM {table} WHERE id % 2 = 0 AND id BETWEEN 30000 AND 60000")
            assert differences(connection, case["pairs"]) == 0
            before = writers.written
            until(lambda: writers.written > before + 20, "writes that go on")
        assert writers.errors == []
        assert answer_of(connection, case["summed"])
        assert differences(connection, case["pairs"]) == 0


@pytest.mark.parametrize("service", CASES)
def test_what_another_table_s_open_transaction_holds_up_is_nothing(postgres, start_daemon, service):
    case, database = CASES[service], postgres.create_database()
    with closing(psycopg2.connect(postgres.url(database))) as elsewhere, closing(postgres.connect(database)) as connection:
        with elsewhere.cursor() as cursor:
            cursor.execute("CREATE TABLE others (n integer)")
            elsewhere.commit()
        start_daemon(service, DATABASE_URL=postgres.url(database), WORKERS="1",
                     USER_PROGRESS_SERVICE_URL="http://127.0.0.1:1").settled()  # fmt: skip
        with connection.cursor() as cursor, elsewhere.cursor() as other:
            other.execute("INSERT INTO others VALUES (1)")  # and stays open
            cursor.execute(FILL.format(rows=ROWS, **case))
            until(lambda: answer_of(connection, f"SELECT upto >= {ROWS} FROM {case['state']}"), "the rows", 120)
            assert differences(connection, case["pairs"]) == 0
