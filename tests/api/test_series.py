"""Series: figures for each hour, day, week or month of a time zone, against a recomputation from the raw rows."""

import random
from contextlib import closing
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from psycopg2.extras import Json, execute_values

from harness import clocks
from harness.clocks import US, UTC
from harness.lists import LISTS, filled, rows_of
from harness.samples import created, detail, faults
from harness.series import FIGURES, PATHS, answer, plant

SEED = 20251026
YEARS = [(name, year) for name, year in clocks.YEARS if year > 1970 and name != "UTC"]


@pytest.fixture(scope="module", params=LISTS, ids=lambda of: of.service)
def of(request):
    return request.param


@pytest.fixture(scope="module")
def daemon(postgres, of, user_progress, tmp_path_factory):
    with filled(postgres, of, user_progress, tmp_path_factory.mktemp("series"), 200) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def client(daemon):
    with daemon.client() as client:
        yield client


@pytest.fixture(scope="module")
def cursor(postgres, daemon, of):
    """Looks into the database, in which rows are planted either side of each change of clocks."""
    with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
        chance = random.Random(SEED)
        for name, year in YEARS:
            for change in clocks.changes(ZoneInfo(name), year):
                day = timedelta(hours=chance.choice([23, 24, 25]))
                near = [change, change - timedelta(hours=1), change + timedelta(minutes=30), change + day]
                insert(cursor, of, chance, [at for edge in near for at in plant(edge) for _ in range(2)])
        yield cursor


def insert(cursor, of, chance: random.Random, times: list[datetime]) -> None:
    users, labs, some = ["u1", "u2", "u3", None], ["l1", "l2", "l3", "l4", "L4", None], ["s", "t", None]
    rows = []
    for at in times:
        others = {name: value for name, value in of.others.items()}
        for name in ("time_spent", "completion_time"):
            if name in others:
                others[name] = chance.choice([0, 1, 5, 60, 600, None])
        if "event_data" in others:
            others["event_data"] = Json({"session_id": chance.choice(some)} if chance.random() < 0.7 else {})
        values = (*of.values, "start", "complete") if of.service == "usage-analytics" else of.values
        row = (chance.choice(users), chance.choice(labs), chance.choice([*values, None]), at, *others.values())
        rows.append(row)
    names = ("user_id", "lab_type", of.special, "timestamp", *of.others)
    execute_values(cursor, f"INSERT INTO {of.table} ({', '.join(names)}) VALUES %s", rows)


def show(at: datetime, chance: random.Random) -> str:
    """A moment, with the offset of some zone."""
    return at.astimezone(ZoneInfo(chance.choice(["UTC", "Asia/Kolkata", "America/Havana"]))).isoformat()


def some_query(of, chance: random.Random, name: str) -> dict:
    query = {"zone": name, "interval": chance.choice(["hour", "day", "week", "month"]), "by": chance.choice(["none", "lab_type"])}
    if of.service == "usage-analytics":
        query["by"] = chance.choice(["none", "lab_type", "event_type"])
        if chance.random() < 0.2:
            query["event_type"] = chance.choice(["start", "null", "never"])
    if chance.random() < 0.25:
        query["lab_type"] = chance.choice(["l1", "l3", "nothing"])
    if chance.random() < 0.3:
        query["figures"] = ",".join(chance.sample(FIGURES[of.service], chance.randrange(1, 4)))
    return query | ({"top": chance.choice([1, 2, 3, 50])} if chance.random() < 0.6 else {})


def check(client, cursor, of, query: dict, from_: datetime, to: datetime, chance: random.Random) -> dict:
    got = created(client.get(PATHS[of.service], params={**query, "from": show(from_, chance), "to": show(to, chance)}))
    wanted = answer(of, rows_of(cursor, of), query, from_, to)
    assert list(got) == list(wanted)
    for member, value in wanted.items():
        assert got[member] == value, (member, query, from_, to)
    return got


@pytest.mark.parametrize("name,year", YEARS)
def test_figures_are_those_of_the_rows_of_each_interval(client, cursor, of, name, year):
    chance = random.Random(f"{SEED} {name}")
    changes = clocks.changes(ZoneInfo(name), year) or [datetime(2025, 5, 20, tzinfo=UTC)]
    for _ in range(6):
        query, change = some_query(of, chance, name), chance.choice(changes)
        length = timedelta(days=chance.randrange(1, 5) if query["interval"] == "hour" else chance.randrange(3, 100))
        from_ = change - length * chance.random() + US * chance.choice([-1, 0, 1])
        check(client, cursor, of, query, from_, from_ + length, chance)
    starts = clocks.intervals(ZoneInfo(name), "day", changes[-1] - timedelta(days=2), changes[-1] + timedelta(days=2))
    got = check(client, cursor, of, {"zone": name, "by": "lab_type"}, starts[0], starts[-1], chance)
    assert got["partial"] == [] and len(got["starts"]) == len(starts) - 1


