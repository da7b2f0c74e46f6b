"""The performance reports equal a recomputation from the raw records, whatever the original left in them."""

import json
import random
from collections import Counter

import psycopg2
import pytest

import histories

USERS = ["ann", "bob", None]
LABS = ["filesystem", "network", None]
ERRORS = [
    None, "null", "[]", "{}", '"timeout"', "5", "true", '{"a":"b"}', '["timeout"]', '["timeout","denied","timeout"]',
    '["denied", null, 5, ["timeout"], ""]', '["caf\\u00e9"]', '["café"]', '["a","b","c","d","e","f","g"]', "[[]]",
    '["g"]',
]  # fmt: skip

ORIGINAL = """
CREATE TABLE user_performance (id serial PRIMARY KEY, user_id varchar, lab_type varchar, completion_time integer,
    success boolean, errors json, resources_used json, timestamp timestamptz);
CREATE INDEX ix_user_performance_user_id ON user_performance (user_id);
CREATE INDEX ix_user_performance_lab_type ON user_performance (lab_type);
CREATE TABLE lab_statistics (id serial PRIMARY KEY, lab_type varchar, total_users integer,
    avg_completion_time double precision, success_rate double precision, common_errors json,
    last_updated timestamptz);
"""


def rows_of(connection):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, user_id, lab_type, completion_time, success, errors::text, timestamp"
            "  FROM user_performance ORDER BY id"
        )
        return cursor.fetchall()


def summary(rows):
    times = [row[3] for row in rows if row[3] is not None]
    return sum(bool(row[4]) for row in rows) / len(rows), sum(times) / len(times) if times else None


def report_of_lab(rows, lab):
    rows = [row for row in rows if row[2] == lab]
    if not rows:
        return []
    errors = Counter()
    for row in rows:
        listed = json.loads(row[5]) if row[5] is not None else None
        errors.update([e for e in listed if isinstance(e, str)] if isinstance(listed, list) else [])
    users = {row[1] for row in rows} - {None}
    return [(len(rows), len(users), *summary(rows), [error for error, _ in errors.most_common(5)])]


def report_of_user(rows, user):
    rows = [row for row in rows if row[1] == user and row[2] is not None]
    answer = []
    for lab in sorted({row[2] for row in rows}):
        of = [row for row in rows if row[2] == lab]
        spent = sum(row[3] or 0 for row in of)
        last = max((row[6] for row in of if row[6] is not None), default=None)
        answer.append((lab, len(of), *summary(of), spent, last))
    return answer


def check(service, connection):
    rows = rows_of(connection)
    for lab in ["filesystem", "network", "none"]:
        assert service.call(connection, "report_of_lab", lab) == report_of_lab(rows, lab)
    for user in ["ann", "bob", "nobody"]:
        assert service.call(connection, "report_of_user", user) == report_of_user(rows, user)


@pytest.mark.parametrize("seed", range(3))
def test_reports_equal_a_recomputation_on_a_database_of_the_original(database, seed):
    service = database("performance-reporting")
    plain = psycopg2.connect(**service.dsn)
    plain.autocommit = True
    pick = random.Random(seed).choice
    with plain.cursor() as cursor:
        cursor.execute(ORIGINAL)
        for step in range(120):
            if step == 60:
                service.install()
                service.install()
                connection = service.connect()
            cursor.execute(
                "INSERT INTO user_performance (user_id, lab_type, completion_time, success, errors, timestamp)"
                " VALUES (%s, %s, %s, %s, %s, now() - %s * interval '1 hour')",
                [pick(USERS), pick(LABS), pick([None, 0, 7, 295, 2**31 - 1]), pick([None, True, False, True]),
                 pick(ERRORS), pick([None, 1, 2, 3])],
            )  # fmt: skip
            if step >= 60:
                check(service, connection)
    plain.close()


VALUES = {
    "user_id": USERS,
    "lab_type": LABS,
    "completion_time": [None, 0, 7, -5, 2**31 - 1],
    "success": [None, True, False],
    "errors": ERRORS,
    "timestamp": ["NULL", "now()", "clock_timestamp()", "now() - random() * interval '9 days'", "'infinity'"],
}


def history(seed):
    return histories.History(seed, "user_performance", VALUES, "performance_fold", "performance_rebuild")


@pytest.mark.parametrize("seed", range(6))
def test_reports_equal_a_recomputation_after_every_step(database, seed):
    service = database("performance-reporting")
    service.install()
    histories.one_after_the_other(service, history(seed), check, 120)


@pytest.mark.parametrize("seed", range(100, 102))
def test_reports_equal_a_recomputation_while_transactions_overlap(database, seed):
    service = database("performance-reporting")
    service.install()
    histories.overlapping(service, history(seed), check, 150)


def test_reports_are_exact_while_others_write_and_fold(database):
    service = database("performance-reporting")
    service.install()
    histories.all_at_once(service, history, check, 60, "performance_fold", "upto > 10 FROM performance_state")


def test_texts_that_postgresql_cannot_hold_stay_escaped(database):
    service = database("performance-reporting")
    service.install()
    connection = service.connect()
    errors = ['["a\\u0000b"]', '["\\ud800"]']
    service.call(connection, "insert_record", ["u"] * 2, ["l"] * 2, "{1,2}", "{t,f}", errors, ["{}"] * 2)
    assert service.call(connection, "report_of_lab", "l") == [(2, 1, 0.5, 1.5, ["a\\u0000b", "\\ud800"])]


def test_a_batch_keeps_every_value_as_it_came(database):
    service = database("performance-reporting")
    service.install()
    connection = service.connect()
    used = ['{ "cpu" :1,"b":2, "cpu":3}', "{}"]
    rows = service.call(connection, "insert_record", ["u", "v"], ["l"] * 2, "{1,NULL}", "{t,f}", ["[]", "[]"], used)
    assert [row[0] for row in rows] == [1, 2]
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, timestamp, resources_used::text, completion_time FROM user_performance ORDER BY id")
        assert cursor.fetchall() == [(rows[0][1], rows[0][2], used[0], 1), (rows[1][1], rows[1][2], used[1], None)]


def test_an_update_leaves_the_time_and_a_missing_record_answers_no_row(database):
    service = database("performance-reporting")
    service.install()
    connection = service.connect()
    [(_, number, at)] = service.call(connection, "insert_record", ["u"], ["l"], "{1}", "{t}", ["[]"], ["{}"])
    assert service.call(connection, "update_record", "v", "m", 9, False, '["x"]', "{}", number) == [(number, at)]
    assert service.call(connection, "update_record", "v", "m", 9, False, "[]", "{}", 2**31 - 1) == []
    assert service.call(connection, "report_of_lab", "m") == [(1, 1, 0.0, 9.0, ["x"])]
    assert service.call(connection, "report_of_user", "v") == [("m", 1, 0.0, 9.0, 9, at)]
    assert service.call(connection, "delete_record", number) == [(number,)]
    assert service.call(connection, "delete_record", number) == []
    assert service.call(connection, "report_of_lab", "m") == []
