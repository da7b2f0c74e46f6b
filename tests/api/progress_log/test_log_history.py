"""The history of entries: rollback, how they stood at any time, summaries, and any sequence of steps."""

import json
import random
import threading
from datetime import datetime, timedelta

import psycopg2
import pytest

from harness.exchange import difference
from harness.progress_log import entries, history, logged, told, verify
from harness.samples import token

pytestmark = pytest.mark.usefixtures("log")


def test_the_history_has_every_event_and_its_actor(log, issuer, user):
    entry = logged(log, user, date="2025-04-19", n=1)
    other = issuer.bearer("auth0|other")
    log.put(f"/api/progress/log/{entry}", json={"n": 2}, headers=other)
    log.delete(f"/api/progress/log/{entry}")
    log.post(f"/api/progress/log/{entry}/rollback", json={"version": 1}, headers=other)
    shown = {"log_id": entry, "user_id": user, "date": "2025-04-19"}
    expected = [
        {
            "version": 1,
            "type": "created",
            "recorded_at": "{timestamp}",
            "actor": "someone",
            "entry": {**shown, "n": 1},
        },
        {
            "version": 2,
            "type": "updated",
            "recorded_at": "{timestamp}",
            "actor": "auth0|other",
            "entry": {**shown, "n": 2},
        },
        {"version": 3, "type": "deleted", "recorded_at": "{timestamp}", "actor": "someone", "entry": None},
        {
            "version": 4,
            "type": "restored",
            "recorded_at": "{timestamp}",
            "actor": "auth0|other",
            "entry": {**shown, "n": 1},
        },
    ]
    assert difference(expected, history(log, entry), {}) is None


def test_a_rollback_answers_the_entry_and_brings_a_deleted_one_back(log, user):
    entry = logged(log, user, date="2025-04-19", n=1)
    shown = {"log_id": entry, "user_id": user, "date": "2025-04-19", "n": 1}
    log.delete(f"/api/progress/log/{entry}")
    assert told(log.post(f"/api/progress/log/{entry}/rollback", json={"version": 1})) == (200, shown)
    assert entries(log, user) == [shown]


def test_a_rollback_needs_a_version_that_is_an_entry(log, user):
    entry = logged(log, user, n=1)
    log.delete(f"/api/progress/log/{entry}")
    rollback = f"/api/progress/log/{entry}/rollback"
    assert told(log.post(rollback, json={"version": 3})) == (404, {"error": "Log entry has no such version"})
    assert told(log.post(rollback, json={"version": 2})) == (400, {"error": "That version is a deletion"})
    for version in (0, -1, 1.5, "1", None, True, 2**31, 10**30):
        answer = log.post(rollback, json={"version": version})
        assert answer.status_code == 400 and list(answer.json()) == ["error"], version
    assert len(history(log, entry)) == 2


@pytest.mark.parametrize(
    "form",
    [
        lambda t: t.isoformat(),
        lambda t: t.isoformat() + "Z",
        lambda t: t.isoformat() + "+00:00",
        lambda t: (t + timedelta(hours=2)).isoformat() + "+02:00",
        lambda t: (t - timedelta(minutes=210)).isoformat() + "-03:30",
        lambda t: t.isoformat(" "),
        lambda t: t.isoformat() + "999",
    ],
)
def test_as_of_takes_times_with_z_an_offset_or_none(log, user, form):
    entry = logged(log, user, n=1)
    log.put(f"/api/progress/log/{entry}", json={"n": 2})
    first, second = (datetime.fromisoformat(event["recorded_at"]) for event in history(log, entry))
    moment = timedelta(microseconds=1)
    at = [entries(log, user, as_of=form(t.replace(microsecond=t.microsecond or 1))) for t in (first, second)]
    assert [[e["n"] for e in seen] for seen in at] == [[1], [2]]
    assert entries(log, user, as_of=form(first - moment)) == []


def test_as_of_takes_an_offset_whose_plus_was_not_escaped(log, user):
    logged(log, user, n=1)
    assert len(log.get(f"/api/progress/{user}?as_of=2999-01-01T00:00:00+02:00").json()["progress_logs"]) == 1


