"""Distributions, errors, difficulty and resources equal a recomputation from the raw records at every moment, whoever
wrote and whatever is folded."""

import json
import random
from datetime import timedelta
from decimal import Decimal

import histories
import pytest
from performance_oracle import (
    between,
    difficulty_of_labs,
    errors_of_lab,
    records_of,
    report_of_resources,
    times_of_lab,
)

LABS = ["filesystem", "network", "é", None]
LONG = json.dumps(["timeout", "x" * 3000])
VALUES = {
    "user_id": ["ann", "bob", "cy", "di", "'", None],
    "lab_type": LABS,
    "completion_time": [None, 0, 7, 7, 19, 20, -5, 295, 2**31 - 1, -(2**31)],
    "success": [None, True, False, False],
    "errors": [
        None, "null", "[]", "{}", '"timeout"', "5", "true", '{"a":"b"}', '["timeout"]', '["timeout","denied","timeout"]',
        '["denied", null, 5, ["timeout"], ""]', '["caf\\u00e9"]', '["café"]', '["a","b","c","d","e","f","g"]', "[[]]",
        '["a\\u0000b", "\\ud800"]', LONG,
    ],
    "resources_used": [
        None, "null", "{}", "[1]", "7", '{"cpu":5}', '{"cpu":7,"cpu":5,"mem":"much"}', '{"cpu":null,"é":-3}',
        '{"\\u00e9":12345678901234567890,"mem":1.50}', '{"cpu":1e999,"big":1e20,"mem":{"cpu":1}}',
        '{"a\\u0000b":1,"\\ud800":2}', '{"cpu":5.0,"\\\\u0000":1}',
    ],
    "timestamp": [
        "NULL", "now()", "clock_timestamp()", "date_trunc('day', now())", "now() - random() * interval '9 days'",
        "now() - random() * interval '40 days'", "now() - interval '14 days'", "'infinity'",
    ],
}  # fmt: skip


def history(seed):
    return histories.History(seed, "user_performance", VALUES, "performance_fold", "performance_rebuild")


def edge(chance, records):
    """A bound beside a record's time, on it, or none."""
    stamps = [r.timestamp for r in records if r.timestamp is not None and r.timestamp.year < 9000]
    if not stamps or chance.random() < 0.4:
        return None
    return chance.choice(stamps) + timedelta(microseconds=chance.choice([-1, 0, 1]))


def ranges(chance, records):
    yield None, None
    since, until = edge(chance, records), edge(chance, records)
    if chance.random() < 0.3:
        until = (until or edge(chance, records)) and until and until + timedelta(days=14)
    yield since, until


def check_of(seed):
    chance = random.Random(seed)

    def check(service, connection):
        records = records_of(connection)
        with connection.cursor() as cursor:
            cursor.execute("SELECT now()")
            (now,) = cursor.fetchone()
        limit, min_users = chance.choice([1, 5, 100]), chance.choice([1, 2, 3])
        for since, until in ranges(chance, records):
            some = between(records, since, until)
            for lab in LABS[:3]:
                assert service.call(connection, "times_of_lab", lab, since, until) == times_of_lab(some, lab)
                expected = errors_of_lab(some, lab, limit)
                assert service.call(connection, "errors_of_lab", lab, since, until, limit) == expected
            found = service.call(connection, "difficulty_of_labs", since, until, min_users)
            assert found == difficulty_of_labs(some, until or now, min_users)
        since, until = now - timedelta(days=20), now + timedelta(days=1)
        for lab in [None, "network"]:
            [found] = service.call(connection, "report_of_resources", lab, since, until, limit)
            assert same(found, report_of_resources(between(records, since, until), lab, limit))

    return check


def same(found, expected):
    listed = [{**r, **{k: Decimal(str(r[k])) for k in ("min", "p50", "p95", "max", "sum")}} for r in found[2]]
    return (*found[:2], listed, *found[3:]) == expected


@pytest.mark.parametrize("seed", range(5))
def test_distributions_equal_a_recomputation_after_every_step(database, seed):
    service = database("performance-reporting")
    service.install()
    histories.one_after_the_other(service, history(seed), check_of(seed), 80)


@pytest.mark.parametrize("seed", range(100, 102))
def test_distributions_equal_a_recomputation_while_transactions_overlap(database, seed):
    service = database("performance-reporting")
    service.install()
    histories.overlapping(service, history(seed), check_of(seed), 100)


def test_distributions_are_exact_while_others_write_and_fold(database):
    service = database("performance-reporting")
    service.install()
    histories.all_at_once(service, history, check_of(7), 25, "performance_fold", "upto > 10 FROM performance_state")


def test_a_database_of_the_version_without_learners_is_added_up_again(database):
    service = database("performance-reporting")
    service.install()
    connection = service.connect()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO user_performance (user_id, lab_type, completion_time, success, timestamp)"
            " SELECT 'u' || n % 7, 'network', n, n % 3 = 0, now() - n * interval '1 day' FROM generate_series(1, 40) AS n;"
            "SELECT performance_fold(1);"
            "CREATE TABLE performance_seen AS SELECT lab_type, user_id FROM performance_learners;"
            "DROP TABLE performance_learners, performance_outcomes, performance_solutions"
        )
    service.install()
    check_of(0)(service, connection)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('performance_seen'), (SELECT count(*) FROM performance_learners)")
        assert cursor.fetchone() == (None, 0)
        cursor.execute("SELECT performance_fold(1)")
    check_of(0)(service, connection)
