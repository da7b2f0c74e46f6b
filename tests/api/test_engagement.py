"""Who is active, what becomes of sessions, and what a user did: reports on usage events over time."""

import random
from contextlib import closing
from datetime import datetime, timedelta, timezone
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from harness.clocks import same_day
from harness.daemon import PATIENT, Daemons, database_of
from harness.samples import created, faults, new_event, new_lab, new_user

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
USERS = ["ann", "bob", "cy", "dee", None]
LABS = ["filesystem", "network", None]


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@pytest.fixture(scope="module")
def daemon(postgres, user_progress, tmp_path_factory):
    """Usage Analytics on a database that only these tests write."""
    with Daemons(tmp_path_factory.mktemp("engagement")) as daemons:
        name = database_of("usage-analytics", postgres)
        daemon = daemons.start(
            "usage-analytics", DATABASE_URL=postgres.url(name), USER_PROGRESS_SERVICE_URL=user_progress, **PATIENT
        )
        daemon.database = name
        yield daemon.settled() or daemon


@pytest.fixture(scope="module")
def client(daemon):
    with daemon.client() as client:
        yield client


@pytest.fixture
def cursor(postgres, daemon):
    with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE usage_events")
        yield cursor


def insert(cursor, user, lab, at, kind="view", session=None) -> None:
    data = f'{{"session_id":"{session}"}}' if session else "{}"
    cursor.execute("INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp) VALUES (%s, %s, %s, %s, %s)",
                   [user, lab, kind, data, at])  # fmt: skip


def get(client, path: str, **query) -> dict:
    return created(client.get(path, params=query))


class TestActiveUsers:
    @pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])
    def test_the_days_are_the_last_ones_of_the_zone(self, client, cursor, zone):
        answer = get(client, "/analytics/active", days=40, zone=zone)
        assert (answer["zone"], answer["partial"], len(answer["starts"])) == (zone, [39], 40)
        now = time_of(answer["at"])
        assert abs(now - datetime.now(timezone.utc)) < timedelta(minutes=1)
        starts = [time_of(start) for start in answer["starts"]]
        dates = [start.astimezone(ZoneInfo(zone)).date() for start in starts]
        assert dates == [now.astimezone(ZoneInfo(zone)).date() - n * DAY for n in range(39, -1, -1)]
        assert all((start - MICROSECOND).astimezone(ZoneInfo(zone)).date() < date for start, date in zip(starts, dates))
        assert all(answer[name] == [0] * 40 for name in ("active", "new", "active_7_days", "active_30_days"))

    def test_the_figures_are_sets_of_the_raw_events_at_every_edge(self, client, cursor):
        choose, zone = random.Random(5), "America/Havana"
        edges = lambda: [time_of(start) for start in get(client, "/analytics/active", days=69, zone=zone)["starts"]]
        now = datetime.now(timezone.utc)
        places = [start + change for start, change in product(edges(), (-MICROSECOND, timedelta(0), MICROSECOND))]
        places += [now - days * DAY + timedelta(seconds=side) for days in (1, 7, 30) for side in (-30, 60)]
        for at in [*choose.sample(places, 60), now + DAY, None]:
            insert(cursor, choose.choice(USERS), choose.choice(LABS), at)
        for lab in (None, "network", "nowhere"):
            query = {"days": 40, "zone": zone, **({"lab_type": lab} if lab else {})}
            starts, answer = same_day(zone, lambda: (edges(), get(client, "/analytics/active", **query)))
            self.check(cursor, answer, lab, starts)

    def check(self, cursor, answer, lab, starts) -> None:
        cursor.execute("SELECT user_id, lab_type, timestamp FROM usage_events")
        rows = [(user, at) for user, of, at in cursor.fetchall() if user and of and lab in (None, of)]
        long_ago = datetime(1, 1, 2, tzinfo=timezone.utc)
        first = {user: min(at or long_ago for who, at in rows if who == user) for user, _ in rows}
        now, ever = time_of(answer["at"]), datetime(9999, 1, 1, tzinfo=timezone.utc)
        active = lambda since, until: len({user for user, at in rows if at and since <= at < until})
        new = lambda since, until: sum(since <= at < until for at in first.values())
        assert [time_of(start) for start in answer["starts"]] == starts[29:]
        edges = [*starts, now]
        days = range(29, len(starts))
        for name, length in (("active", 0), ("active_7_days", 6), ("active_30_days", 29)):
            assert answer[name] == [active(edges[day - length], edges[day + 1]) for day in days], name
        assert answer["new"] == [new(edges[day], edges[day + 1]) for day in days]
        assert [answer[f"active_{days}"] for days in (1, 7, 30)] == [active(now - days * DAY, ever) for days in (1, 7, 30)]
        assert answer["new_30"] == new(now - 30 * DAY, ever)
        assert answer["new_30"] + answer["returning_30"] == answer["active_30"]
        assert answer["lab_type"] == lab

    def test_what_was_recorded_counts_at_once_and_what_was_deleted_does_not(self, daemon, client, cursor, api):
        user, lab = new_user(api), new_lab(api)
        event = new_event(client, user, lab)
        assert [get(client, "/analytics/active")[name] for name in ("active_1", "new_30", "returning_30")] == [1, 1, 0]
        insert(cursor, user["id"], lab["lab_type"], datetime.now(timezone.utc) - 40 * DAY)
        assert [get(client, "/analytics/active")[name] for name in ("active_1", "new_30", "returning_30")] == [1, 0, 1]
        assert client.delete(f"/analytics/event/{event['id']}").status_code == 200
        assert [get(client, "/analytics/active")[name] for name in ("active_1", "active_30", "new_30")] == [0, 0, 0]

    @pytest.mark.parametrize(
        "query, kind, at",
        [({"days": 0}, "greater_than_equal", "days"), ({"days": 401}, "less_than_equal", "days"),
         ({"zone": "+02:00"}, "value_error", "zone"), ({"zone": "FOO5"}, "value_error", "zone")],
        ids=str,
    )  # fmt: skip
    def test_what_is_no_day_or_zone_is_refused(self, client, query, kind, at):
        assert faults(client.get("/analytics/active", params=query)) == [(kind, ("query", at))]