@pytest.mark.parametrize(
    "as_of",
    [
        "",
        "now",
        "2025",
        "2025-02-30",
        "2025-01-01T24:00:00",
        "2025-01-01T10",
        "2025-01-01T10:00:60",
        "2025-01-01T10:00:00.Z",
        "2025-01-01T10:00:00+25:00",
        "2025-01-01T10:00:00ZZ",
        "1735689600",
    ],
)
def test_an_as_of_that_is_not_a_time_is_refused(log, user, as_of):
    answer = log.get(f"/api/progress/{user}", params={"as_of": as_of})
    assert answer.status_code == 400 and list(answer.json()) == ["error"]


def test_a_user_without_entries_has_an_empty_list_and_an_empty_summary(log, user):
    for nobody in (user, token()):
        assert told(log.get(f"/api/progress/{nobody}")) == (200, {"progress_logs": []})
        expected = {"user_id": nobody, "log_count": 0, "first_date": None, "last_date": None}
        assert told(log.get(f"/api/progress/summary/{nobody}")) == (200, expected)


def test_the_summary_averages_numbers_and_nothing_else(log, user):
    logged(log, user, date="2025-03-02", b=True, s="5", n=1, big=12345678901234567890)
    logged(log, user, date="2025-03-01", m=0.1, n=2, s=3)
    logged(log, user, date="2025-03-03", m=0.2, n="three")
    gone = logged(log, user, date="1999-01-01", n=1000)
    log.delete(f"/api/progress/log/{gone}")
    expected = {
        "user_id": user,
        "log_count": 3,
        "first_date": "2025-03-01",
        "last_date": "2025-03-03",
        "average_n": 1.5,
        "average_big": 1.2345678901234567e19,
        "average_m": (0.1 + 0.2) / 2,
        "average_s": 3.0,
    }
    assert difference(expected, log.get(f"/api/progress/summary/{user}").json(), {}) is None


def test_a_create_that_is_sent_again_with_its_key_is_one_entry(log, issuer, user):
    key = {"Idempotency-Key": token()}
    body = {"user_id": user, "n": 1}
    first, again = (log.post("/api/progress/log", json=body, headers=key) for _ in range(2))
    assert (again.status_code, again.text) == (201, first.text) and len(entries(log, user)) == 1


def test_a_key_belongs_to_the_subject_who_sent_it(log, issuer, user):
    key = {"Idempotency-Key": token()}
    body = {"user_id": user, "n": 1}
    own, anothers = (
        log.post("/api/progress/log", json=body, headers={**key, **issuer.bearer(subject)}) for subject in ("one", "another")
    )
    assert own.status_code == anothers.status_code == 201
    assert own.json()["id"] != anothers.json()["id"] and len(entries(log, user)) == 2


class Model:
    """The log as a dictionary, and what it was after each event."""

    def __init__(self):
        self.now: dict[int, dict] = {}
        self.versions: dict[int, list[dict | None]] = {}
        self.states: list[tuple[int, int, dict]] = []  # of an event: entry, version, everything after it

    def record(self, entry: int, members: dict | None) -> None:
        self.versions.setdefault(entry, []).append(members)
        if members is None:
            self.now.pop(entry, None)
        else:
            self.now[entry] = members
        self.states.append((entry, len(self.versions[entry]), dict(self.now)))


def random_step(log, user: str, model: Model, chance: random.Random) -> None:
    names = ["a", "b", "c", "d"]
    members = {
        name: chance.choice([1, 2.5, "x", True]) for name in chance.sample(names, chance.randint(1, 3))
    }
    known = list(model.versions)
    step = chance.choice(
        ["log", "update", "update", "delete", "rollback", "delete all"][: 6 if chance.random() < 0.2 else 5]
    )
    if step == "log" or not known:
        model.record(logged(log, user, date="2025-01-01", **members), {"date": "2025-01-01", **members})
    elif step == "delete all":
        answer = log.delete(f"/api/progress/user/{user}/logs")
        assert answer.status_code == (200 if model.now else 404)
        for entry in sorted(model.now):
            model.record(entry, None)
    elif step == "update":
        entry = chance.choice(known)
        change = {**members, **{name: None for name in chance.sample(names, 1)}}
        merged = {**model.now.get(entry, {}), **change}
        merged = {name: value for name, value in merged.items() if value is not None}
        status = 404 if entry not in model.now else 400 if list(merged) == ["date"] else 200
        assert log.put(f"/api/progress/log/{entry}", json=change).status_code == status
        if status == 200:
            model.record(entry, merged)
    elif step == "delete":
        entry = chance.choice(known)
        assert log.delete(f"/api/progress/log/{entry}").status_code == (200 if entry in model.now else 404)
        if entry in model.now:
            model.record(entry, None)
    else:
        entry = chance.choice(known)
        version = chance.randint(1, len(model.versions[entry]))
        wanted = model.versions[entry][version - 1]
        answer = log.post(f"/api/progress/log/{entry}/rollback", json={"version": version})
        assert answer.status_code == (200 if wanted else 400)
        if wanted:
            model.record(entry, wanted)


