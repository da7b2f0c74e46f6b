"""The requests that are sent to the original Performance Reporting and Usage Analytics, always the same ones.

As in scenarios.py. Answers that add up what other scenarios left behind (trends) or that this project gives in the
documents' shape (reports on records) are recorded by their status alone: tests/api computes those again.
"""

import random
from typing import Iterator

from scenarios import (
    PATH_INTEGERS,
    UNKNOWN_ID,
    Scenario,
    each_member,
    several_members,
    whole_bodies,
)
from values import ODD_VALUES
import bodies

ODD_VALUES[
    "resources_used"
] = """{} null {"cpu":5} {"cpu":"5","mem":2.0} {"cpu":true,"io":false} {"":1} {"é":2}
{"a":"x","b":1.5,"c":null,"d":[],"e":{}} {"a":" 7 ","b":"+7","c":"1_000"} {"a":1e2} {"a":1.0e-2} {"a":"7.0"} {"z":1,"a":2}
{"big":12345678901234567890} {"big":"12345678901234567890"} {"a":2147483648} {"a":-2147483649} {"a":""} {"a":"٧"}
[] [1] [["a",1]] "x" "" "{}" 0 1 1.5 true false"""
ODD_VALUES[
    "event_data"
] = """{} null {"a":1} {"f":1.0,"g":0.1,"n":-5} {"a":{"b":[1,2.5,"x",null,true,{}]}} {"":[]}
{"é":"日本語","😀":""} {"session_id":"s"} {"session_id":7} {"big":12345678901234567890} {"z":1,"a":2} [] [1] [["a",1]]
"x" "" "{}" 0 1 1.5 true false [{"a":1}]"""

ANY_BODY = {"status": 200}  # what this project answers has another shape, or is of more than the scenario


class ReportScenario(Scenario):
    def record(self, **members) -> dict:
        return {
            **self.someone(),
            "completion_time": 295,
            "success": True,
            "errors": ["e"],
            "resources_used": {},
            **members,
        }

    def event(self, **members) -> dict:
        return {**self.someone(), "event_type": "start", "event_data": {}, **members}

    def someone(self) -> dict:
        return {"user_id": f"{self.prefix}-user", "lab_type": f"{self.prefix}-type"}

    def make_both(self) -> None:
        self.make_user()
        self.make_lab()

    def make_record(self) -> None:
        self.make_both()
        self.ask("POST", "/performance/record", self.record(), save={"record": "id"})

    def make_event(self) -> None:
        self.make_both()
        self.ask("POST", "/analytics/event", self.event(), save={"event": "id"})


RECORD_WRITES = {
    "create-record": ("POST", "/performance/record", ReportScenario.make_both, ReportScenario.record),
    "update-record": (
        "PUT",
        "/performance/record/{record}",
        ReportScenario.make_record,
        ReportScenario.record,
    ),
}
EVENT_WRITES = {
    "create-event": ("POST", "/analytics/event", ReportScenario.make_both, ReportScenario.event),
    "update-event": ("PUT", "/analytics/event/{event}", ReportScenario.make_event, ReportScenario.event),
}


def written(s: ReportScenario, row: str, parameter: str, body: dict) -> None:
    """Ids in the path, of rows that are not there and of rows that are: `row` is the path before them."""
    for text in PATH_INTEGERS:
        s.ask("DELETE", f"{row}/{text}")
    for text in PATH_INTEGERS[:10]:
        s.ask("PUT", f"{row}/{text}", {**body, "user_id": 7})
    for text in ("2147483648", "-2147483649"):
        s.ask("DELETE", f"{row}/{text}")
    s.ask("DELETE", f"{row}/99999999999999999999", ours={"status": 422, "loc": [["path", parameter]]})
    for missing in ({"user_id": "nope"}, {"lab_type": "nope"}, {"user_id": "nope", "lab_type": "nope"}):
        s.ask("POST", row, {**body, **missing})
    s.ask("PUT", f"{row}/{UNKNOWN_ID}", body)
    s.ask("POST", row, body, save={"second": "id"})
    for changed in ({}, {"user_id": "nope"}, {"lab_type": "nope"}):
        s.ask("PUT", row + "/{second}", {**body, **changed})
    s.ask("DELETE", row + "/{second}")
    s.ask("DELETE", row + "/{second}")


