"""Every recorded exchange with the original services gets the answer that the contract defines."""

import json
from pathlib import Path

import pytest

from harness import exchange
from harness.daemon import SERVICES, elsewhere

EXCHANGES = exchange.read_lines(Path(__file__).with_name("exchanges.jsonl"))
VALUES = {
    "user_id": "recorded-user",
    "username": "recorded-user",
    "user_without_records": "recorded-newcomer",
    "username_2": "recorded-newcomer",
    "lab_type": "recorded-type",
    "lab_name": "Recorded lab",
}


def faults(*expected):
    """Answers 422 with faults of these types and places; a type of None is any."""

    def check(recorded, answer):
        assert answer.status == 422, answer.text
        got = [(f["type"], f["loc"]) for f in answer.json()["detail"]]
        assert [(t if t is not None else got[n][0], loc) for n, (t, loc) in enumerate(expected)] == got

    return check


def refuses(detail):
    def check(recorded, answer):
        assert (answer.status, answer.text) == (400, json.dumps({"detail": detail}, separators=(",", ":")))

    return check


def lists_every_method(*methods):
    def check(recorded, answer):
        assert answer.status == 405 and answer.json() == {"detail": "Method Not Allowed"}
        assert set(answer.headers["allow"].split(", ")) >= set(methods)

    return check


def as_recorded_but(change):
    """As recorded, but with some members as `change`, given the recorded answer's members, makes them."""

    def check(recorded, answer):
        expected = {**recorded, "response": change(recorded["response"])}
        assert exchange.answer_difference(expected, answer, VALUES) is None

    return check


def with_lab(response):
    return {**response, "lab_name": "{lab_name}", "lab_description": "d", "lab_difficulty": "beginner"}


def lab_report(_):
    return {
        "lab_type": "{lab_type}",
        "lab_name": "{lab_name}",
        "total_attempts": 2,
        "unique_users": 1,
        "success_rate": 1.0,
        "avg_completion_time": 295.0,
        "common_errors": ["b", "a"],
        "total_users": 1,
    }


def user_report(recorded):
    (report,) = recorded["performance_by_lab"].values()
    lab = {"lab_name": "{lab_name}", "lab_description": "d", "lab_difficulty": "beginner"}
    rest = {name: value for name, value in report.items() if name != "lab_type"}
    return {
        "user_id": "{user_id}",
        "username": "{username}",
        "performance_by_lab": {"{lab_type}": {**lab, **rest}},
    }


def usage_report(recorded, answer):
    """The recorded average follows another definition of sessions, and another clock."""
    got = answer.json()
    average = got["average_session_time_seconds"]
    assert 0 < average < 600
    expected = {**recorded, "response": {**recorded["response"], "average_session_time_seconds": average}}
    assert exchange.answer_difference(expected, answer, VALUES) is None


def head_of_a_list(recorded, answer):
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) > 2


def html_page(recorded, answer):
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "/openapi.json" in answer.text
    assert 'src="http' not in answer.text and 'href="http' not in answer.text


def origin_echoed(recorded, answer):
    headers = {
        **recorded["response_headers"],
        "access-control-allow-origin": "http://ui.example",
        "vary": "Origin",
    }
    assert exchange.answer_difference({**recorded, "response_headers": headers}, answer, VALUES) is None


