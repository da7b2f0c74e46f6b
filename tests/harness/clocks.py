"""Where hours, days, weeks and months begin in a time zone, by their definitions: found by looking at the clock."""

from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Callable, TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T")

UTC = timezone.utc
MINUTE = timedelta(minutes=1)
US = timedelta(microseconds=1)

# Midnight twice, none, at one minute past, a day that was skipped, half an hour, a quarter, two hours, and others.
YEARS = [
    ("America/Havana", 2025), ("America/St_Johns", 2010), ("Africa/Cairo", 2024), ("Pacific/Apia", 2011),
    ("Australia/Lord_Howe", 2025), ("America/Sao_Paulo", 2018), ("Asia/Kathmandu", 1986), ("Africa/Casablanca", 2025),
    ("America/Asuncion", 2023), ("Asia/Tehran", 2021), ("Asia/Beirut", 2023), ("Antarctica/Troll", 2025),
    ("Asia/Kolkata", 2025), ("Europe/Berlin", 2025), ("UTC", 2024), ("America/Toronto", 1919),
]  # fmt: skip


def local(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def east(at: datetime, zone: ZoneInfo) -> int:
    """Seconds that the clocks are ahead of UTC."""
    return round(at.astimezone(zone).utcoffset().total_seconds())


def dates(now: datetime) -> dict[str, object]:
    """The day, week and month that a local time is in, by their first dates."""
    day = now.date()
    return {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}


@cache
def scan(zone: ZoneInfo, first: datetime, last: datetime) -> dict[str, list[datetime]]:
    """The starts between two midnights of UTC. Each minute of days near a change of clocks is looked at, and each quarter
    of an hour of others: clocks are changed at whole minutes, and zones differ by quarters of an hour."""
    found, latest = {"hour": [], "day": [], "week": [], "month": []}, {}
    at = first - timedelta(days=40)
    step, before = MINUTE, local(at - MINUTE, zone)
    while at < last:
        now = local(at, zone)
        if now.minute == 0 or now - before != step:
            found["hour"].append(at)
        for interval, date in dates(now).items():
            if interval not in latest or date > latest[interval]:
                latest[interval] = date
                found[interval].append(at)
        if at.hour == at.minute == 0:
            changes = len({(at + timedelta(days=n)).astimezone(zone).utcoffset() for n in (-1, 2)}) > 1
            step = MINUTE if changes else 15 * MINUTE
        at, before = at + step, now
    return {interval: [at for at in starts if at >= first] for interval, starts in found.items()}


def year_of(zone: ZoneInfo, year: int) -> dict[str, list[datetime]]:
    return scan(zone, datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC))


def intervals(zone: ZoneInfo, interval: str, from_: datetime, to: datetime) -> list[datetime]:
    """The starts of those that a range meets, and the next start."""
    midnight = lambda at: at.replace(hour=0, minute=0, second=0, microsecond=0)
    far = timedelta(days=70)
    starts = scan(zone, midnight(from_ - far), midnight(to + far))[interval]
    first = max(i for i, at in enumerate(starts) if at <= from_)
    last = min(i for i, at in enumerate(starts) if at >= to)
    return starts[first : last + 1]


def changes(zone: ZoneInfo, year: int) -> list[datetime]:
    """When the offset changes in a year."""
    hours = year_of(zone, year)["hour"]
    return [at for before, at in zip(hours, hours[1:]) if east(before, zone) != east(at, zone)]


def same_day(zone: str, ask: Callable[[], T]) -> T:
    """What several requests are answered on one day of a zone: they are made again if its midnight was between them."""
    today = lambda: datetime.now(ZoneInfo(zone)).date()
    day, answers = today(), ask()
    return answers if today() == day else ask()
