"""Usage events and the reports on them."""

import json
import random
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from harness import exchange, reports
from harness.samples import created, detail, event_body, faults, new_event, new_lab, new_user

JSON = {"Content-Type": "application/json"}


def report(usage, lab: dict, days: int | None = None) -> dict:
    query = "" if days is None else f"?days={days}"
    return created(usage.get(f"/analytics/usage/lab/{lab['lab_type']}{query}"))


# Objects as a client may write them. What comes back is not another spelling of the same, it is the same bytes.
OBJECTS = [
    "{}",
    '{"z":1,"a":2,"m":3}',
    '{"f":1.0,"g":0.1,"h":1e22,"i":1E-7,"j":-0,"k":-0.0,"l":100.00}',
    '{"big":12345678901234567890,"long":0.30000000000000004,"beyond":123456789012345678901234567890.5}',
    '{"e":"é","u":"\\u00e9","o":"\U0001f600","s":"\\ud83d\\ude00","slash":"\\/","b":"\\b\\f\\n\\r\\t\\"\\\\"}',
    '{"a":{"b":[1,2.5,"x",null,true,[],{}]}}',
    '{ "a" : [ 1 , 2 ] }',
    '{"":"","\\u0061":1}',
    '{"a":1,"a":2}',
    json.dumps({f"member {n}": [n, {"n": str(n)}] for n in range(500)}),
    "null",
]


class TestEvents:
    def test_the_document_s_request_gets_the_document_s_answer(self, usage, someone, lab):
        event = new_event(usage, someone, lab, event_data={"session_id": "test-session-1"}, lab_id=lab["id"])
        assert list(event) == ["user_id", "lab_type", "event_type", "event_data", "id", "timestamp"]
        assert event["event_data"] == {"session_id": "test-session-1"}

    @pytest.mark.parametrize("text", OBJECTS, ids=lambda text: text[:30])
    def test_event_data_comes_back_and_is_stored_byte_for_byte(self, services, someone, lab, cursor_of, text):
        url, cursor = services["usage-analytics"], cursor_of("usage-analytics")
        body = (json.dumps(event_body(someone, lab))[:-1] + f',"event_data":{text}}}').encode()
        event = exchange.request(url, "POST", "/analytics/event", JSON, body)
        path = f"/analytics/event/{event.json()['id']}"
        for answer in (event, exchange.request(url, "PUT", path, JSON, body)):
            assert answer.status == 200 and f'"event_data":{text},"id":'.encode() in answer.body
        cursor.execute("SELECT event_data::text FROM usage_events WHERE id = %s", [event.json()["id"]])
        assert cursor.fetchone()[0] == text

    def test_details_count_as_event_data_only_if_that_is_absent(self, usage, someone, lab):
        details = {"session_id": "s"}
        assert new_event(usage, someone, lab, details=details)["event_data"] == details
        assert new_event(usage, someone, lab, details=details, event_data={})["event_data"] == {}
        assert new_event(usage, someone, lab, details=details, event_data=None)["event_data"] is None
        assert new_event(usage, someone, lab, details=None)["event_data"] == {}

    def test_an_update_replaces_all_but_id_and_time(self, usage, someone, lab, api):
        event, other = new_event(usage, someone, lab, event_data={"a": 1}), new_lab(api)
        body = event_body(someone, other, "complete")
        changed = created(usage.put(f"/analytics/event/{event['id']}", json=body))
        assert changed == {**event, **body, "event_data": {}}
        assert usage.get(f"/analytics/usage/lab/{lab['lab_type']}").status_code == 404
        assert report(usage, other)["event_distribution"] == {"complete": 1}

    def test_a_deleted_event_is_gone(self, usage, someone, lab):
        event = new_event(usage, someone, lab)
        path = f"/analytics/event/{event['id']}"
        assert usage.delete(path).json() == {"status": "success", "message": f"Event {event['id']} deleted"}
        for again in (usage.delete(path), usage.put(path, json=event_body(someone, lab))):
            assert (again.status_code, detail(again)) == (404, "Event not found")

    def test_an_unknown_user_is_reported_before_an_unknown_lab_type(self, usage, someone, lab):
        nobody, nowhere = {"id": "nope"}, {"lab_type": "nope"}
        number = new_event(usage, someone, lab)["id"]
        for method, path in (("POST", "/analytics/event"), ("PUT", f"/analytics/event/{number}")):
            for user, of, said in (
                (nobody, nowhere, "User not found"),
                (someone, nowhere, "Lab type not found"),
            ):
                answer = usage.request(method, path, json=event_body(user, of))
                assert (answer.status_code, detail(answer)) == (404, said)

    def test_all_faults_are_reported_at_once_in_declared_order(self, usage):
        body = {"user_id": 1, "event_type": "x" * 256, "event_data": "{}", "details": []}
        assert faults(usage.put("/analytics/event/1.5", json=body)) == [
            ("int_parsing", ("path", "event_id")),
            ("string_type", ("body", "user_id")),
            ("missing", ("body", "lab_type")),
            ("string_too_long", ("body", "event_type")),
            ("dict_type", ("body", "event_data")),
            ("dict_type", ("body", "details")),
        ]

    def test_a_request_sent_again_under_its_key_is_recorded_once(self, usage, someone, lab):
        headers, body = {"Idempotency-Key": f"key-{lab['id']}"}, event_body(someone, lab)
        answers = [usage.post("/analytics/event", json=body, headers=headers) for _ in range(3)]
        assert {(a.status_code, a.text) for a in answers} == {(200, answers[0].text)}
        assert report(usage, lab)["total_events"] == 1


