"""The usage reports are exact at every moment: after each step of random work by several connections, what the
fast statements answer equals a recomputation from the raw events of the same snapshot."""

import random
import re
from contextlib import contextmanager

import psycopg2
import psycopg2.errors
import pytest

import usage_oracle as oracle
from service import ROOT, array

LABS = ["filesystem", "network", 'quo"ted', None]
USERS = ["ann", "bob", "cy", None]
KINDS = ["start", "start", "start", "complete", "complete", "error", "view", None]
DATA = [
    None, "{}", "{}", "null", "[1]", '"x"', '{"session_id":null}',
    '{"session_id":"a"}', '{"session_id":"a"}', '{"session_id":"b"}', '{"session_id":"\\u0061"}',
    '{"session_id":7}', '{"session_id":"7"}', '{"x":"\\u0000","session_id":"a"}', '{"session_id":"\\ud800"}',
    '{"session_id":"%s"}' % ("long" * 1000),
]  # fmt: skip
TIMES = [
    "now()", "now()", "clock_timestamp()", "clock_timestamp()", "now() - random() * interval '3 minutes'",
    "now() - random() * interval '2 hours'", "now() - random() * interval '40 days'", "now() - interval '200 years'",
    "now() + random() * interval '2 hours'", "NULL", "'infinity'", "'-infinity'", "'294000-01-01'",
    "date_trunc('minute', now())", "now() - interval '24 hours' + random() * interval '2 seconds'",
]  # fmt: skip
WINDOWS = [0, 1, 2, 30, 36500, 36501, 2**62]


@contextmanager
def snapshot(service):
    """A connection whose transaction sees one state throughout, so that now() and the rows are the same to all."""
    if not hasattr(service, "reader"):
        service.reader = service.connect(autocommit=False)
        service.reader.set_session(isolation_level="REPEATABLE READ", readonly=True)
    try:
        yield service.reader
    finally:
        service.reader.rollback()


def check(service, note=None):
    with snapshot(service) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT round(extract(epoch FROM now())::numeric * 1000000)::bigint")
        now = cursor.fetchone()[0]
        cursor.execute(oracle.RAW)
        events = cursor.fetchall()
        for days in WINDOWS:
            assert service.call(connection, "trends", days) == oracle.trends(events, now, days), (days, note)
            for lab in [*LABS[:-1], "nobody's"]:
                expected = oracle.usage_of_lab(events, lab, now, days)
                answered = service.call(connection, "usage_of_lab", lab, days)
                assert [row[:4] for row in answered] == [row[:4] for row in expected], (lab, days, note)
                assert [row[4] or 0 for row in answered] == pytest.approx([row[4] for row in expected], rel=1e-12), (
                    lab, days, note)  # fmt: skip
    return events


class Random:
    """Random statements, as the daemon, the original and people at psql write them."""

    def __init__(self, service, seed):
        self.service = service
        self.random = random.Random(seed)

    def value(self, column):
        pick = self.random.choice
        if column == "timestamp":
            return pick(TIMES)
        value = pick({"user_id": USERS, "lab_type": LABS, "event_type": KINDS, "event_data": DATA}[column])
        return "NULL" if value is None else "'" + value.replace("'", "''") + "'"

    def some(self):
        """A condition that a few rows meet."""
        pick = self.random.choice
        return pick(["id % 7 = {n}", "id = (SELECT max(id) FROM usage_events) - {n}", "user_id = {u}",
                     "id = (SELECT id FROM usage_events ORDER BY timestamp, id OFFSET {n} * 5 LIMIT 1)"]).format(
            n=self.random.randrange(7), u=self.value("user_id"))  # fmt: skip

    def insert(self):
        columns = ["user_id", "lab_type", "event_type", "event_data", "timestamp"]
        rows = ", ".join(
            "(" + ", ".join(self.value(c) + ("::json" if c == "event_data" else "") for c in columns) + ")"
            for _ in range(self.random.choice([1, 1, 1, 5, 30]))
        )
        return f"INSERT INTO usage_events ({', '.join(columns)}) VALUES {rows}"

    def batch(self):
        arrays = [array(self.random.choices(of, k=12)) for of in (USERS, LABS, KINDS, DATA)]
        return "EXECUTE insert_event({})".format(", ".join("'" + a.replace("'", "''") + "'" for a in arrays))

    def update(self):
        columns = self.random.sample(["user_id", "lab_type", "event_type", "event_data", "timestamp"], 2)
        if self.random.random() < 0.1:
            return "UPDATE usage_events SET id = nextval('usage_events_id_seq') WHERE " + self.some()
        changes = ", ".join(f"{c} = {self.value(c)}" for c in columns)
        return f"UPDATE usage_events SET {changes} WHERE {self.some()}"

    def delete(self):
        return f"DELETE FROM usage_events WHERE {self.some()}"

    def step(self):
        chance = self.random.random()
        if chance < 0.4:
            return self.insert()
        if chance < 0.55:
            return self.batch()
        if chance < 0.75:
            return self.update()
        if chance < 0.85:
            return self.delete()
        if chance < 0.86:
            return "TRUNCATE usage_events"
        return self.upkeep()

    def upkeep(self):
        """A lab type marked, all of them, one worked out, or notes folded."""
        chance = self.random.random()
        if chance < 0.1:
            return f"INSERT INTO usage_marks SELECT lab FROM (VALUES ({self.value('lab_type')})) AS v (lab) WHERE lab <> ''"
        if chance < 0.15:
            return "SELECT usage_rebuild()"
        if chance < 0.5:
            return "SELECT usage_work_out_next()"
        return f"SELECT usage_fold({self.random.choice([1, 3, 10, 1000])})"


