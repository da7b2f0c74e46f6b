"""The progress log: entries that are events, their history, and how they stood at any time."""

import json
import random
import subprocess
import threading
from contextlib import closing
from datetime import datetime, timedelta, timezone

import httpx
import psycopg2
import pytest

from harness.daemon import WRAPPER, Daemon, Daemons, binary
from harness.exchange import difference
from harness.samples import new_user, token
from harness.tokens import Issuer

pytestmark = pytest.mark.usefixtures("log")

NO_ENTRY = (404, {"error": "Log entry not found"})
NO_USER = (400, {"message": "Error in validating userid or user does not exist"})


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="module")
def daemon(postgres, tmp_path_factory, issuer):
    name = postgres.create_database()
    with Daemons(tmp_path_factory.mktemp("progress-log")) as daemons:
        made = daemons.start(DATABASE_URL=postgres.url(name), WORKERS="2", **issuer.settings)
        made.database = name
        yield made.ready()


@pytest.fixture(scope="module")
def log(daemon, issuer):
    with daemon.client(headers=issuer.bearer()) as client:
        yield client


@pytest.fixture(scope="module")
def cursor(daemon, postgres):
    connection = postgres.connect(daemon.database)
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


@pytest.fixture
def user(log):
    return new_user(log)["id"]


def told(answer: httpx.Response) -> tuple[int, object]:
    return answer.status_code, answer.json()


def logged(log, user: str, **members) -> int:
    answer = log.post("/api/progress/log", json={"user_id": user, **members})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def entries(log, user: str, **query) -> list[dict]:
    answer = log.get(f"/api/progress/{user}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["progress_logs"]


def history(log, entry: int) -> list[dict]:
    answer = log.get(f"/api/progress/log/{entry}/history")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_original_s_calls_in_their_order(log, user):
    first = {"date": "2025-04-19", "activity": "Filesystem Lab", "percent_complete": 40}
    answer = log.post("/api/progress/log", json={"user_id": user, **first})
    one = answer.json()["id"]
    assert told(answer) == (201, {"message": "Progress logged successfully", "id": one})
    two = logged(log, user, date="2025-04-21", weight_kg=70.5, workout_done=True, calories_burned=300)
    assert entries(log, user) == [
        {"log_id": one, "user_id": user, **first},
        {
            "log_id": two,
            "user_id": user,
            "date": "2025-04-21",
            "weight_kg": 70.5,
            "workout_done": True,
            "calories_burned": 300,
        },
    ]
    answer = log.get(f"/api/progress/summary/{user}")
    expected = {
        "user_id": user,
        "log_count": 2,
        "first_date": "2025-04-19",
        "last_date": "2025-04-21",
        "average_percent_complete": 40.0,
        "average_weight_kg": 70.5,
        "average_calories_burned": 300.0,
    }
    assert difference(expected, answer.json(), {}) is None
    updated = {
        "log_id": one,
        "user_id": user,
        "date": "2025-04-19",
        "activity": "Filesystem Lab",
        "percent_complete": 80,
    }
    answer = log.put(f"/api/progress/log/{one}", json={"percent_complete": 80})
    assert told(answer) == (200, {"message": "Progress log updated", "updated_log": updated})
    answer = log.delete(f"/api/progress/log/{one}")
    assert told(answer) == (200, {"message": "Progress log deleted", "deleted_log_id": one})
    answer = log.delete(f"/api/progress/user/{user}/logs")
    assert told(answer) == (200, {"message": "All progress logs for user deleted", "deleted_log_count": 1})
    answer = log.delete(f"/api/progress/user/{user}/logs")
    assert told(answer) == (404, {"error": "No logs found for the given user_id"})


def test_members_keep_their_order_and_their_digits(log, user):
    sent = '{"b":1.0,"a":40.0,"z":12345678901234567890,"e":1e2,"t":"Ünï\\u0063ode \\" \\n","f":false}'
    answer = log.post("/api/progress/log", content=f'{{"user_id":"{user}","date":"2025-01-31",{sent[1:]}')
    assert answer.status_code == 201, answer.text
    kept = '"b":1.0,"a":40.0,"z":12345678901234567890,"e":1e2,"t":"Ünïcode \\" \\n","f":false'
    shown = f'{{"log_id":{answer.json()["id"]},"user_id":"{user}","date":"2025-01-31",{kept}}}'
    assert log.get(f"/api/progress/{user}").text == f'{{"progress_logs":[{shown}]}}'


def test_an_entry_without_a_date_is_of_today(log, user):
    before = datetime.now(timezone.utc).date()
    logged(log, user, n=1)
    assert (
        before
        <= datetime.fromisoformat(entries(log, user)[0]["date"]).date()
        <= datetime.now(timezone.utc).date()
    )


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"date": "2025-04-19"},
        {"n": None},
        {"n": []},
        {"n": {}},
        {"n": 1, "date": "2025-02-29"},
        {"n": 1, "date": "2025-4-1"},
        {"n": 1, "date": "2025-04-31"},
        {"n": 1, "date": "0000-01-01"},
        {"n": 1, "date": 20250419},
        {"n": 1, "date": None},
        {"n": 1, "date": "2025-04-19T00:00:00"},
        {"n": 1, "log_id": 3},
        {"n": "x" * 65537},
        {"n" * 256: 1},
        {f"n{i}": i for i in range(101)},
    ],
)
def test_a_bad_entry_is_refused(log, user, members):
    answer = log.post("/api/progress/log", json={"user_id": user, **members})
    assert answer.status_code == 400 and list(answer.json()) == ["error"], answer.text
    assert entries(log, user) == []


