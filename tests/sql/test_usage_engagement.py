"""What the engagement reports answer equals what sets of the raw events of the same snapshot say, at every moment."""

import random
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import engagement_oracle as oracle
import psycopg2.errors
import pytest
import usage_oracle

LABS = ["filesystem", "network", None]
USERS = ["ann", "bob", "cy", "dee", None]
KINDS = ["start", "start", "complete", "complete", "view", None]
DATA = [None, "{}", '{"session_id":"a"}', '{"session_id":"a"}', '{"session_id":"b"}', '{"x":"\\u0000"}']
ZONES = ["UTC", "Europe/Berlin", "America/Havana", "America/St_Johns", "Africa/Cairo", "Australia/Lord_Howe",
         "Pacific/Apia", "Asia/Kathmandu", "America/Sao_Paulo", "Antarctica/Troll"]  # fmt: skip
BEFORE = 29  # days that are looked back to


def run(connection, sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return cursor.fetchall() if cursor.description else None


def us(time):
    return (time - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)


def sql_time(at):
    return f"(timestamptz '1970-01-01Z' + {at} * interval '1 us')"


def start_of(day, zone):
    """The first instant whose local date is the day or after it, looked for minute by minute."""
    at = datetime(day.year, day.month, day.day, tzinfo=timezone.utc) - timedelta(hours=16)
    while at.astimezone(zone).date() < day:
        at += timedelta(minutes=1)
    return us(at)


def starts_before(ends, zone, count):
    """When the last days of a zone begin, up to that of a time; a day that the zone skipped is none."""
    day = datetime.fromtimestamp(ends / 10**6, zone).date()
    days = [day - timedelta(days=n) for n in range(count + 2)]
    return sorted({start_of(day, zone) for day in days if start_of(day, zone) <= ends})[-count:]


class Work:
    """Random statements on rows whose times are a microsecond either side of every edge, or anywhere."""

    def __init__(self, seed, edges, span):
        self.random, self.edges, self.span = random.Random(seed), edges, span

    def time(self):
        chance, pick = self.random.random(), self.random.choice
        if chance < 0.5:
            return sql_time(pick(self.edges) + pick([-1, 0, 1]))
        if chance < 0.93:
            return sql_time(self.random.randrange(*self.span))
        return pick(["NULL", "'infinity'", "'-infinity'", "timestamptz '1999-01-01Z'"])

    def value(self, column):
        if column == "timestamp":
            return self.time()
        of = {"user_id": USERS, "lab_type": LABS, "event_type": KINDS, "event_data": DATA}[column]
        value = self.random.choice(of)
        return "NULL" if value is None else f"'{value}'"

    def one(self):
        order = self.random.choice(["random()", "timestamp NULLS FIRST", "timestamp DESC"])
        return f"(SELECT id FROM usage_events ORDER BY {order} LIMIT 1)"

    def write(self):
        columns, chance = ["user_id", "lab_type", "event_type", "event_data", "timestamp"], self.random.random()
        if chance < 0.6:
            rows = ", ".join(
                "(" + ", ".join(self.value(c) + ("::json" if c == "event_data" else "") for c in columns) + ")"
                for _ in range(self.random.choice([1, 3, 12]))
            )
            return f"INSERT INTO usage_events ({', '.join(columns)}) VALUES {rows}"
        if chance < 0.8:
            change = ", ".join(f"{c} = {self.value(c)}" for c in self.random.sample(columns, 2))
            return f"UPDATE usage_events SET {change} WHERE id = {self.one()}"
        return f"DELETE FROM usage_events WHERE id = {self.one()}"

    def upkeep(self):
        return self.random.choice(
            ["SELECT usage_fold(1)", "SELECT usage_fold(5)", "SELECT usage_fold(1000)", "SELECT usage_work_out_next()",
             "INSERT INTO usage_marks VALUES ('network')", "SELECT usage_rebuild()"])  # fmt: skip

    def step(self):
        return self.write() if self.random.random() < 0.75 else self.upkeep()


def events_of(connection):
    return run(connection, usage_oracle.RAW)


def at_times(starts):
    return "ARRAY[" + ", ".join(map(sql_time, starts)) + "]"


@pytest.mark.parametrize("index", ["usage_events_at", "usage_events_user_page"])
def test_active_users_are_right_before_an_index_is_built(connection, index):
    starts = starts_before(us(datetime(2025, 4, 1, 9, tzinfo=timezone.utc)), ZoneInfo("Europe/Berlin"), BEFORE + 9)
    work = Work(5, starts, (starts[0] - 40 * oracle.DAY, starts[-1] + oracle.DAY))
    run(connection, f"DROP INDEX {index}")
    for _ in range(12):
        run(connection, work.write())
        check_active(connection, starts, starts[-1] + oracle.DAY // 3, index)


def check_active(connection, starts, ends, note):
    events = events_of(connection)
    for lab in LABS:
        rows = run(connection, f"SELECT * FROM usage_active(%s, {at_times([*starts, ends])}, {BEFORE})", lab)
        days, *lists = (list(column) for column in zip(*(row[:5] for row in rows)))
        assert days == list(range(1, len(starts) - BEFORE + 1))
        assert (*lists, *rows[0][5:]) == oracle.active(events, lab, starts, BEFORE, ends), (lab, note)


@pytest.fixture
def connection(database):
    service = database("usage-analytics")
    service.install()
    return service.connect()


@pytest.mark.parametrize("seed", range(4))
def test_active_users_are_those_of_the_raw_events_whoever_wrote_them(connection, seed):
    choose = random.Random(seed)
    zone = ZoneInfo(choose.choice(ZONES))
    ends = us(datetime(2025, choose.choice([3, 4, 10, 11]), choose.randrange(1, 29), tzinfo=timezone.utc))
    ends += choose.randrange(oracle.DAY)
    starts = starts_before(ends, zone, BEFORE + choose.choice([1, 2, 12]))
    edges = [*starts, ends, *(ends - days * oracle.DAY for days in (1, 7, 30, 60))]
    work = Work(seed, edges, (starts[0] - 40 * oracle.DAY, ends + oracle.DAY))
    for _ in range(40):
        sql = work.step()
        run(connection, sql)
        check_active(connection, starts, ends, (zone, seed, sql))


def test_the_users_that_are_new_on_any_day_are_all_that_there_ever_were(connection):
    starts = starts_before(us(datetime(2025, 4, 30, 9, tzinfo=timezone.utc)), ZoneInfo("Africa/Cairo"), BEFORE + 60)
    work = Work(11, starts[BEFORE + 1 :], (starts[BEFORE], starts[-1]))
    for _ in range(20):
        run(connection, work.write())
    first, last = sql_time(starts[BEFORE]), sql_time(starts[-1])
    run(connection, f"DELETE FROM usage_events WHERE (timestamp >= {first} AND timestamp < {last}) IS NOT TRUE")
    rows = run(connection, f"SELECT new, active, active_7_days, active_30_days FROM usage_active(NULL, {at_times(starts)}, {BEFORE})")
    [(users,)] = run(connection, "SELECT count(DISTINCT user_id) FROM usage_events WHERE lab_type IS NOT NULL")
    assert users and sum(new for new, *_ in rows) == users
    assert all(new <= active <= seven <= thirty for new, active, seven, thirty in rows)


def check_funnel(connection, lab, since, until, ends, within, note):
    rows = run(connection, "SELECT CASE WHEN of_lab THEN lab_type END, started, completed, late, open, users_started,"
                           " users_completed, p50, p90, p95, average FROM usage_funnel(%s, " + ", ".join(map(sql_time, (since, until, ends)))
                           + ", %s) WHERE NOT of_lab OR lab_type IS NOT NULL", lab, within)  # fmt: skip
    wanted = oracle.funnel(events_of(connection), lab, since, until, ends, within)
    assert {row[0]: row[1:7] for row in rows if row[1]} == {name: of[:6] for name, of in wanted.items()}, (lab, note)
    for name, *_, p50, p90, p95, average in rows:
        values, total = wanted.get(name, (None,))[-2:] if name in wanted else (None, None)
        assert [p50, p90, p95] == ([us / 10**6 for us in values] if values else [None] * 3), (lab, note)
        assert average == (pytest.approx(total / 10**6 / wanted[name][1], rel=1e-12) if values else None), (lab, note)


@pytest.mark.parametrize("seed", range(4))
def test_what_became_of_starts_is_what_the_raw_events_say(connection, seed):
    choose = random.Random(seed)
    ends = us(datetime(2025, 4, 19, 8, tzinfo=timezone.utc))
    since, until = ends - 20 * 10**6, ends + choose.choice([-5, 0, 3]) * 10**6
    within = choose.choice([1, 3, 8]) * 10**6
    edges = [since, until, ends, ends - within, since + within, ends - 4 * 10**6]
    work = Work(100 + seed, edges, (since - 5 * 10**6, ends + 2 * 10**6))
    for _ in range(100):
        sql = work.step()
        run(connection, sql)
        check_funnel(connection, choose.choice(LABS), since, until, ends, within, (seed, sql))


@pytest.mark.parametrize("seed", range(3))
def test_what_a_user_did_is_what_the_raw_events_say(connection, seed):
    choose = random.Random(seed)
    since = us(datetime(2025, 4, 19, 8, tzinfo=timezone.utc))
    starts = [since - 3 * 10**6, *(since + n * 4 * 10**6 for n in range(1, 6))]
    until = starts[-1] + 2 * 10**6
    work = Work(200 + seed, [since, until, *starts], (since - 5 * 10**6, until + 5 * 10**6))
    for _ in range(100):
        sql = work.step()
        run(connection, sql)
        user = choose.choice(USERS[:-1])
        rows = run(connection, "SELECT of_lab, lab_type, bucket, events, sessions, round(extract(epoch FROM first_seen) * 1000000)::bigint,"
                               " round(extract(epoch FROM last_seen) * 1000000)::bigint"
                               f" FROM usage_of_user(%s, {at_times([since, *starts[1:], until])})", user)  # fmt: skip
        found = {}
        for of_lab, lab, bucket, events, sessions, first, last in rows:
            if lab is not None or not of_lab:
                counts, begun, times = found.setdefault(lab, ([0] * len(starts), [0] * len(starts), []))
                counts[bucket - 1], begun[bucket - 1] = events, sessions
                times += first, last
        found = {lab: (counts, begun, min(times), max(times)) for lab, (counts, begun, times) in found.items()}
        assert found == oracle.of_user(events_of(connection), user, starts, since, until), (seed, sql)


MANY = 60000
FILL = """
INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp)
SELECT 'u' || mod(n, 3000), (ARRAY['filesystem', 'network'])[1 + mod(n, 2)],
       (ARRAY['start', 'view', 'complete', 'start'])[1 + mod(n, 4)], json_build_object('session_id', 's' || mod(n, 7)),
       timestamptz '2025-04-19 08:00Z' - mod(n * 7919, %s) * interval '40 days' / %s
  FROM generate_series(1, %s) AS n""" % (MANY, MANY, MANY)  # so spread that each user has an event every two days


@pytest.mark.parametrize("planned", ["while empty", "when full"])
@pytest.mark.parametrize(
    "call, most",
    [("usage_funnel(NULL, timestamptz '2025-04-19 07:30Z', '2025-04-19 08:00Z', '2025-04-19 08:00Z', 86400000000)", 1000),
     ("usage_of_user('u77', '{2025-04-12Z, 2025-04-15Z, 2025-04-19 08:00Z}'::timestamptz[])", 500)],
    ids=["funnel", "user"],
)  # fmt: skip
def test_a_report_reads_what_it_is_about_and_not_all_events(database, call, most, planned):
    service = database("usage-analytics")
    service.install()
    reader, writer = service.connect(autocommit=False), service.connect()
    if planned == "while empty":  # a connection keeps the plan that it made first
        run(reader, f"SELECT * FROM {call}")
        reader.commit()
    run(writer, FILL)
    for _ in range(2):  # so many at once leave marks, not notes
        run(writer, "SELECT usage_work_out_next()")
    if planned == "when full":
        run(writer, "ANALYZE")
    assert run(reader, f"SELECT * FROM {call}")
    assert 0 < usage_oracle.events_read(reader) < most


def test_what_a_user_did_is_read_from_the_users_events_while_the_indexes_of_steps_are_built(database):
    service = database("usage-analytics")
    service.install()
    connection = service.connect(autocommit=False)
    run(connection, FILL)
    run(connection, "INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp)"
                    " SELECT 'u77', 'network', (ARRAY['start', 'complete'])[1 + mod(n, 2)], json_build_object('session_id', 's' || mod(n, 3)),"
                    " timestamptz '2025-04-13Z' + n * interval '1 hour' FROM generate_series(0, 39) AS n")  # fmt: skip
    call = "SELECT * FROM usage_of_user('u77', '{2025-04-12Z, 2025-04-15Z, 2025-04-19 08:00Z}'::timestamptz[]) AS d ORDER BY d"
    run(connection, "UPDATE usage_state SET taken_over = true")
    wanted = run(connection, call)
    assert any(row[4] for row in wanted)
    before = usage_oracle.events_read(connection)
    for (name,) in run(connection, "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'usage_events'::regclass"
                                   " AND indexrelid::regclass::text NOT IN ('usage_events_pkey', 'ix_usage_events_user_id', 'ix_usage_events_lab_type')"):
        run(connection, f"DROP INDEX {name}")
    run(connection, "UPDATE usage_state SET taken_over = false")
    assert run(connection, call) == wanted
    assert usage_oracle.events_read(connection) - before < 500


def noise(seed, length):
    """A text that does not get shorter when it is compressed."""
    return "".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))


def test_events_of_a_time_are_found_however_long_their_names_are(connection):
    long = [noise(n, 2600) for n in range(3)]
    names = [("u", "l", "k"), (long[0], "l", "k"), ("u", long[1], None), (None, "l", long[2]), (long[0], long[1], long[2])]
    for second, row in enumerate(names):
        run(connection, "INSERT INTO usage_events (user_id, lab_type, event_type, timestamp) VALUES (%s, %s, %s,"
                        " '2025-01-01Z'::timestamptz + %s * interval '1 s')", *row, second)  # fmt: skip
    between = "SELECT user_id, lab_type, event_type FROM usage_events_between(%s, %s)"
    assert run(connection, f"{between} ORDER BY at, id", "2025-01-01Z", "2025-01-01T00:00:05Z") == names
    assert run(connection, f"{between} ORDER BY at, id", "2025-01-01T00:00:01Z", "2025-01-01T00:00:02Z") == names[1:2]
    starts = starts_before(us(datetime(2025, 1, 1, 1, tzinfo=timezone.utc)), timezone.utc, BEFORE + 1)
    check_active(connection, starts, starts[-1] + 10**9, "long names")
