"""The series of usage are exact whatever of it is folded: after each step of random work they equal a recomputation from
the raw events of the same snapshot. So they do where nothing was taken over yet, and for lab types that are marked."""

import random

import psycopg2.extensions
import pytest

import series_oracle as oracle
import usage_oracle
from test_usage_aggregates import LABS, Random, run, snapshot


# Python has no years after 9999.
TIMES = psycopg2.extensions.new_type((1184,), "TIMES", lambda value, cursor: value)


def check(service, chance, note):
    with snapshot(service) as connection, connection.cursor() as cursor:
        psycopg2.extensions.register_type(TIMES, connection)
        cursor.execute("SELECT round(extract(epoch FROM now())::numeric * 1000000)::bigint")
        now = cursor.fetchone()[0]
        cursor.execute(usage_oracle.RAW)
        events = cursor.fetchall()
        for _ in range(2):
            edges, lab, kind, by, top = oracle.some_question(chance, now, LABS)
            asked = (oracle.shown(edges), lab, kind, by, top, oracle.figures_of(kind, by))
            found = oracle.answered(service.call(connection, "usage_series", *asked))
            wanted = oracle.series(events, edges, lab, kind, by, top)
            assert found == wanted, (note, asked)


@pytest.mark.parametrize("seed", range(3))
def test_a_series_equals_a_recomputation_after_every_step(database, seed):
    service = database("usage-analytics")
    service.install()
    work, connection, chance = Random(service, 300 + seed), service.connect(), random.Random(seed)
    for _ in range(60):
        sql = work.step()
        run(connection, sql)
        check(service, chance, sql)


def test_a_series_is_counted_from_the_events_until_the_history_is_taken_over(database):
    service = database("usage-analytics")
    service.install()
    work, connection, chance = Random(service, 400), service.connect(), random.Random(4)
    for _ in range(30):
        run(connection, work.insert())
    run(connection, "SELECT usage_rebuild()")
    for n in range(20):
        check(service, chance, n)