def test_figures_are_right_while_rows_come_change_and_go(client, cursor, of):
    """Also those that are not folded yet."""
    chance = random.Random(SEED)
    for n in range(12):
        at = datetime(2025, 5, 20, tzinfo=UTC) + timedelta(hours=chance.randrange(500))
        insert(cursor, of, chance, [at + timedelta(minutes=chance.randrange(600)) for _ in range(20)])
        cursor.execute(f"UPDATE {of.table} SET lab_type = 'l2', timestamp = timestamp + interval '7 minutes' WHERE id % 50 = {n}")
        cursor.execute(f"DELETE FROM {of.table} WHERE id % 97 = {n}")
        from_ = at - timedelta(hours=chance.randrange(90))
        query = {"zone": "Asia/Kolkata", "interval": chance.choice(["hour", "day"]), "by": chance.choice(["none", "lab_type"]), "top": 2}
        check(client, cursor, of, query, from_, from_ + timedelta(days=5), chance)


def test_without_bounds_it_ends_now_and_begins_so_many_intervals_before(client, of):
    for interval, back in (("hour", 47), ("day", 29), ("week", 29), ("month", 29)):
        got = created(client.get(PATHS[of.service], params={"zone": "Europe/Berlin", "interval": interval}))
        now, starts = datetime.now(UTC), [datetime.fromisoformat(at) for at in got["starts"]]
        assert len(starts) == back + 1 and got["partial"] == [back] and got["from"] == got["starts"][0]
        assert abs(datetime.fromisoformat(got["to"]) - now) < timedelta(minutes=5) and starts == sorted(set(starts))


def test_the_hour_that_comes_twice_is_two_intervals(client, of):
    query = {"interval": "hour", "zone": "Europe/Berlin", "from": "2025-10-26T01:00:00+02:00", "to": "2025-10-26T03:00:00+01:00"}
    got = created(client.get(PATHS[of.service], params=query))
    assert got["starts"] == ["2025-10-26T01:00:00+02:00", "2025-10-26T02:00:00+02:00", "2025-10-26T02:00:00+01:00"]
    assert (got["from"], got["to"], got["partial"]) == (query["from"], query["to"], [])


@pytest.mark.parametrize("query,field,said", [
    ({"interval": "hour", "from": "2025-01-01", "to": "2025-03-04T13:00:00"}, "interval", "too many intervals"),
    ({"interval": "day", "from": "0001-01-01"}, "interval", "too many intervals"),
    ({"interval": "hour", "from": "2025-01-01", "to": "2025-01-31", "by": "lab_type", "top": 50}, "interval", "too many intervals"),
    ({"from": "2025-01-02", "to": "2025-01-02"}, "to", "to must be after from"),
    ({"from": "9999-01-01"}, "from", "from must be before now"),
    ({"figures": "users,nothing"}, "figures", "not figures of this series with commas between them"),
    ({"zone": "+02:00"}, "zone", "not the name of a time zone such as Europe/Berlin"),
], ids=str)  # fmt: skip
def test_what_cannot_be_answered_is_a_fault(client, of, query, field, said):
    answered = client.get(PATHS[of.service], params=query)
    assert faults(answered) == [("value_error", ("query", field))] and detail(answered)[0]["msg"] == said


@pytest.mark.parametrize("query,field", [
    ({"to": "0001-01-03"}, "to"),
    ({"to": "0001-03-03", "interval": "week", "zone": "Asia/Kolkata"}, "to"),
    ({"from": "0001-01-01T00:00:00+14:00", "to": "0001-01-03"}, "from"),
    ({"from": "0001-01-01T00:00:00", "to": "0001-01-03", "zone": "America/Havana"}, "from"),
    ({"from": "9999-12-30", "to": "9999-12-31T23:59:59-12:00"}, "to"),
    ({"from": "9999-12-30", "to": "9999-12-31T20:00:00", "interval": "month", "zone": "Asia/Kolkata"}, "to"),
], ids=str)  # fmt: skip
def test_a_range_that_no_calendar_of_four_digits_shows_is_a_fault(client, of, query, field):
    """Its starts would be printed as equal ones, and not rise."""
    assert faults(client.get(PATHS[of.service], params=query)) == [("value_error", ("query", field))]


