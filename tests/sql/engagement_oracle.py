"""What the engagement reports must answer, computed from the raw events in plain Python."""

from bisect import bisect_right
from collections import defaultdict
from math import ceil, inf

import usage_oracle

DAY = 86400 * 10**6
SHARES = (0.5, 0.9, 0.95)


def finite(at):
    return at is not None and abs(at) < usage_oracle.INFINITY


def active(events, lab, starts, before, ends):
    """The lists by day, and the figures of the last 1, 7 and 30 times 24 hours."""
    seen = [(e[1], e[5]) for e in events if e[1] is not None and e[2] is not None and lab in (None, e[2])]
    first = defaultdict(lambda: inf)
    for user, at in seen:
        first[user] = min(first[user], at if at is not None else -inf)
    edges = [*starts, ends]

    def users(since, until):
        return {user for user, at in seen if finite(at) and since <= at < until}

    def new(since, until):
        return {user for user, at in first.items() if since <= at < until and at < usage_oracle.INFINITY}

    days = range(before, len(starts))
    return (
        *([len(users(edges[max(day - length, 0)], edges[day + 1])) for day in days] for length in (0, 6, 29)),
        [len(new(edges[day], edges[day + 1])) for day in days],
        *(len(users(ends - days * DAY, inf)) for days in (1, 7, 30)),
        len(new(ends - 30 * DAY, inf)),
    )


def can_still_end(track, start):
    """Whether a complete that comes after all steps, with any session id or none, would belong to the start."""
    return any(
        usage_oracle.owner_of([*track, (inf, inf, "complete", session)], len(track)) == start
        for session in (None, track[start][3])
    )


def fates(events, within, ends):
    """Of each start: the event, what became of it, and the microseconds of its session."""
    places = {}
    for track in usage_oracle.tracks(events).values():
        ended = usage_oracle.ended(track)
        for i, step in enumerate(track):
            places[step[1]] = track, i, track[ended[i]][0] - step[0] if i in ended else None
    for event in events:
        if event[3] != "start":
            continue
        track, place, us = places.get(event[0], (None, None, None))
        if us is not None:
            yield event, "completed" if us <= within else "late", us
        elif event[5] is not None and event[5] + within >= ends and (track is None or can_still_end(track, place)):
            yield event, "open", None
        else:
            yield event, "dropped", None


def nearest_rank(values, share):
    return sorted(values)[ceil(round(share * len(values), 9)) - 1] if values else None


def funnel(events, lab, since, until, ends, within):
    """By lab type, and None of all: started, completed, late, open, users, percentiles of times, and their sum."""
    of = defaultdict(list)
    for event, fate, us in fates(events, within, ends):
        if event[5] is not None and since <= event[5] < until and lab in (None, event[2]):
            of[None].append((event[1], fate, us))
            if event[2] is not None:
                of[event[2]].append((event[1], fate, us))
    found = {}
    for name, rows in of.items():
        times = [us for _, fate, us in rows if fate == "completed"]
        found[name] = (
            len(rows),
            *(sum(fate == kind for _, fate, _ in rows) for kind in ("completed", "late", "open")),
            len({user for user, _, _ in rows} - {None}),
            len({user for user, fate, _ in rows if fate == "completed"} - {None}),
            [nearest_rank(times, share) for share in SHARES] if times else None,
            sum(times) if times else None,
        )
    return found


def of_user(events, user, starts, since, until):
    """By lab type, and None of all: events and sessions of each span, the first time and the last."""
    begun = defaultdict(int)
    for event, _, us in fates(events, inf, 0):
        begun[event[0]] += us is not None
    found = {}
    for number, who, lab, _, _, at in events:
        if who != user or at is None or not since <= at < until:
            continue
        for name in {None, lab}:
            counts, sessions, times = found.setdefault(name, ([0] * len(starts), [0] * len(starts), []))
            span = bisect_right(starts, at) - 1
            counts[span] += 1
            sessions[span] += begun[number]
            times.append(at)
    return {name: (counts, sessions, min(times), max(times)) for name, (counts, sessions, times) in found.items()}