OURS = {
    "the same 307; a Location without scheme and host is as good": as_recorded_but(lambda response: response),
    '422 greater_than_equal, loc ["query","limit"]': faults(("greater_than_equal", ["query", "limit"])),
    '422 int_parsing_size, loc ["query","skip"]': faults(("int_parsing_size", ["query", "skip"])),
    '400 {"detail":"User id already exists"}': refuses("User id already exists"),
    '400 {"detail":"Username already taken"}': refuses("Username already taken"),
    "405, and Allow lists every method of the path: GET, HEAD, PUT, DELETE": lists_every_method(
        "GET", "HEAD", "PUT", "DELETE"
    ),
    "200 with the headers of GET and no body": head_of_a_list,
    "405 without CORS request headers; Allow lists every method": lists_every_method("GET", "HEAD", "POST"),
    "the lab fields are filled in, as the document shows": as_recorded_but(with_lab),
    "422, field-level, loc as given: an integer outside 32 bits is bad input": faults(
        (None, ["body", "time_spent"])
    ),
    "the fields of the document (lab_name, total_attempts, unique_users) and total_users, "
    "the later name of unique_users": as_recorded_but(lab_report),
    "the fields of the document: username, lab_name, lab_description, lab_difficulty": as_recorded_but(
        user_report
    ),
    '{"user_id","username","performance_by_lab":{}}': as_recorded_but(
        lambda _: {"user_id": "{user_without_records}", "username": "{username_2}", "performance_by_lab": {}}
    ),
    "the Origin is echoed with Vary: Origin (browsers refuse * with credentials)": origin_echoed,
    "details is taken as event_data when event_data is absent: nothing sent is lost": as_recorded_but(
        lambda response: {**response, "event_data": {"session_id": "s"}}
    ),
    "200: the whole history": lambda recorded, answer: answer.status == 200 or pytest.fail(answer.text),
    "Swagger UI over /openapi.json, working with no internet": html_page,
}


def in_the_order_sent(recorded, answer):
    """The original does not order here, and the recorded order is arbitrary."""

    def key(attempt):
        return json.dumps({**attempt, "id": "{int}", "timestamp": "{timestamp}"}, sort_keys=True)

    expected = [
        {**a, **{n: exchange.fill(v, VALUES) for n, v in a.items() if isinstance(v, str)}}
        for a in recorded["response"]
    ]
    for attempt in expected:
        attempt["timestamp"] = "{timestamp}"
    got = answer.json()
    assert sorted(map(key, got)) == sorted(map(key, expected))
    assert [a["id"] for a in got] == sorted(a["id"] for a in got)


@pytest.fixture(scope="module")
def answers(services):
    """What the services answer to all exchanges, sent in their order; by position."""
    truth = services["user-progress"]

    def create(path, **members):
        made = exchange.request(
            truth, "POST", path, {"Content-Type": "application/json"}, json.dumps(members).encode()
        )
        assert made.status == 200, made.text

    create(
        "/users/",
        id=VALUES["user_id"],
        username=VALUES["username"],
        full_name="Ada L",
        email=f"{VALUES['username']}@example.com",
    )
    create(
        "/users/",
        id=VALUES["user_without_records"],
        username=VALUES["username_2"],
        email=f"{VALUES['username_2']}@example.com",
    )
    create(
        "/labs/", name=VALUES["lab_name"], description="d", lab_type=VALUES["lab_type"], difficulty="beginner"
    )
    got = {}
    for n, recorded in enumerate(EXCHANGES):
        if recorded["service"] in services:
            got[n] = exchange.send(services[recorded["service"]], recorded, VALUES)
    return got


TESTED = [
    n
    for n, recorded in enumerate(EXCHANGES)
    if recorded["service"] in SERVICES or elsewhere(recorded["service"])
]


@pytest.mark.parametrize("n", TESTED, ids=lambda n: f"{n}-{EXCHANGES[n]['method']}-{EXCHANGES[n]['path']}")
def test_exchange_gets_the_answer_of_the_contract(answers, n, request):
    recorded, answer = EXCHANGES[n], answers[n]
    if isinstance(recorded["response"], list) and recorded["path"] == "/progress/{user_id}":
        in_the_order_sent(recorded, answer)
    elif "average_session_time_seconds" in recorded["response"]:
        usage_report(recorded, answer)
    elif "ours" in recorded and not request.config.getoption("original"):
        OURS[recorded["ours"]](recorded, answer)
    elif recorded["response"] == "(an HTML page)":
        assert answer.status == 200 and answer.headers["content-type"] == "text/html; charset=utf-8"
    else:
        assert exchange.answer_difference(recorded, answer, VALUES) is None