NOON = datetime(2025, 3, 10, 12, tzinfo=timezone.utc)
MARCH = {"from": "2025-03-01", "to": "2025-04-01"}


class TestFunnel:
    def fill(self, cursor) -> None:
        second = timedelta(seconds=1)
        for n, took in enumerate([60, 120, 86400, 86401, None]):
            insert(cursor, f"u{n % 4}", "filesystem", NOON + n * 3 * DAY, "start", f"s{n}")
            if took:
                insert(cursor, f"u{n % 4}", "filesystem", NOON + n * 3 * DAY + took * second, "complete", f"s{n}")
        insert(cursor, "u0", "network", NOON, "start")
        insert(cursor, "u0", "network", NOON + second, "start")
        insert(cursor, "u0", "network", NOON + 11 * second, "complete")
        insert(cursor, None, "network", NOON, "start")
        insert(cursor, "u9", None, NOON, "start")
        insert(cursor, "u9", "network", None, "start")

    def test_starts_are_completed_late_open_or_dropped(self, client, cursor):
        self.fill(cursor)
        answer = get(client, "/analytics/funnel", by="lab_type", zone="UTC", **MARCH)
        assert [answer[name] for name in ("from", "to", "within")] == ["2025-03-01T00:00:00+00:00", "2025-04-01T00:00:00+00:00", 86400]
        filesystem, network = answer["labs"]
        assert filesystem == {
            "lab_type": "filesystem", "started": 5, "completed": 3, "late": 1, "open": 0, "dropped": 1,
            "completion_rate": 0.6, "users_started": 4, "users_completed": 3,
            "time": {"p50": 120.0, "p90": 86400.0, "p95": 86400.0, "average": 28860.0},
        }  # fmt: skip
        assert network == {
            "lab_type": "network", "started": 3, "completed": 1, "late": 0, "open": 0, "dropped": 2,
            "completion_rate": 1 / 3, "users_started": 1, "users_completed": 1,
            "time": {"p50": 10.0, "p90": 10.0, "p95": 10.0, "average": 10.0},
        }  # fmt: skip
        total = answer["total"]
        assert [total[name] for name in ("started", "completed", "late", "open", "dropped")] == [9, 4, 1, 0, 4]
        assert (total["users_started"], total["users_completed"]) == (5, 3)

    def test_without_groups_there_is_one_of_all_or_of_the_lab_type(self, client, cursor):
        self.fill(cursor)
        [every], total = (answer := get(client, "/analytics/funnel", **MARCH))["labs"], answer["total"]
        assert every == {"lab_type": None, **total} and total["started"] == 9
        [one] = get(client, "/analytics/funnel", lab_type="network", **MARCH)["labs"]
        assert one == get(client, "/analytics/funnel", lab_type="network", by="lab_type", **MARCH)["labs"][0]
        nothing = get(client, "/analytics/funnel", lab_type="nowhere", **MARCH)
        assert nothing["labs"] == [] and nothing["total"]["completion_rate"] == nothing["total"]["time"]["average"] == 0
        assert nothing["total"]["time"]["p50"] is None

    def test_within_decides_what_is_completed_and_the_range_which_starts_count(self, client, cursor):
        self.fill(cursor)
        figures = lambda **query: [get(client, "/analytics/funnel", lab_type="filesystem", **query)["total"][name] for name in ("completed", "late", "dropped")]
        assert figures(within=60, **MARCH) == [1, 3, 1]
        assert figures(within=59, **MARCH) == [0, 4, 1]
        assert figures(within=2592000, **MARCH) == [4, 0, 1]
        edges = {"from": NOON.isoformat(), "to": (NOON + 3 * DAY).isoformat()}
        assert figures(**edges) == [1, 0, 0]
        assert figures(**{**edges, "from": (NOON + MICROSECOND).isoformat()}) == [0, 0, 0]

    def test_a_start_is_open_until_it_ends_its_time_is_over_or_a_later_one_takes_over(self, client, cursor):
        now = datetime.now(timezone.utc)
        figures = lambda: [get(client, "/analytics/funnel", within=600)["total"][name] for name in ("completed", "late", "open", "dropped")]
        insert(cursor, "ann", "filesystem", now - timedelta(seconds=300), "start", "a")
        insert(cursor, "bob", "filesystem", now - timedelta(seconds=700), "start", "a")
        assert figures() == [0, 0, 1, 1]
        insert(cursor, "ann", "filesystem", now - timedelta(seconds=200), "start", "b")
        assert figures() == [0, 0, 2, 1]  # a complete with the session id can still end the first
        insert(cursor, "ann", "filesystem", now - timedelta(seconds=100), "start", "a")
        assert figures() == [0, 0, 2, 2]
        insert(cursor, "ann", "filesystem", now - timedelta(seconds=50), "complete", "a")
        assert figures() == [1, 0, 1, 2]

    @pytest.mark.parametrize(
        "query, kind, at",
        [({"from": "2025-03-02", "to": "2025-03-02"}, "value_error", "to"), ({"from": "2023-01-01"}, "value_error", "from"),
         ({"within": 0}, "greater_than_equal", "within"), ({"within": 2592001}, "less_than_equal", "within"),
         ({"by": "user"}, "literal_error", "by"), ({"from": "1741608000"}, "value_error", "from")],
        ids=str,
    )  # fmt: skip
    def test_what_is_no_range_or_number_is_refused(self, client, query, kind, at):
        assert faults(client.get("/analytics/funnel", params=query)) == [(kind, ("query", at))]