@pytest.mark.parametrize(
    "members",
    [
        {"date": "2024-02-29", "n": 1},
        {"date": "0001-01-01", "n": 1},
        {"date": "9999-12-31", "n": 1},
        {"n": "x" * 65536},
        {"n" * 255: 1},
        {f"n{i}": i for i in range(100)},
        {"": 1},
        {"detail": "x", "id": 3},
    ],
)
def test_a_good_entry_at_a_bound_is_taken(log, user, members):
    logged(log, user, **members)
    shown = entries(log, user)[0]
    assert {name: shown[name] for name in members} == members


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"null",
        b'"x"',
        b'{"user_id":7,"n":1}',
        b'{"n":1}',
        b'{"user_id":"\xff","n":1}',
        b'{"user_id":"a","n":NaN}',
        b'{"user_id":"a","n":1e999}',
        b'{"user_id":"a\\u0000","n":1}',
        b'{"user_id":"a","n":' + b"[" * 70 + b"]" * 70 + b"}",
        b'{"user_id":"a","n":' + b"[" * 60 + b"]" * 60 + b"}",
        b'{"user_id":"' + b"u" * 256 + b'","n":1}',
    ],
)
def test_a_body_that_is_no_entry_is_refused(log, body):
    answer = log.post("/api/progress/log", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400 and list(answer.json()) == ["error"], answer.text


def test_a_body_of_another_type_is_refused(log, user):
    body = json.dumps({"user_id": user, "n": 1})
    answer = log.post("/api/progress/log", content=body, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 400 and list(answer.json()) == ["error"]
    assert log.post("/api/progress/log", content=body).status_code == 201


def test_an_entry_needs_a_user_that_exists(log, user):
    assert told(log.post("/api/progress/log", json={"user_id": token(), "n": 1})) == NO_USER
    log.delete(f"/users/{user}")
    assert told(log.post("/api/progress/log", json={"user_id": user, "n": 1})) == NO_USER


def test_entries_outlive_their_user(log, user):
    entry = logged(log, user, n=1)
    log.delete(f"/users/{user}")
    assert [e["log_id"] for e in entries(log, user)] == [entry]
    assert log.put(f"/api/progress/log/{entry}", json={"n": 2}).status_code == 200


@pytest.mark.parametrize(
    "entry", ["2147483647", "2147483648", "99999999999999999999", "-1", "0", "1.0", "x", "%20", "+1"]
)
def test_an_entry_that_is_not_there_is_not_found(log, entry):
    for answer in (
        log.put(f"/api/progress/log/{entry}", json={"n": 1}),
        log.delete(f"/api/progress/log/{entry}"),
        log.get(f"/api/progress/log/{entry}/history"),
        log.post(f"/api/progress/log/{entry}/rollback", json={"version": 1}),
    ):
        assert told(answer) == NO_ENTRY


def test_a_deleted_entry_is_not_found_but_its_history_is(log, user):
    entry = logged(log, user, n=1)
    log.delete(f"/api/progress/log/{entry}")
    assert told(log.delete(f"/api/progress/log/{entry}")) == NO_ENTRY
    assert told(log.put(f"/api/progress/log/{entry}", json={"n": 1})) == NO_ENTRY
    assert [event["type"] for event in history(log, entry)] == ["created", "deleted"]


def test_an_update_sets_adds_and_removes_members(log, user):
    entry = logged(log, user, date="2025-04-19", a=1, b=2, c="x")
    answer = log.put(
        f"/api/progress/log/{entry}", json={"d": True, "b": None, "a": 10, "gone": None, "date": "2025-04-20"}
    )
    assert answer.json()["updated_log"] == {
        "log_id": entry,
        "user_id": user,
        "date": "2025-04-20",
        "a": 10,
        "c": "x",
        "d": True,
    }
    assert list(answer.json()["updated_log"]) == ["log_id", "user_id", "date", "a", "c", "d"]


def test_an_entry_may_be_sent_back_whole(log, user):
    entry = logged(log, user, n=1)
    whole = entries(log, user)[0]
    assert log.put(f"/api/progress/log/{entry}", json={**whole, "n": 2}).json()["updated_log"] == {
        **whole,
        "n": 2,
    }


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"n": None},
        {"date": None},
        {"date": "yesterday"},
        {"n": []},
        {"user_id": "another"},
        {"log_id": 1.5},
        {f"n{i}": i for i in range(100)},
        {f"n{i}": None for i in range(300)},
    ],
)
def test_a_bad_update_is_refused_and_changes_nothing(log, user, change):
    entry = logged(log, user, n=1)
    before = entries(log, user)
    answer = log.put(f"/api/progress/log/{entry}", json=change)
    assert answer.status_code == 400 and list(answer.json()) == ["error"], answer.text
    assert entries(log, user) == before and len(history(log, entry)) == 1