@pytest.mark.parametrize("query", [
    {"from": "0001-01-01", "to": "0001-01-03", "zone": "Asia/Kolkata"},
    {"from": "0001-01-01", "to": "0001-01-03", "zone": "America/Havana", "interval": "hour"},
    {"from": "0001-01-01", "to": "0001-01-20", "interval": "week"},
    {"from": "9999-12-29", "to": "9999-12-31T23:59:59.999999", "interval": "hour"},
    {"from": "9999-12-01", "to": "9999-12-31T18:29:59", "interval": "month", "zone": "Asia/Kolkata"},
], ids=str)  # fmt: skip
def test_starts_rise_at_both_ends_of_the_calendar(client, of, query):
    got = created(client.get(PATHS[of.service], params=query))
    assert got["starts"] == sorted(set(got["starts"])) and got["from"] == got["starts"][0]
    assert [int(at[:4]) for at in (got["from"], got["to"])] == [int(query[bound][:4]) for bound in ("from", "to")]


def test_all_that_is_wrong_with_a_range_is_said_at_once(client, of):
    answered = client.get(PATHS[of.service], params={"from": "1745051983", "to": "tomorrow", "zone": "FOO5"})
    assert faults(answered) == [("value_error", ("query", name)) for name in ("from", "to", "zone")]


def test_so_many_intervals_are_answered(client, of):
    long = {"interval": "hour", "from": "2025-01-01", "to": "2025-03-04T12:00:00"}
    assert len(created(client.get(PATHS[of.service], params=long))["starts"]) == 1500
    wide = {"from": "2025-01-01", "to": "2026-02-05", "by": "lab_type", "top": 49}
    assert len(created(client.get(PATHS[of.service], params=wide))["starts"]) == 400


@pytest.mark.parametrize("query", [{"interval": "year"}, {"by": "user_id"}, {"top": 0}, {"top": 51}], ids=str)
def test_a_value_that_is_not_offered_is_a_fault(client, of, query):
    assert client.get(PATHS[of.service], params=query).status_code == 422


def test_groups_and_the_others_add_up_to_all_and_users_are_not_counted_twice(client, cursor, of):
    cursor.execute(f"SELECT min(timestamp)::date, max(timestamp)::date + 1 FROM {of.table} WHERE lab_type IS NOT NULL")
    first, last = cursor.fetchone()
    cursor.execute(f"SELECT count(*) FROM {of.table} WHERE timestamp IS NOT NULL AND lab_type IS NOT NULL")
    (amount,) = cursor.fetchone()
    for top in (1, 3, 30):
        query = {"interval": "month", "from": first, "to": last, "by": "lab_type", "top": top}
        got = created(client.get(PATHS[of.service], params=query))
        assert sum(sum(group[FIGURES[of.service][0]]) for group in got["series"]) == amount
        for n, users in enumerate(got["total"]["users"]):
            each = [group["users"][n] for group in got["series"]]
            assert max(each) <= users <= sum(each) + 4  # those of rows without a lab type are in the total alone


def test_of_all_days_in_utc_events_are_those_of_the_other_reports(usage, services, cursor_of):
    cursor = cursor_of("usage-analytics")
    lab = f"series-{random.Random().randrange(10**9)}"
    cursor.execute(
        "INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp) SELECT 'u' || n %% 7, %s,"
        " (ARRAY['start', 'complete', 'x', NULL])[1 + n %% 4], '{}', now() - n * interval '3 hours' FROM generate_series(1, 200) n",
        [lab],
    )
    got = created(usage.get("/analytics/series", params={"lab_type": lab, "by": "event_type", "from": "2020-01-01", "interval": "week"}))
    trend = created(usage.get("/analytics/trends?days=99999"))["lab_usage"][lab]
    assert sum(got["total"]["events"]) == trend["total_events"] == 200
    assert {g["event_type"]: sum(g["events"]) for g in got["series"]} == {"start": 50, "complete": 50, "x": 50, "null": 50}


def test_sessions_that_are_open_at_a_time_are_told_of_at_most_92_days(usage):
    for to, known in (("2025-04-03", True), ("2025-04-03T00:00:01", False)):  # with the change of clocks on 30 March
        query = {"zone": "Europe/Berlin", "from": "2025-01-01", "to": to, "interval": "month"}
        got = created(usage.get("/analytics/series", params=query))
        assert (got["total"]["peak_sessions"] is not None) == known and got["total"]["sessions"] is not None


def test_a_scoped_token_does_not_reach_the_series_of_all(beside, user_progress, issuer, of):
    settings = {"AUTH_REQUIRED": "on", "AUTH_SUBJECT_SCOPED": "on", **issuer.settings}
    with beside(of.service, user_progress, **settings).ready().client() as client:
        for token, status in ((issuer.token("ann"), 403), (issuer.token("ann", scope="x progress:any"), 200)):
            headers = {"Authorization": f"Bearer {token}"}
            assert client.get(PATHS[of.service], headers=headers).status_code == status
        assert client.get(PATHS[of.service]).status_code == 401