class TestUser:
    def test_what_a_user_did_is_counted_by_day_and_lab_type(self, client, cursor):
        for at, lab, kind in [(0, "network", "start"), (5, "network", "complete"), (24 * 3600, "network", "view"),
                              (48 * 3600 - 1, None, "view"), (48 * 3600, "filesystem", "start"), (72 * 3600, "network", "view")]:  # fmt: skip
            insert(cursor, "ann/ü", lab, NOON + timedelta(seconds=at), kind)
            insert(cursor, "bob", "network", NOON + timedelta(seconds=at), kind)
        answer = get(client, "/analytics/user/ann%2F%C3%BC", **{"from": NOON.isoformat(), "to": (NOON + 3 * DAY).isoformat(), "zone": "Asia/Tokyo"})
        assert (answer["user_id"], answer["interval"], answer["zone"]) == ("ann/ü", "day", "Asia/Tokyo")
        assert answer["starts"] == [f"2025-03-{day}T00:00:00+09:00" for day in (10, 11, 12, 13)] and answer["partial"] == [0, 3]
        assert answer["labs"] == [
            {"lab_type": "filesystem", "events": [0, 0, 1, 0], "sessions": [0, 0, 0, 0],
             "first_seen": "2025-03-12T12:00:00Z", "last_seen": "2025-03-12T12:00:00Z"},
            {"lab_type": "network", "events": [2, 1, 0, 0], "sessions": [1, 0, 0, 0],
             "first_seen": "2025-03-10T12:00:00Z", "last_seen": "2025-03-11T12:00:00Z"},
        ]  # fmt: skip
        assert answer["total"] == {"events": [2, 1, 2, 0], "sessions": [1, 0, 0, 0],
                                   "first_seen": "2025-03-10T12:00:00Z", "last_seen": "2025-03-12T12:00:00Z"}  # fmt: skip

    def test_an_unknown_user_has_zeros(self, client, cursor):
        answer = get(client, "/analytics/user/nobody")
        assert len(answer["starts"]) == 30 and answer["labs"] == []
        assert answer["total"] == {"events": [0] * 30, "sessions": [0] * 30, "first_seen": None, "last_seen": None}

    def test_too_many_numbers_are_refused(self, client, cursor):
        for n in range(20):
            insert(cursor, "ann", f"lab{n}", NOON, "view")
        query = {"from": "2025-01-01", "to": "2025-03-01", "interval": "hour"}
        assert get(client, "/analytics/user/nobody", **query)["labs"] == []
        assert faults(client.get("/analytics/user/ann", params={**query, "to": "2025-04-01"})) == [("value_error", ("query", "interval"))]
        answer = client.get("/analytics/user/ann", params={**query, "from": "2025-03-01", "to": "2025-04-12"})
        assert faults(answer) == [("value_error", ("query", "interval"))]


