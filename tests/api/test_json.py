"""Bodies: whatever comes in, the answer is 200, 400, 413 or 422, and what was refused is not stored."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.samples import detail, faults, new_user, token, user_body

UNREADABLE = "There was an error parsing the body"
QUICKLY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
WRITES = [
    ("POST", "/users/"),
    ("POST", "/labs/"),
    ("POST", "/progress/lab-attempt"),
    ("PUT", "/users/nope"),
    ("PUT", "/progress/lab-attempt/7"),
]
MEMBERS = [
    "username",
    "full_name",
    "email",
    "id",
    "name",
    "description",
    "lab_type",
    "difficulty",
    "user_id",
    "completion_status",
    "time_spent",
    "errors_encountered",
]


@pytest.fixture
def unchanged(database):
    """Asserts that the test stores nothing under `marker`."""

    def count():
        database.execute(
            "SELECT (SELECT count(*) FROM users WHERE username LIKE '%%refused%%')"
            " + (SELECT count(*) FROM labs WHERE name LIKE '%%refused%%')"
            " + (SELECT count(*) FROM lab_attempts WHERE user_id LIKE '%%refused%%')"
        )
        return database.fetchone()

    before = count()
    yield
    assert count() == before


def post(api, content: bytes, path: str = "/users/"):
    return api.post(path, content=content, headers={"Content-Type": "application/json"})


@QUICKLY
@given(content=st.binary(max_size=200), write=st.sampled_from(WRITES))
def test_arbitrary_bytes_are_bad_input(api, content, write):
    method, path = write
    answer = api.request(method, path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/json" and detail(answer)


@QUICKLY
@given(value=VALUES, write=st.sampled_from(WRITES))
def test_arbitrary_json_is_bad_input(api, value, write):
    method, path = write
    content = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert api.request(method, path, content=content).status_code in (400, 422)


@QUICKLY
@given(
    body=st.dictionaries(st.sampled_from(MEMBERS), VALUES | st.just("a@example.com"), max_size=12),
    write=st.sampled_from(WRITES),
)
def test_objects_of_arbitrary_members_are_never_a_server_error(api, body, write):
    method, path = write
    answer = api.request(method, path, content=json.dumps(body).encode())
    assert answer.status_code in (200, 400, 404, 422)
    assert answer.json() is not None


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_nan_and_infinity_are_invalid_json(api, unchanged, text):
    content = b'{"username":"refused","email":"refused@example.com","x":%b}' % text.encode()
    assert [kind for kind, _ in faults(post(api, content))] == ["json_invalid"]


@pytest.mark.parametrize(
    "escape", ["\\ud800", "\\udfff", "\\ud800\\ud800", "\\udc00\\ud800", "\\ud83dx", "\\u0000", "a\\u0000b"]
)
@pytest.mark.parametrize("place", ["value", "name", "deep"])
def test_characters_that_postgresql_cannot_store_are_invalid_json(api, unchanged, escape, place):
    bodies = {
        "value": '{"username":"refused%s","email":"refused@example.com"}',
        "name": '{"username":"refused","email":"refused@example.com","%s":1}',
        "deep": '{"username":"refused","email":"refused@example.com","x":[{"y":["%s"]}]}',
    }
    ((kind, place),) = faults(post(api, (bodies[place] % escape).encode()))
    assert kind == "json_invalid" and place[0] == "body" and isinstance(place[1], int)


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff",
        b"\xc3",
        b"\xc3\x28",
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\x80",
        b"\xf0\x9f\x98",
    ],
)
def test_a_body_that_is_not_utf_8_cannot_be_parsed(api, unchanged, raw):
    for content in (
        b'{"username":"refused' + raw + b'","email":"refused@example.com"}',
        raw,
        b'{"' + raw + b'":1}',
        b"{}" + raw,
    ):
        answer = post(api, content)
        assert (answer.status_code, detail(answer)) == (400, UNREADABLE)


def nested(depth: int, brackets: str = "[]") -> str:
    """A value of so many lists, or objects, inside one another."""
    opening, closing = ("[", "]") if brackets == "[]" else ('{"a":', "}")
    return opening * (depth - 1) + brackets + closing * (depth - 1)


@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_a_body_may_nest_64_deep_and_no_deeper(api, brackets):
    name = token()
    content = '{"username":"%s","email":"%s@example.com","x":%s}'
    assert post(api, (content % (name, name, nested(63, brackets))).encode()).status_code == 200
    for depth in (64, 65, 1000, 100_000):
        answer = post(api, (content % ("refused", "refused", nested(depth, brackets))).encode())
        assert (answer.status_code, detail(answer)) == (400, UNREADABLE)


def test_brackets_that_are_never_closed_are_bad_input(api):
    for content in (b"[" * 1_000_000, b'{"a":' * 200_000, b"[{" * 400_000):
        assert post(api, content).status_code in (400, 422)


def test_brackets_in_a_text_do_not_nest(api):
    assert new_user(api, full_name="[{" * 1000)["full_name"] == "[{" * 1000


def test_100_000_unknown_members_are_ignored(api):
    body = {**{f"m{n}": n for n in range(70_000)}, **user_body()}
    assert post(api, json.dumps(body, separators=(",", ":")).encode()).status_code == 200
    repeated = b'{"a":1' + b',"a":1' * 100_000 + b"}"
    assert [kind for kind, _ in faults(post(api, repeated))] == ["missing", "missing"]


def test_a_number_beyond_every_double_is_bad_input(api, unchanged):
    for number in ("1e999", "-1e999", "1" * 400, "1" * 5000):
        for member in ("time_spent", "x"):
            content = '{"username":"refused","email":"refused@","%s":%s}' % (member, number)
            assert post(api, content.encode()).status_code in (400, 422)
            attempt = {
                "user_id": "refused",
                "lab_type": "refused",
                "completion_status": True,
                "errors_encountered": [],
            }
            content = json.dumps(attempt)[:-1] + ',"time_spent":%s}' % number
            assert post(api, content.encode(), "/progress/lab-attempt").status_code in (400, 422)


def test_the_last_of_equal_names_wins(api):
    name = token()
    content = (
        '{"username":1,"email":"x","username":"%s","email":"%s@example.com","full_name":"a","full_name":null}'
        % (name, name)
    )
    made = post(api, content.encode()).json()
    assert (made["username"], made["full_name"]) == (name, None)


def test_names_that_differ_in_case_are_different(api):
    body = user_body()
    assert post(api, json.dumps({**body, "USERNAME": 1, "Email": 2}).encode()).status_code == 200
    assert faults(post(api, json.dumps({"Username": "x", "email": "a@example.com"}).encode())) == [
        ("missing", ("body", "username"))
    ]


def test_a_byte_order_mark_is_skipped(api):
    assert post(api, b"\xef\xbb\xbf" + json.dumps(user_body()).encode()).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/octet-stream", "multipart/form-data; boundary=x", "application/xml"],
)
def test_bytes_of_another_type_are_bad_input(api, content_type):
    for content in (b"\xff\xfe", b"\x00", json.dumps(user_body()).encode(), b"x" * 100_000):
        answer = api.post("/users/", content=content, headers={"Content-Type": content_type})
        assert [place for _, place in faults(answer)] == [("body",)]


def test_no_answer_quotes_sql_or_a_library(api):
    for value in ("'; DROP TABLE users; --", "\\", "$1", "%s", "{}", "\u202e", "x" * 300):
        for body in (user_body(username=value), user_body(full_name=value, id=value)):
            text = post(api, json.dumps(body).encode()).text.replace(json.dumps(value)[1:-1], "")
            assert not any(
                word in text.lower()
                for word in ("sql", "select", "insert into", "libpq", "constraint", "relation")
            )
    assert api.get("/users/?limit=1").status_code == 200