def run(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize("seed", range(3))
def test_reports_equal_a_recomputation_after_every_step(database, seed):
    service = database("usage-analytics")
    service.install()
    work = Random(service, seed)
    connection = service.connect()
    for _ in range(60):
        sql = work.step()
        run(connection, sql)
        check(service, sql)


@pytest.mark.parametrize("seed", range(3))
def test_reports_equal_a_recomputation_while_transactions_overlap(database, seed):
    service = database("usage-analytics")
    service.install()
    work = Random(service, 100 + seed)
    writers = [service.connect(autocommit=False) for _ in range(3)]
    folder = service.connect()
    for writer in writers:
        run(writer, "SET lock_timeout = '200ms'")
        writer.commit()
    for _ in range(80):
        writer = work.random.choice(writers)
        chance = work.random.random()
        try:
            if chance < 0.3:
                writer.commit()
            elif chance < 0.35:
                writer.rollback()
            elif chance < 0.5:
                run(folder, work.upkeep())
            else:
                sql = work.step()
                run(writer, sql)
                if sql.startswith("TRUNCATE"):  # readers wait for its end
                    writer.commit()
        except (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected):
            writer.rollback()
        except psycopg2.errors.ActiveSqlTransaction:  # slices need transactions of their own
            writer.rollback()
        check(service)
    for writer in writers:
        writer.commit()
    check(service)


@pytest.mark.parametrize("seed", range(4, 8))
def test_sessions_are_kept_exact_where_steps_are_dense(database, seed):
    """One user's steps, set, changed and removed at random places of a short time, folded now and then and a few at
    a time: a step that went must not hide what another one changed that is not folded either."""
    service = database("usage-analytics")
    service.install()
    connection = service.connect()
    pick = random.Random(seed).choice
    value = {
        "event_type": lambda: pick(["'start'", "'complete'"]),
        "event_data": lambda: pick(["NULL", *(f"""'{{"session_id":"{session}"}}'""" for session in "ab")]),
        "timestamp": lambda: f"timestamptz '2025-01-01Z' + {pick(range(12))} * interval '1 s'",
    }
    for _ in range(400):
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM usage_events ORDER BY id")
            ids = [row[0] for row in cursor.fetchall()]
            one, column = pick(ids or [0]), pick(list(value))
            steps = [
                "INSERT INTO usage_events (user_id, lab_type, {}) VALUES ('u', 'l', {})".format(
                    ", ".join(value), ", ".join(make() for make in value.values())),
                f"UPDATE usage_events SET {column} = {value[column]()} WHERE id = {one}",
            ]  # fmt: skip
            if len(ids) > 5:
                steps.append(f"DELETE FROM usage_events WHERE id = {one}")
            cursor.execute(pick(steps))
            cursor.execute(oracle.RAW)
            spans = [us for _, _, us in oracle.sessions(cursor.fetchall())]
            cursor.execute("SELECT sessions, session_us FROM usage_sessions_since('{l}', '-infinity')")
            sums = cursor.fetchone() or (0, 0)
            assert (sums[0], int(sums[1])) == (len(spans), sum(spans))
            cursor.execute(f"SELECT usage_fold({pick([0, 0, 0, 1, 2, 100])})")


MANY, NOTES = 60000, 100
FILL = """
INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp)
SELECT 'u' || mod(n, 3000), (ARRAY['filesystem', 'network'])[1 + mod(n, 2)],
       (ARRAY['start', 'complete', 'view'])[1 + mod(n, 3)], json_build_object('session_id', 's' || n / 3),
       now() - random() * interval '40 days'
  FROM generate_series(1, %s) AS n"""


@pytest.mark.parametrize("planned", ["while empty", "when full"])
@pytest.mark.parametrize("call", [("usage_of_lab", "filesystem", 7), ("trends", 30)], ids=["usage", "trends"])
def test_a_report_reads_what_its_notes_concern_and_not_all_events(database, call, planned):
    service = database("usage-analytics")
    service.install()
    connection = service.connect(autocommit=False)
    if planned == "while empty":  # a connection keeps the plan that it made first
        run(service.connect(), FILL % 3)
        service.call(connection, *call)
        connection.commit()
    run(service.connect(), FILL % MANY)
    for _ in range(2):  # so many at once leave marks, not notes
        run(service.connect(), "SELECT usage_work_out_next()")
    if planned == "when full":  # ANALYZE makes PostgreSQL plan everything again
        run(service.connect(), "ANALYZE")
    run(service.connect(), FILL % NOTES)
    service.call(connection, *call)
    assert oracle.events_read(connection) < NOTES * 50


STEPS = """
INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp)
SELECT 'ann', 'lab {0}', (ARRAY['start', 'start', 'complete'])[1 + n % 3], json_build_object('session_id', 's'),
       '2025-04-19Z'::timestamptz + n * interval '1 s'
  FROM generate_series(1, {0}) AS n"""


def test_what_a_note_costs_does_not_grow_with_the_steps_of_its_session_id(database):
    service = database("usage-analytics")
    service.install()
    read = {}
    for steps in (150, 1500):
        run(service.connect(), STEPS.format(steps))
        folder = service.connect(autocommit=False)
        assert service.call(folder, "fold_usage", 10000) == [(steps,)]
        read[steps] = oracle.events_read(folder)
        folder.commit()
    assert 0 < read[1500] < 20 * read[150], read


def test_what_is_kept_of_events_goes_with_them(database):
    service = database("usage-analytics")
    service.install()
    connection = service.connect()
    for first, last in ((1, 150), (151, 300)):
        run(connection, STEPS.format(150))
        run(connection, "UPDATE usage_events SET event_type = 'mail ' || id WHERE id % 7 = 0")
        service.call(connection, "fold_usage", 10000)
        run(connection, f"DELETE FROM usage_events WHERE id BETWEEN {first} AND {last}")
        service.call(connection, "fold_usage", 10000)
        for table in ("usage_by_type", "usage_by_lab", "usage_seen", "usage_pairs", "usage_notes"):
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM {table}")
                assert cursor.fetchall() == [], table


def test_inserts_do_not_wait_for_one_another(database):
    service = database("usage-analytics")
    service.install()
    first, second = service.connect(autocommit=False), service.connect(autocommit=False)
    for writer in (first, second):
        run(writer, "SET LOCAL lock_timeout = '1s'")
    for _ in range(3):
        for writer in (first, second):
            service.call(writer, "insert_event", ["ann"] * 2, ["filesystem"] * 2, ["start", "complete"], ["{}"] * 2)
    folder = service.connect()
    assert service.call(folder, "fold_usage", 4000) == [(0,)]
    second.commit()
    assert service.call(folder, "fold_usage", 4000) == [(6,)]
    check(service)
    first.commit()
    check(service)
    assert service.call(folder, "fold_usage", 4000) == [(6,)]
    assert service.call(folder, "fold_usage", 4000) == [(0,)]
    check(service)


def test_a_fold_whose_transaction_began_before_others_reads_from_where_it_began(database):
    service = database("usage-analytics")
    service.install()
    folder, other = service.connect(autocommit=False), service.connect()
    event = ("insert_event", ["ann"] * 2, ["filesystem"] * 2, ["start", "complete"], ["{}"] * 2)
    with folder.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")  # the daemon's stamp of a batch takes a number
        own = cursor.fetchone()
        service.call(other, *event)
        assert service.call(folder, "fold_usage", 4000) == [(2,)]
        service.call(folder, *event)
        folder.commit()
        check(service)
        cursor.execute("SELECT before FROM usage_since")
        assert cursor.fetchone() == own
        assert service.call(folder, "fold_usage", 4000) == [(2,)]
    folder.commit()
    check(service)


def test_a_batch_answers_each_call_by_its_ordinal_and_keeps_event_data_byte_for_byte(database):
    service = database("usage-analytics")
    service.install()
    connection = service.connect()
    data = ['{ "b" :1.0,"a":12345678901234567890, "b":2}', '{"e":"\\u00e9","n":"\\u0000"}', "null", None]
    rows = service.call(connection, "insert_event", ["u"] * 4, ["l"] * 4, ["start"] * 4, data)
    assert [row[0] for row in rows] == [1, 2, 3, 4]
    with connection.cursor() as cursor:
        for (_, number, at), sent in zip(rows, data):
            cursor.execute("SELECT event_data::text, timestamp FROM usage_events WHERE id = %s", [number])
            assert cursor.fetchone() == (sent or "null", at)


def test_an_update_leaves_the_time_and_a_missing_event_answers_no_row(database):
    service = database("usage-analytics")
    service.install()
    connection = service.connect()
    [(_, number, at)] = service.call(connection, "insert_event", ["u"], ["l"], ["start"], ["{}"])
    assert service.call(connection, "update_event", "v", "m", "error", '{"x":1}', number) == [(number, at)]
    assert service.call(connection, "update_event", "v", "m", "error", "{}", 2**31 - 1) == []
    assert service.call(connection, "trends", 1) == [("m", 1, 1, 1)]
    assert service.call(connection, "delete_event", number) == [(number,)]
    assert service.call(connection, "delete_event", number) == []
    assert service.call(connection, "usage_of_lab", "m", 36501) == []
    check(service)


ORIGINAL = """
CREATE TABLE usage_events (id serial PRIMARY KEY, user_id varchar, lab_type varchar, event_type varchar,
                           event_data json, timestamp timestamptz);
CREATE INDEX ix_usage_events_user_id ON usage_events (user_id);
CREATE INDEX ix_usage_events_lab_type ON usage_events (lab_type);
"""


@pytest.mark.parametrize("seed", range(2))
def test_a_database_of_the_original_is_taken_as_it_is_and_any_number_of_times(database, seed):
    service = database("usage-analytics")
    work = Random(service, 200 + seed)
    plain = psycopg2.connect(**service.dsn)
    plain.autocommit = True
    run(plain, ORIGINAL)
    for _ in range(40):
        run(plain, work.insert())
    writer = psycopg2.connect(**service.dsn)
    run(writer, work.insert())
    writer.commit()
    service.install()
    before = check(service)
    assert len(before) > 40
    service.install()
    check(service)
    run(plain, work.insert())
    assert len(check(service)) > len(before)
    plain.close()
    writer.close()


def page_examples():
    """The rows of the table in docs/sessions.md: steps, and the pairs of them that are sessions."""
    for steps, pairs in re.findall(r"^\| (start.*?) \| (.*?) \|$", (ROOT / "docs" / "sessions.md").read_text(), re.M):
        yield steps.split(", "), sorted((int(a), int(b)) for a, b in re.findall(r"(\d)–(\d)", pairs))


@pytest.mark.parametrize("steps, pairs", page_examples())
def test_sessions_are_those_of_the_page(database, steps, pairs):
    service = database("usage-analytics")
    service.install()
    connection = service.connect()
    for i, step in enumerate(steps, 1):
        kind, session = (step.split() + [None])[:2]
        data = "{}" if session is None else f'{{"session_id":"{session}"}}'
        run(connection, f"INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp) VALUES"
                        f" ('u', 'l', '{kind}', '{data}', timestamptz '2025-01-01Z' + interval '{i} s')")  # fmt: skip
    for derive in (["usage_fold(100)"], ["usage_rebuild()", "usage_work_out_next()", "usage_work_out_next()"]):
        for function in derive:
            run(connection, f"SELECT {function}")
        with connection.cursor() as cursor:
            cursor.execute("SELECT start_id, start_id + session_us / 1000000 FROM usage_pairs ORDER BY 1")
            assert cursor.fetchall() == pairs
    check(service)


def test_events_with_names_too_long_for_an_index_are_counted(database):
    service = database("usage-analytics")
    service.install()
    connection = service.connect()
    noise = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=2000))
    service.call(connection, "insert_event", ["u"], ["l"], ["start"], ["{}"])
    run(connection, f"INSERT INTO usage_events (user_id, lab_type, event_type) VALUES ('u', 'l', '{noise}')")
    service.call(connection, "fold_usage", 4000)
    check(service)
