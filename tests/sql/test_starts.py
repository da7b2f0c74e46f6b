"""Where hours, days, weeks and months begin in a time zone, against a scan of every minute in plain Python."""

import random
from contextlib import closing
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg2
import pytest
from service import listing, prepare

from harness.clocks import MINUTE, US, UTC, YEARS, east, local, year_of


@pytest.fixture(scope="module")
def find(postgres):
    """find(zone, interval, from, to, back): the rows of the statement."""
    (statement,) = [s for s in listing("usage-analytics")[1] if s["name"] == "find_starts"]
    with closing(psycopg2.connect(dbname="postgres", **postgres)) as connection, connection.cursor() as cursor:
        cursor.execute("SET TimeZone = 'America/Havana'")  # nothing may depend on it
        cursor.execute(prepare(statement))

        def find(zone, interval, from_=None, to=None, back=None, most=100000, days=(False, False)):
            values = (zone, interval, from_, days[0], to, days[1], back, most)
            cursor.execute(f"EXECUTE find_starts({', '.join(['%s'] * len(values))})", values)
            rows = cursor.fetchall()
            return [tuple(v.astimezone(UTC) if isinstance(v, datetime) else v for v in row) for row in rows]

        yield find


@pytest.mark.parametrize("name,year", YEARS)
def test_intervals_begin_where_a_scan_of_every_minute_finds_it(find, name, year):
    zone = ZoneInfo(name)
    for interval, wanted in year_of(zone, year).items():
        rows = find(name, interval, wanted[0], wanted[-1])
        assert [row[0] for row in rows] == wanted, interval
        assert [row[1] for row in rows] == [east(at, zone) for at in wanted]


@pytest.mark.parametrize("name,year", random.Random(3).sample(YEARS, 5))
def test_a_range_has_the_interval_that_it_begins_in_and_the_first_start_at_its_end_or_later(find, name, year):
    chance, starts = random.Random(year), year_of(ZoneInfo(name), year)
    for interval, wanted in starts.items():
        for _ in range(6):
            edge = lambda: chance.choice(wanted[1:-1]) + US * chance.choice([-1, 0, 1, 7 * 10**8])
            from_, to = sorted((edge(), edge()))
            if from_ == to:
                continue
            first = max(i for i, at in enumerate(wanted) if at <= from_)
            last = min(i for i, at in enumerate(wanted) if at >= to)
            rows = find(name, interval, from_, to)
            assert [row[0] for row in rows] == wanted[first : last + 1], (interval, from_, to)
            assert {row[2:4] for row in rows} == {(from_, east(from_, ZoneInfo(name)))}


@pytest.mark.parametrize("name,year", YEARS)
def test_without_its_beginning_a_range_begins_so_many_intervals_before_that_of_its_end(find, name, year):
    for interval, wanted in year_of(ZoneInfo(name), year).items():
        back = min(29, len(wanted) - 3)
        for to in (wanted[-2], wanted[-2] + MINUTE, wanted[-1] - US):
            assert find(name, interval, None, to, back)[0][2] == wanted[-2 - back], (interval, to)
    assert find(name, None, None, wanted[-1], 30)[0][2] == wanted[-1] - timedelta(days=30)


@pytest.mark.parametrize("name,year", YEARS)
def test_a_day_as_a_bound_is_its_first_moment(find, name, year):
    midnights = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(1, 364)]
    starts = year_of(ZoneInfo(name), year)["day"]
    days = {local(at, ZoneInfo(name)).date(): at for at in reversed(starts)}
    for midnight in random.Random(year).sample(midnights, 20) + [d for d in midnights if d.date() not in days]:
        wanted = next(at for at in starts if local(at, ZoneInfo(name)).date() >= midnight.date())
        assert find(name, None, midnight, midnight, days=(True, True))[0][2:6:2] == (wanted, wanted), midnight


def test_now_is_the_end_unless_another_is_given(find):
    ((at, _, from_, _, to, _, now),) = find("UTC", None)
    assert (at, from_) == (None, None) and to == now and abs(now - datetime.now(UTC)) < timedelta(minutes=10)


@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
def test_of_too_long_a_range_no_more_starts_are_looked_for_than_tell_that_it_is(find, interval):
    from_, to = datetime(1000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
    assert 1500 < len(find("Europe/Berlin", interval, from_, to, most=1500)) < 1510
    day = datetime(2025, 4, 19, tzinfo=UTC)
    step = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}.get(interval)
    if step:
        assert len(find("UTC", interval, day, day + 1501 * step, most=1500)) > 1501
        assert find("UTC", interval, day, day + 1500 * step, most=1500)[-1][0] >= day + 1500 * step


def test_clocks_of_local_mean_time_had_seconds(find):
    """Liberia's until 1972: a day or an hour begins at no whole minute of UTC."""
    zone, day = ZoneInfo("Africa/Monrovia"), datetime(1970, 5, 1, tzinfo=UTC)
    for interval, rounded in (("hour", {"minute": 0}), ("day", {"hour": 0, "minute": 0})):
        for at, east, *_ in find("Africa/Monrovia", interval, day, day + timedelta(days=2)):
            assert at.second == 30 and local(at, zone) == local(at, zone).replace(second=0, **rounded)
            assert east == -(44 * 60 + 30)