class TestWindows:
    def test_a_lab_without_events_is_distinguished_from_no_lab(self, usage, lab):
        for lab_type, said in (
            (lab["lab_type"], "No usage data found for lab type"),
            ("nope", "Lab type not found"),
        ):
            answer = usage.get(f"/analytics/usage/lab/{lab_type}")
            assert (answer.status_code, detail(answer)) == (404, said)

    @pytest.mark.parametrize(
        "days", ["0", "36500", "36501", "99999999", "9" * 18, "007", "7.0", "+7", "%207%20"]
    )
    def test_any_number_of_days_is_a_window(self, usage, someone, lab, days):
        new_event(usage, someone, lab)
        answer = usage.get(f"/analytics/usage/lab/{lab['lab_type']}?days={days}")
        assert answer.status_code == (404 if days == "0" else 200), answer.text
        assert usage.get(f"/analytics/trends?days={days}").status_code == 200

    @pytest.mark.parametrize(
        ("days", "fault"),
        [("-1", "greater_than_equal"), ("x", "int_parsing"), ("1.5", "int_parsing"), ("", "int_parsing")],
    )
    def test_what_is_not_a_number_of_days_is_bad_input(self, usage, lab, days, fault):
        for path in (f"/analytics/usage/lab/{lab['lab_type']}", "/analytics/trends"):
            assert faults(usage.get(f"{path}?days={days}")) == [(fault, ("query", "days"))]

    def test_the_defaults_are_a_week_and_a_month(self, usage, someone, lab, cursor_of):
        for days in (6, 8, 29, 31):
            event = new_event(usage, someone, lab)
            move(cursor_of("usage-analytics"), event, timedelta(days=days))
        assert (report(usage, lab)["time_period_days"], report(usage, lab)["total_events"]) == (7, 1)
        trends = created(usage.get("/analytics/trends"))
        assert (trends["time_period_days"], trends["lab_usage"][lab["lab_type"]]["total_events"]) == (30, 3)

    def test_beyond_a_hundred_years_it_is_the_whole_history(self, usage, someone, lab, cursor_of):
        event = new_event(usage, someone, lab)
        cursor = cursor_of("usage-analytics")
        cursor.execute(
            "UPDATE usage_events SET timestamp = '0044-03-15 12:00Z BC' WHERE id = %s", [event["id"]]
        )
        for days, status in ((36500, 404), (36501, 200)):
            path = f"/analytics/usage/lab/{lab['lab_type']}?days={days}"
            assert usage.get(path).status_code == status

    def test_only_sessions_that_start_in_the_window_count(self, usage, someone, lab, cursor_of):
        cursor = cursor_of("usage-analytics")
        base = this_hour(cursor)
        for start, complete in (
            (timedelta(days=8), timedelta(days=6)),
            (timedelta(hours=2), timedelta(hours=1)),
        ):
            for kind, ago in (("start", start), ("complete", complete)):
                move(cursor, new_event(usage, someone, lab, kind), ago, base)
        assert report(usage, lab)["average_session_time_seconds"] == 3600.0
        assert report(usage, lab, 9)["average_session_time_seconds"] == (2 * 86400 + 3600) / 2


def this_hour(cursor) -> datetime:
    """When it began: a whole second that a test reads once, since the next hour may begin meanwhile."""
    cursor.execute("SELECT date_trunc('hour', now())")
    return cursor.fetchone()[0]


def move(cursor, event: dict, ago: timedelta, base: datetime | None = None) -> None:
    """Lets an event have happened so long before `base`, or before now."""
    cursor.execute(
        "UPDATE usage_events SET timestamp = coalesce(%s, now()) - %s WHERE id = %s", [base, ago, event["id"]]
    )


# docs/sessions.md, row by row: the steps in their order, and which complete ends which start.
SESSIONS = {
    "start, complete": [(1, 2)],
    "start, start, complete": [(2, 3)],
    "start, complete, complete": [(1, 2)],
    "start a, start b, complete a, complete b": [(1, 3), (2, 4)],
    "start a, start, complete a": [(1, 3)],
    "start a, complete": [(1, 2)],
    "start, complete a": [(1, 2)],
    "start a, complete b": [],
    "start a, complete a, start, complete a": [(1, 2), (3, 4)],
    "start a, start b, complete, complete a": [(2, 3), (1, 4)],
    "complete, start": [],
    "start 7, start b, complete 7": [(1, 3)],
}