def test_the_history_tells_every_event_and_who_did_it(log, issuer, user):
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
def test_an_as_of_that_is_no_time_is_refused(log, user, as_of):
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
    another = log.post("/api/progress/log", json=body, headers={**key, **issuer.bearer("another")})
    assert another.status_code == 422


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


def verify(daemon) -> tuple[int, list[str]]:
    done = subprocess.run(
        [*WRAPPER, binary("user-progress"), "verify"],
        env=daemon.environment(),
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout.splitlines()


def test_verify_finds_the_log_of_all_these_tests_sound(daemon, cursor, log, user):
    logged(log, user, n=1)
    cursor.execute("SELECT count(*), count(DISTINCT log_id) FROM progress_events")
    events, known = cursor.fetchone()
    assert verify(daemon) == (0, [f"{events} events of {known} entries replayed, 0 differences"])


@pytest.fixture
def manipulated(fresh, issuer, postgres):
    """manipulated(sql): what verify says after it, on a log of 3 entries; the second has 150 versions."""
    daemon = fresh(**issuer.settings)
    with daemon.client(headers=issuer.bearer()) as client:
        owner = new_user(client)["id"]
        assert [logged(client, owner, date="2025-04-19", n=0) for _ in range(3)] == [1, 2, 3]
        client.delete("/api/progress/log/3")
    with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as own:
        own.execute(
            "INSERT INTO progress_events (log_id, version, type, user_id, date, members, recorded_at)"
            " SELECT 2, v, 'updated', %s, '2025-04-19', '{\"n\":1}', clock_timestamp() + v * interval '1 ms'"
            " FROM generate_series(2, 150) AS v",
            [owner],
        )
    assert verify(daemon) == (0, ["153 events of 3 entries replayed, 0 differences"])

    def manipulate(sql: str) -> tuple[int, list[str]]:
        with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as own:
            own.execute("SET session_replication_role = replica; " + sql)
        status, lines = verify(daemon)
        return status, lines[:-1]

    return manipulate


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        (
            "UPDATE progress_logs SET members = '{\"n\":1}' WHERE log_id = 1",
            (1, 1, "the state is not what the event left"),
        ),
        (
            "UPDATE progress_logs SET date = '2025-04-20' WHERE log_id = 2",
            (2, 150, "the state is not what the event left"),
        ),
        (
            "UPDATE progress_logs SET recorded_at = now() WHERE log_id = 3",
            (3, 2, "the state is not what the event left"),
        ),
        (
            "UPDATE progress_logs SET version = 1 WHERE log_id = 3",
            (3, 1, "the state is not what the event left"),
        ),
        ("DELETE FROM progress_logs WHERE log_id = 2", (2, 1, "the entry has no state")),
        (
            "UPDATE progress_logs SET user_id = 'x' WHERE log_id = 1",
            (1, 1, "is of another user than the state"),
        ),
        (
            "INSERT INTO progress_logs SELECT 9, version, user_id, date, members, recorded_at FROM progress_logs WHERE log_id = 1",
            (9, 0, "the state has no events"),
        ),
        (
            "DELETE FROM progress_events WHERE log_id = 2 AND version = 7",
            (2, 8, "does not follow the version before it"),
        ),
        (
            "DELETE FROM progress_events WHERE log_id = 2 AND version = 150",
            (2, 149, "is the last event, but the state is of another version"),
        ),
        ("DELETE FROM progress_events WHERE log_id = 1", (1, 0, "the state has no events")),
        (
            "UPDATE progress_events SET type = 'created' WHERE log_id = 2 AND version = 100",
            (2, 100, "creates what is there"),
        ),
        (
            "UPDATE progress_events SET type = 'updated' WHERE log_id = 1",
            (1, 1, "is the first one, but creates nothing"),
        ),
        (
            "UPDATE progress_events SET recorded_at = '2020-01-01' WHERE log_id = 2 AND version = 101",
            (2, 101, "is not later than the version before it"),
        ),
        (
            "UPDATE progress_events SET members = '{\"n\":-1}' WHERE log_id = 1",
            (1, 1, "the state is not what the event left"),
        ),
    ],
)
def test_verify_finds_what_was_manipulated(manipulated, sql, found):
    status, lines = manipulated(sql)
    assert status == 1 and "entry {}, version {}: {}".format(*found) in lines, lines


def test_verify_says_when_the_database_cannot_be_read(daemon):
    away = Daemon(
        "user-progress",
        daemon.log,
        {"DATABASE_URL": "postgresql://127.0.0.1:1/x", "REPORT_TIMEOUT_MS": "300"},
    )
    assert verify(away) == (2, [])