def test_the_reports_agree_with_the_series(client, cursor):
    choose, now = random.Random(9), datetime.now(timezone.utc)
    for n in range(150):
        at = now - choose.random() * 20 * DAY
        insert(cursor, choose.choice(USERS), choose.choice(LABS), at, choose.choice(["start", "complete", "view"]), choose.choice("ab"))
    zone, first = "Asia/Kathmandu", (now - 30 * DAY).isoformat()
    whole = {"from": first, "to": now.isoformat(), "zone": zone}
    for lab in LABS[:2]:
        both = lambda: [get(client, f"/analytics/{report}", lab_type=lab, zone=zone) for report in ("series", "active")]
        series, active = same_day(zone, both)
        assert (active["starts"], active["active"]) == (series["starts"], series["total"]["users"])
        funnel = get(client, "/analytics/funnel", lab_type=lab, within=2592000, **whole)["total"]
        series = get(client, "/analytics/series", lab_type=lab, **whole)["total"]
        assert funnel["completed"] == sum(series["sessions"]) > 0
        of_users = [get(client, f"/analytics/user/{user}", **whole)["labs"] for user in USERS[:-1]]
        for name in ("events", "sessions"):
            found = sum(sum(one[name]) for labs in of_users for one in labs if one["lab_type"] == lab)
            assert found == sum(series[name]) - (name == "events") * without_user(cursor, lab)


def without_user(cursor, lab: str) -> int:
    cursor.execute("SELECT count(*) FROM usage_events WHERE user_id IS NULL AND lab_type = %s", [lab])
    return cursor.fetchone()[0]


def test_a_scoped_token_gives_access_only_to_the_report_of_its_own_user(beside, user_progress, issuer):
    settings = {"AUTH_REQUIRED": "on", "AUTH_SUBJECT_SCOPED": "on", **issuer.settings}
    daemon = beside("usage-analytics", user_progress, **settings).ready()
    mine, any_user = issuer.token("ann"), issuer.token("ann", scope="progress:any")
    with daemon.client() as client:
        status = lambda path, token: client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code
        assert client.get("/analytics/active").status_code == 401
        assert status("/analytics/user/ann", mine) == status("/analytics/user/bob", any_user) == 200
        assert status("/analytics/user/bob", mine) == 403
        for path in ("/analytics/active", "/analytics/funnel"):
            assert (status(path, mine), status(path, any_user)) == (403, 200)