def routes(s: ReportScenario, paths: str) -> None:
    for path in paths.split():
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            s.ask(method, path)


def content_types(s: ReportScenario, path: str, body: dict) -> None:
    for content_type in bodies.CONTENT_TYPES[::3]:
        s.ask("POST", path, body, {"Content-Type": content_type})


def performance_scenarios() -> Iterator[Scenario]:
    chance, number = random.Random(8005), iter(range(1, 10_000))
    yield from each_member(number, RECORD_WRITES, ReportScenario)
    yield from several_members(number, chance, RECORD_WRITES, ReportScenario)
    yield from whole_bodies(number, chance, RECORD_WRITES, ReportScenario)
    s = ReportScenario("records", next(number))
    s.make_both()
    s.ask("GET", f"/performance/lab/{s.prefix}-type")
    s.ask("GET", f"/performance/user/{s.prefix}-user", ours=ANY_BODY)
    written(s, "/performance/record", "performance_id", s.record())
    content_types(s, "/performance/record", s.record())
    s.ask("GET", f"/performance/lab/{s.prefix}-type", ours=ANY_BODY)
    s.ask("GET", f"/performance/user/{s.prefix}-user", ours=ANY_BODY)
    for path in (
        "/performance/lab/nope",
        "/performance/user/nope",
        "/performance/lab/%C3%A9",
        "/performance/user/a%20b",
    ):
        s.ask("GET", path)
    yield s
    s = ReportScenario("routes", next(number))
    routes(
        s,
        "/ /performance /performance/ /performance/lab /performance/lab/ /performance/lab/x/ /performance/lab/x/y"
        " /performance/user/x/ /performance/record/ /performance/record/7/ /performance/record/7/x /Performance/record /nope",
    )
    yield s


DAYS = """0 1 7 30 36500 007 +7 %2B7 -0 7.0 7.00 7.5 1_0 7. .7 7e1 0x7 %207%20 7%0A x true null NaN %D9%A7
days=7 7&days=8 8&days=x x&days=8""".split()
BEYOND_DATES = ["99999999", "9223372036854775807", "9" * 18]  # the original cannot count back so far
NEGATIVE = ["-1", "-7.0", "-99999999999999999999"]


def usage_scenarios() -> Iterator[Scenario]:
    chance, number = random.Random(8006), iter(range(1, 10_000))
    yield from each_member(number, EVENT_WRITES, ReportScenario)
    yield from several_members(number, chance, EVENT_WRITES, ReportScenario)
    yield from whole_bodies(number, chance, EVENT_WRITES, ReportScenario)
    s = ReportScenario("events", next(number))
    s.make_both()
    s.ask("GET", f"/analytics/usage/lab/{s.prefix}-type")
    written(s, "/analytics/event", "event_id", s.event())
    content_types(s, "/analytics/event", s.event())
    for path in ("/analytics/usage/lab/nope", "/analytics/usage/lab/%C3%A9"):
        s.ask("GET", path)
    yield s
    s = ReportScenario("days", next(number))
    s.make_event()
    for path, ours in ((f"/analytics/usage/lab/{s.prefix}-type", None), ("/analytics/trends", ANY_BODY)):
        s.ask("GET", path, ours=ours)
        for days in DAYS:
            s.ask("GET", f"{path}?days={days}", ours=ours if good(days) else None)
        for days in BEYOND_DATES:
            s.ask("GET", f"{path}?days={days}", ours=ANY_BODY)
        for days in NEGATIVE:
            s.ask("GET", f"{path}?days={days}", ours={"status": 422, "loc": [["query", "days"]]})
        s.ask("GET", f"{path}?days=", ours=None)
        s.ask("GET", f"{path}?Days=x", ours=ours)
    yield s
    s = ReportScenario("routes", next(number))
    routes(
        s,
        "/ /analytics /analytics/ /analytics/event/ /analytics/event/7/ /analytics/usage /analytics/usage/lab"
        " /analytics/usage/lab/ /analytics/usage/lab/x/ /analytics/usage/lab/x/y /analytics/trends/ /Analytics/trends /nope",
    )
    yield s


GOOD_DAYS = "0 1 7 30 36500 007 +7 %2B7 -0 7.0 7.00 1_0 %207%20 7%0A 7&days=8 x&days=8".split()


def good(days: str) -> bool:
    """Whether Pydantic takes it for a number."""
    return days in GOOD_DAYS
