"""Lookups share calls to User Progress, and the question of one client does not affect those of others."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import exchange
from harness.daemon import BUSY_SECONDS, PATIENT
from harness.fake import Asked, Fake, Line, directory
from harness.metrics import samples
from harness.samples import detail, event_body, new_event, new_lab, new_record, new_user, record_body
from harness.wait import until
from harness.wire import Wire

JSON = {"Content-Type": "application/json"}
DEADLINE = 3  # seconds that a lookup may take in all; of five, one after the other, the last would take 14
LONG = 20  # seconds that a lookup may take where the request's own deadline is to count

USER = {"id": "u", "username": "ada"}
LAB = {"lab_type": "t", "name": "Lab", "description": "d", "difficulty": "beginner"}
GOOD = directory({"u": USER}, [LAB])


@pytest.fixture
def in_time(both):
    """in_time(url): the two services, which a busy machine makes late for nothing."""
    return lambda url: both(url, **PATIENT)


def ask(url: str, method: str, path: str, body: dict | None) -> tuple[exchange.Answer, float]:
    """The answer and how long it took."""
    began = time.monotonic()
    answer = exchange.request(url, method, path, JSON, json.dumps(body).encode() if body else None)
    return answer, time.monotonic() - began


def test_those_that_wait_behind_a_silent_call_each_have_their_own_deadline(both):
    with Fake(lambda line, asked: line.stay_silent()) as fake:
        _, usage = both(fake.url, **{**PATIENT, "LOOKUP_TIMEOUT_MS": str(DEADLINE * 1000)})
        with ThreadPoolExecutor(5) as pool:
            took = []
            for _ in range(5):
                took.append(pool.submit(ask, usage.url, "POST", "/analytics/event", event_body(USER, LAB)))
                time.sleep(
                    0.15
                )  # each while the call before it is on its way: this is no wait for a condition
            for asked in took:
                answer, seconds = asked.result()
                assert answer.status == 503 and seconds < DEADLINE + BUSY_SECONDS


class Held:
    """A User Progress whose lookups wait until `release`; what it knows is asked before."""

    def __init__(self):
        self.release = threading.Event()
        self.users = {f"u{n}": {"id": f"u{n}", "username": f"n{n}"} for n in range(30)}

    def __call__(self, line: Line, asked: Asked) -> None:
        answer = directory(self.users, [LAB])(asked)
        self.release.wait(LONG)
        line.answer(200, answer)


def post_event(url: str, user_id: str, *headers: str) -> Wire:
    wire = Wire(url)
    body = json.dumps(event_body({"id": user_id}, LAB)).encode()
    wire.request(
        "POST",
        "/analytics/event",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
        body=body,
    )
    return wire


def answers_of(wires: list[Wire]) -> list[int]:
    """The statuses, and the connections are closed."""
    statuses = [wire.answer().status for wire in wires]
    for wire in wires:
        wire.close()
    return statuses


def post_behind_a_call(usage, fake: Fake, held: Held, user_ids: list[str], *headers: str) -> list[Wire]:
    """Events whose users are asked for together, in the call after the one for `u0`."""
    first = post_event(usage.url, "u0")
    until(lambda: fake.calls("POST", "/lookup"), "the first call")
    wires = [post_event(usage.url, user_id, *headers) for user_id in user_ids]
    assert exchange.request(usage.url, "GET", "/livez").status == 200  # the worker has read them all
    held.release.set()
    assert answers_of([first]) == [200]
    return wires


def test_lookups_that_arrive_during_a_call_share_the_next_one(in_time):
    held = Held()
    with Fake(held) as fake:
        _, usage = in_time(fake.url)
        wires = post_behind_a_call(usage, fake, held, [f"u{n}" for n in range(1, 21)])
        assert answers_of(wires) == [200] * 20
        calls = [asked.json() for asked in fake.calls("POST", "/lookup")]
        assert [len(call["user_ids"]) for call in calls] == [1, 20]
        assert [call["lab_types"] for call in calls] == [["t"], ["t"]]


def test_a_shared_call_asks_for_equal_names_once(in_time):
    held = Held()
    with Fake(held) as fake:
        _, usage = in_time(fake.url)
        wires = post_behind_a_call(usage, fake, held, ["u1", "u2", "u1", "nobody", "u2", "u1"])
        assert answers_of(wires) == [200, 200, 200, 404, 200, 200]
        assert fake.calls("POST", "/lookup")[1].json()["user_ids"] == ["u1", "u2", "nobody"]


def test_a_shared_call_has_a_request_id_of_its_own_which_the_log_explains(in_time):
    held = Held()
    with Fake(held) as fake:
        _, usage = in_time(fake.url)
        trace = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        first = post_event(usage.url, "u0", "X-Request-ID: alone")
        until(lambda: fake.calls("POST", "/lookup"), "the first call")
        wires = [post_event(usage.url, "u1", f"X-Request-ID: sharer-{n}", trace) for n in range(60)]
        assert exchange.request(usage.url, "GET", "/livez").status == 200
        held.release.set()
        assert answers_of([first, *wires]) == [200] * 61
        alone, shared = (asked.headers for asked in fake.calls("POST", "/lookup"))
        assert alone["x-request-id"] == "alone"
        sharers = {f"sharer-{n}" for n in range(60)}
        assert shared["x-request-id"] not in sharers | {"alone"} and "traceparent" not in shared
        lines = [json.loads(line) for line in usage.log_text().splitlines()]
        told = [line for line in lines if line["event"] == "requests share a call"]
        assert {line["request_id"] for line in told} == {shared["x-request-id"]}
        assert {name for line in told for name in line["requests"].split()} == sharers


REFUSALS = {
    "too large": lambda line: line.answer(413, {"detail": "Request body too large"}),
    "unreadable": lambda line: line.answer(400, {"detail": "There was an error parsing the body"}),
    "not valid": lambda line: line.answer(422, {"detail": []}),
    "an endless answer": lambda line: line.answer(200, b" " * (4 << 20)),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_lookup_that_user_progress_refuses_fails_only_the_request_that_sent_it(in_time, name):
    held = Held()

    def behave(line: Line, asked: Asked) -> None:
        REFUSALS[name](line) if "refused" in asked.json()["user_ids"] else held(line, asked)

    with Fake(behave) as fake:
        _, usage = in_time(fake.url)
        wires = post_behind_a_call(usage, fake, held, ["u1", "u2", "refused", "u3", "nobody"])
        assert answers_of(wires) == [200, 200, 503, 200, 404]


def test_names_that_cannot_exist_are_not_looked_up(in_time):
    with Fake(lambda line, asked: line.answer(200, GOOD(asked))) as fake:
        performance, usage = in_time(fake.url)
        for user_id in ("x" * 2705, "\u00e9" * 1353, "y" * 60_000):
            answer, _ = ask(usage.url, "POST", "/analytics/event", event_body({"id": user_id}, LAB))
            assert (answer.status, answer.json()) == (404, {"detail": "User not found"})
        answer, _ = ask(performance.url, "GET", f"/performance/user/{'z' * 2705}", None)
        assert (answer.status, answer.json()) == (404, {"detail": "User not found"})
        answer, _ = ask(performance.url, "GET", f"/performance/lab/{'z' * 256}", None)
        assert (answer.status, answer.json()) == (404, {"detail": "Lab type not found"})
        assert {name for asked in fake.asked for name in asked.json()["user_ids"]} == set()
        assert {name for asked in fake.asked for name in asked.json()["lab_types"]} <= {"t"}
        longest = "\u00e9" * 1352
        answer, _ = ask(usage.url, "POST", "/analytics/event", event_body({"id": longest}, LAB))
        assert answer.status == 404 and fake.asked[-1].json()["user_ids"] == [longest]


def test_impossible_ids_do_not_affect_other_requests(services, api, usage):
    user, lab = new_user(api), new_lab(api)
    url = services["usage-analytics"]
    with ThreadPoolExecutor(24) as pool:
        fat = [
            pool.submit(ask, url, "POST", "/analytics/event", event_body({"id": "f" * 60_000}, lab))
            for _ in range(90)
        ]
        good = [
            pool.submit(ask, url, "POST", "/analytics/event", event_body(user, lab)) for _ in range(30)
        ]
        assert {asked.result()[0].status for asked in good} == {200}
        assert {asked.result()[0].status for asked in fat} == {404}


def test_a_call_is_bounded_in_bytes(in_time):
    held = Held()
    with Fake(held) as fake:
        _, usage = in_time(fake.url)
        long_ids = [f"{n:03}" + '"' * 2697 for n in range(120)]  # twice as long in JSON
        wires = post_behind_a_call(usage, fake, held, long_ids)
        assert answers_of(wires) == [404] * 120
        bodies = [asked.body for asked in fake.calls("POST", "/lookup")]
        assert max(map(len, bodies)) <= (256 << 10) + 1000
        assert sorted(name for body in bodies[1:] for name in json.loads(body)["user_ids"]) == long_ids


def test_details_of_labs_are_requested_only_if_they_are_shown(in_time):
    with Fake(lambda line, asked: line.answer(200, GOOD(asked))) as fake:
        performance, _ = in_time(fake.url)
        with performance.client() as client:
            new_record(client, USER, LAB)
            assert client.get("/performance/lab/t").json()["lab_name"] == "Lab"
            shown = client.get("/performance/user/u").json()["performance_by_lab"]["t"]
        assert (shown["lab_description"], shown["lab_difficulty"]) == ("d", "beginner")
        asked = [(call["lab_types"], call["details"]) for call in map(Asked.json, fake.asked)]
        assert asked == [(["t"], False), (["t"], False), ([], False), (["t"], True)]


def lookups(daemon) -> float:
    """How many requests have asked so far."""
    return samples(daemon.url).of("lookups_total")


def short_and_long(both, fake: Fake, **settings: str):
    """performance-reporting whose records have half a second, and whose reports as long as a lookup has."""
    performance, _ = both(
        fake.url,
        LOOKUP_TIMEOUT_MS=str(LONG * 1000),
        REQUEST_TIMEOUT_MS="500",
        REPORT_TIMEOUT_MS=str(LONG * 1000),
        **settings,
    )
    return performance


def test_a_question_does_not_wait_longer_than_its_own_request(both):
    """Neither behind one that has more time, nor in a call that has."""
    with Fake(lambda line, asked: line.stay_silent()) as fake:
        performance = short_and_long(both, fake)
        with Wire(performance.url) as in_the_call, Wire(performance.url) as before:
            in_the_call.request("GET", "/performance/lab/t")
            until(lambda: fake.calls("POST", "/lookup"), "the call")
            before.request("GET", "/performance/lab/t")
            answer, seconds = ask(performance.url, "POST", "/performance/record", record_body(USER, LAB))
            assert answer.status == 503 and seconds < LONG / 4


def test_a_shared_call_has_the_time_of_the_latest_question(both):
    held, late = Held(), threading.Event()

    def behave(line: Line, asked: Asked) -> None:
        if len(fake.calls("POST", "/lookup")) > 1:
            late.wait(LONG)
        held(line, asked)

    with Fake(behave) as fake:
        performance = short_and_long(both, fake)
        with Wire(performance.url) as first, Wire(performance.url) as patient:
            first.request("GET", "/performance/lab/t")
            until(lambda: fake.calls("POST", "/lookup"), "the first call")
            with ThreadPoolExecutor(1) as pool:
                hasty = pool.submit(
                    ask, performance.url, "POST", "/performance/record", record_body(USER, LAB)
                )
                until(lambda: lookups(performance) == 2, "the record to ask")
                patient.request("GET", "/performance/lab/t")
                until(lambda: lookups(performance) == 3, "the report to ask")
                held.release.set()
                assert hasty.result()[0].status == 503
            late.set()
            assert patient.answer().json() == {"detail": "No records found for lab type"}


def test_a_lookup_never_joins_a_call_that_was_already_sent(in_time):
    held = Held()
    with Fake(held) as fake:
        _, usage = in_time(fake.url)
        first = post_event(usage.url, "u1")
        until(lambda: fake.calls("POST", "/lookup"), "the first call")
        del held.users["u1"]
        second = post_event(usage.url, "u1")
        assert exchange.request(usage.url, "GET", "/livez").status == 200
        held.release.set()
        assert (first.answer().status, second.answer().status) == (200, 404)
        first.close(), second.close()


def test_a_lookup_carries_the_id_and_the_trace_of_a_request(in_time):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with Fake(lambda line, asked: line.answer(200, GOOD(asked))) as fake:
        performance, _ = in_time(fake.url)
        headers = {**JSON, "X-Request-ID": "from-the-client", "traceparent": trace}
        body = json.dumps(record_body(USER, LAB)).encode()
        assert exchange.request(performance.url, "POST", "/performance/record", headers, body).status == 200
        (asked,) = fake.calls("POST", "/lookup")
        assert (asked.headers["x-request-id"], asked.headers["traceparent"]) == ("from-the-client", trace)


def original(line: Line, asked: Asked, missing: int) -> None:
    """User Progress as it is without /lookup."""
    older = {**LAB, "id": "l1", "name": "Older", "created_at": "2025-04-19T08:31:38", "updated_at": None}
    newer = {**older, "id": "l0", "name": "Newer", "created_at": "2025-04-19T08:31:38.000001"}
    if asked.path == "/lookup":
        line.answer(missing, {"detail": "Not Found" if missing == 404 else "Method Not Allowed"})
    elif asked.path == "/users/%C3%BC%2F":
        line.answer(200, {"username": "ada", "full_name": None, "email": "a@b.co", "id": "ü/"})
    elif asked.path == "/labs/type/t":
        line.answer(200, [newer, older])
    elif asked.path.startswith("/users/"):
        line.answer(404, {"detail": "User not found"})
    else:
        line.answer(200, [])


@pytest.mark.parametrize("missing", [404, 405])
def test_without_lookup_the_plain_calls_are_used(in_time, missing):
    with Fake(lambda line, asked: original(line, asked, missing)) as fake:
        performance, usage = in_time(fake.url)
        user = {"id": "ü/"}
        with performance.client() as client:
            new_record(client, user, LAB)
            assert client.get("/performance/lab/t").json()["lab_name"] == "Older"
            assert client.get("/performance/user/%C3%BC%2F").json()["username"] == "ada"
            unknown = client.post("/performance/record", json=record_body({"id": "v"}, LAB))
            assert (unknown.status_code, detail(unknown)) == (404, "User not found")
            no_lab = client.post("/performance/record", json=record_body(user, {"lab_type": "v"}))
            assert (no_lab.status_code, detail(no_lab)) == (404, "Lab type not found")
        with usage.client() as client:
            new_event(client, user, LAB)
            assert client.get("/analytics/usage/lab/t").json()["total_events"] == 1
        assert len(fake.calls("POST", "/lookup")) == 2  # once a service, not once a request



def test_a_plain_call_does_not_wait_longer_than_its_own_request(both):
    def behave(line: Line, asked: Asked) -> None:
        line.answer(404, {"detail": "Not Found"}) if asked.path == "/lookup" else line.stay_silent()

    with Fake(behave) as fake:
        performance = short_and_long(both, fake, LOOKUP_CONNECTIONS="1")
        with Wire(performance.url) as on_its_way, Wire(performance.url) as before:
            on_its_way.request("GET", "/performance/lab/t")
            until(lambda: fake.calls("GET", "/labs/type/t"), "the call")
            before.request("GET", "/performance/lab/t")
            answer, seconds = ask(performance.url, "POST", "/performance/record", record_body(USER, LAB))
            assert answer.status == 503 and seconds < LONG / 4