@pytest.mark.parametrize("steps", SESSIONS)
def test_a_complete_ends_the_start_that_it_belongs_to(usage, someone, lab, cursor_of, steps):
    cursor = cursor_of("usage-analytics")
    base = this_hour(cursor)
    at = {n: 3**n for n in range(1, 6)}  # seconds: no two sums of differences are alike
    for n, (kind, *session) in enumerate(map(str.split, steps.split(", ")), 1):
        value = (
            {"session_id": int(session[0]) if session[0].isdigit() and kind == "start" else session[0]}
            if session
            else {}
        )
        event = new_event(usage, someone, lab, kind, event_data=value)
        move(cursor, event, timedelta(hours=3) - timedelta(seconds=at[n]), base)
    lengths = [at[complete] - at[start] for start, complete in SESSIONS[steps]]
    expected = sum(lengths) / len(lengths) if lengths else 0
    got = report(usage, lab)["average_session_time_seconds"]
    assert got == expected and (lengths or isinstance(got, int))


def test_another_user_or_lab_type_ends_no_session(usage, someone, api, lab):
    new_event(usage, someone, lab, "start")
    new_event(usage, new_user(api), lab, "complete")
    new_event(usage, someone, new_lab(api), "complete")
    assert report(usage, lab)["average_session_time_seconds"] == 0


class Model:
    """Random work on a service of the test's own, and the reports held against the raw events."""

    DAYS = (0, 1, 7, 30, 36500, 36501)

    def __init__(self, client, cursor, truth, chance: random.Random):
        self.client, self.cursor, self.chance = client, cursor, chance
        self.users = [new_user(truth) for _ in range(3)]
        self.labs = [new_lab(truth) for _ in range(2)]
        self.ids: list[int] = []

    def body(self) -> dict:
        chance = self.chance
        kind = chance.choice(["start", "start", "complete", "complete", "error", "hint", "é"])
        data = chance.choice(
            [None, {}, {}, {"session_id": "a"}, {"session_id": "b"}, {"session_id": 7}, {"session_id": "7"}]
        )
        return event_body(chance.choice(self.users), chance.choice(self.labs), kind, event_data=data)

    def step(self) -> None:
        what = self.chance.random()
        if what < 0.5 or not self.ids:
            self.ids.append(created(self.client.post("/analytics/event", json=self.body()))["id"])
        elif what < 0.65:
            path = f"/analytics/event/{self.chance.choice(self.ids)}"
            created(self.client.put(path, json=self.body()))
        elif what < 0.75:
            number = self.ids.pop(self.chance.randrange(len(self.ids)))
            created(self.client.delete(f"/analytics/event/{number}"))
        elif what < 0.9:
            ago = timedelta(
                seconds=self.chance.choice([10, 100, 4000, 90_000, 10**6, 10**7]) * self.chance.random()
            )
            move(self.cursor, {"id": self.chance.choice(self.ids)}, ago)
        else:
            self.write_as_others_do()

    def write_as_others_do(self) -> None:
        values = self.chance.choice(
            [
                "'start', NULL, now()",
                "'complete', 'null', now()",
                "NULL, '[]', now()",
                "'start', '{\"session_id\":\"\\u0000\"}', now() - interval '3 days'",
                "'complete', '{\"session_id\":{\"a\":1}}', NULL",
                "'error', '\"x\"', 'epoch'",
            ]
        )
        user = self.chance.choice([*self.users, {"id": None}])
        lab = self.chance.choice([*self.labs, {"lab_type": None}])
        self.cursor.execute(
            "INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp)"
            f" VALUES (%s, %s, {values})",
            [user["id"], lab["lab_type"]],
        )

    def check(self) -> None:
        self.cursor.execute(reports.EVENTS)
        events = [reports.Event(*row) for row in self.cursor.fetchall()]
        self.cursor.execute("SELECT now()")
        (now,) = self.cursor.fetchone()
        for days in self.chance.sample(self.DAYS, 2):
            for lab in self.labs:
                answer = self.client.get(f"/analytics/usage/lab/{lab['lab_type']}?days={days}")
                expected = reports.usage_of_lab(events, lab["lab_type"], now, days)
                assert (answer.json() if answer.status_code == 200 else None) == expected
            got = created(self.client.get(f"/analytics/trends?days={days}"))
            assert got == reports.trends(events, now, days)


@pytest.mark.parametrize("seed", range(3))
def test_reports_equal_a_recomputation_from_the_raw_events_after_every_step(api, beside, postgres, seed):
    daemon = beside("usage-analytics", str(api.base_url)).ready()
    with (
        daemon.client() as client,
        closing(postgres.connect(daemon.database)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SET timezone = 'UTC'")
        model = Model(client, cursor, api, random.Random(seed))
        for _ in range(60):
            model.step()
            model.check()