def as_stored(shown: list[dict], user: str) -> dict[int, dict]:
    assert [e["log_id"] for e in shown] == sorted(e["log_id"] for e in shown)
    assert all(e["user_id"] == user for e in shown)
    return {e["log_id"]: {name: e[name] for name in e if name not in ("log_id", "user_id")} for e in shown}


@pytest.mark.parametrize("seed", range(8))
def test_any_sequence_leaves_what_a_plain_model_has_now_and_at_every_time(log, user, seed):
    model, chance = Model(), random.Random(seed)
    for _ in range(40):
        random_step(log, user, model, chance)
        assert as_stored(entries(log, user), user) == model.now
    times = {
        entry: {event["version"]: event["recorded_at"] for event in history(log, entry)}
        for entry in model.versions
    }
    # What one call deletes has one time for each entry, and no state in between is ever seen.
    for n, (entry, version, state) in enumerate(model.states):
        at = times[entry][version]
        if n + 1 == len(model.states) or times[model.states[n + 1][0]][model.states[n + 1][1]] > at:
            assert as_stored(entries(log, user, as_of=at), user) == state, (n, entry, version)


def test_sixteen_writers_on_one_entry_lose_nothing(daemon, issuer, log, user):
    entry = logged(log, user, n=0)
    writers, each, failed = 16, 10, []

    def write(number: int) -> None:
        with daemon.client(headers=issuer.bearer(f"writer-{number}")) as client:
            for i in range(each):
                answer = client.put(f"/api/progress/log/{entry}", json={f"w{number}": i})
                if answer.status_code != 200:
                    failed.append(answer.text)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    events = history(log, entry)
    assert [event["version"] for event in events] == list(range(1, writers * each + 2))
    assert entries(log, user)[0].items() >= {f"w{n}": each - 1 for n in range(writers)}.items()
    for before, after in zip(events, events[1:]):
        assert before["recorded_at"] < after["recorded_at"]
        changed = {n for n, v in after["entry"].items() if before["entry"].get(n, -1) != v}
        assert changed == {"w" + after["actor"].removeprefix("writer-")}, "a change was lost"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE progress_events SET actor = 'me'",
        "DELETE FROM progress_events",
        "TRUNCATE progress_events",
        "DELETE FROM progress_events WHERE false",
    ],
)
def test_nothing_updates_or_deletes_an_event(cursor, log, user, sql):
    entry = logged(log, user, n=1)
    with pytest.raises(psycopg2.errors.RaiseException):
        cursor.execute(sql)
    assert len(history(log, entry)) == 1


def test_an_event_that_psql_writes_counts_too(cursor, log, user):
    entry = logged(log, user, n=1)
    cursor.execute(
        "INSERT INTO progress_events (log_id, version, type, user_id, date, members, recorded_at)"
        " VALUES (%s, 2, 'updated', %s, '2025-04-19', '{\"n\":2}', clock_timestamp())",
        [entry, user],
    )
    assert [(e["n"], e["date"]) for e in entries(log, user)] == [(2, "2025-04-19")]
    assert log.put(f"/api/progress/log/{entry}", json={"n": 3}).status_code == 200
    assert [event["version"] for event in history(log, entry)] == [1, 2, 3]


def test_verify_finds_no_fault_in_the_log_of_all_these_tests(daemon, cursor, log, user):
    logged(log, user, n=1)
    cursor.execute("SELECT count(*), count(DISTINCT log_id) FROM progress_events")
    events, known = cursor.fetchone()
    assert verify(daemon) == (0, [f"{events} events of {known} entries replayed, 0 differences"])
