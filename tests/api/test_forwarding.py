"""Users and labs on the ports of the other two services: User Progress' own answers, passed on."""

import gzip
import json
import time
from urllib.parse import urljoin

import httpx
import pytest

from harness import exchange
from harness.daemon import BUSY_SECONDS, WITHOUT_TLS
from harness.fake import Fake, Line
from harness.metrics import samples
from harness.samples import created, detail, lab_body, new_lab, new_user, token, user_body
from harness.wait import until
from harness.wire import Wire

PASSED_ON = ("content-type", "content-length", "content-length", "allow", "link", "x-total-count", "etag")


@pytest.fixture(scope="module", params=["performance-reporting", "usage-analytics"])
def other(request, services) -> str:
    """The address of a service that forwards."""
    return services[request.param]


@pytest.fixture(scope="module")
def client(other):
    with httpx.Client(base_url=other, timeout=30, **WITHOUT_TLS) as client:
        yield client


def test_users_are_made_listed_shown_changed_and_deleted(client, api):
    user = created(client.post("/users/", json=user_body(full_name="Ada L")))
    assert api.get(f"/users/{user['id']}").json() == user == client.get(f"/users/{user['id']}").json()
    body = user_body()
    changed = created(client.put(f"/users/{user['id']}", json=body))
    assert (changed["username"], changed["full_name"]) == (body["username"], "Ada L")
    assert api.get(f"/users/{user['id']}").json() == changed
    everyone = client.get("/users/?limit=1000")
    assert everyone.text == api.get("/users/?limit=1000").text and changed in everyone.json()
    gone = client.delete(f"/users/{user['id']}")
    assert gone.json() == {"status": "success", "message": f"User {user['id']} deleted"}
    assert api.get(f"/users/{user['id']}").status_code == 404


def test_labs_are_made_listed_shown_changed_and_deleted(client, api):
    lab = created(client.post("/labs/", json=lab_body()))
    assert api.get(f"/labs/{lab['id']}").json() == lab == client.get(f"/labs/{lab['id']}").json()
    changed = created(client.put(f"/labs/{lab['id']}", json={**lab_body(), "lab_type": lab["lab_type"]}))
    assert client.get(f"/labs/type/{lab['lab_type']}").json() == [changed]
    assert changed in client.get("/labs/?limit=1000").json()
    assert client.delete(f"/labs/{lab['id']}").json()["message"] == f"Lab {lab['id']} deleted"
    assert api.get(f"/labs/{lab['id']}").status_code == 404


REQUESTS = [
    ("GET", "/users/nope", None),
    ("GET", "/labs/nope", None),
    ("GET", "/labs/type/nope", None),
    ("DELETE", "/users/nope", None),
    ("PUT", "/users/nope", b'{"username":"x","email":"x@example.com"}'),
    ("POST", "/users/", b"{}"),
    ("POST", "/users/", b""),
    ("POST", "/users/", b"{"),
    ("POST", "/users/", b"\xff"),
    ("POST", "/users/", b'{"username":1,"email":"x"}'),
    ("POST", "/labs/", b'{"name":"x"}'),
    ("PUT", "/labs/nope", b"[]"),
    ("GET", "/users/?limit=-1&skip=x", None),
    ("GET", "/users/?limit=1001", None),
    ("GET", "/users/?limit=2&skip=1&total=true", None),
    ("GET", "/labs/?limit=1", None),
    ("GET", "/users", None),
    ("POST", "/users", b"{}"),
    ("GET", "/labs?skip=1&limit=2", None),
    ("PUT", "/users/x/", b"{}"),
    ("GET", "/labs/type/%C3%A9/?a=%20", None),
    ("DELETE", "/labs/x/", None),
    ("PATCH", "/users/", None),
    ("DELETE", "/users/", None),
    ("POST", "/users/x", b"{}"),
    ("PATCH", "/labs/x", b"{}"),
    ("OPTIONS", "/labs/type/x", None),
    ("BREW", "/users/x", None),
    ("GET", "/users/x/y", None),
    ("GET", "/labs/type/x/y", None),
    ("GET", "/users/%2e%2e%2f", None),
    ("GET", "/users/..%2f..%2flookup", None),
    ("GET", "/users/%00", None),
    ("GET", "/users/%ff", None),
    ("GET", "/users/a%20b?c=%26", None),
    ("HEAD", "/users/", None),
    ("HEAD", "/users/nope", None),
    ("HEAD", "/users", None),
]


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS, ids=lambda value: str(value)[:40])
def test_every_request_gets_user_progress_own_answer(other, user_progress, method, path, body):
    headers = {"Content-Type": "application/json"} if body is not None else {}
    own, passed = (exchange.request(url, method, path, headers, body) for url in (user_progress, other))
    assert (passed.status, passed.body) == (own.status, own.body)
    for name in PASSED_ON:
        assert passed.headers.get(name) == own.headers.get(name), name
    leads_to = [urljoin(path, answer.headers.get("location", "")) for answer in (own, passed)]
    assert leads_to[0] == leads_to[1]


def test_a_body_without_a_content_type_is_read_as_json_and_another_type_is_refused(other):
    for headers, status in (({}, 200), ({"Content-Type": "text/plain"}, 422)):
        body = httpx.Request("POST", "http://x/", json=user_body()).content
        assert exchange.request(other, "POST", "/users/", headers, body).status == status


@pytest.mark.parametrize("name", ["Content-Type", "Idempotency-Key", "Authorization", "If-None-Match", "traceparent"])
def test_a_header_without_a_value_gets_user_progress_own_answer(other, user_progress, name):
    statuses = []
    for url in (user_progress, other):
        body = httpx.Request("POST", "http://x/", json=user_body()).content
        statuses.append(exchange.request(url, "POST", "/users/", {"Content-Type": "application/json", name: ""}, body).status)
    assert statuses == [422 if name in ("Content-Type", "Idempotency-Key") else 200] * 2


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/users", "users/"),
        ("/labs?skip=1&limit=2", "labs/?skip=1&limit=2"),
        ("/users/x/", "../x"),
        ("/labs/type/a%20b/", "../a%20b"),
    ],
)
def test_a_redirect_is_relative_to_the_requested_path(other, path, location):
    answer = exchange.request(other, "GET", path)
    assert (answer.status, answer.headers["location"]) == (307, location)


def test_a_conflict_is_answered_as_user_progress_answers_it(client, api):
    user, lab = new_user(api), new_lab(api)
    taken = client.post("/users/", json=user_body(email=user["email"]))
    assert (taken.status_code, detail(taken)) == (400, "Email already registered")
    named = client.post("/labs/", json=lab_body(name=lab["name"]))
    assert (named.status_code, detail(named)) == (400, "Lab name already exists")


def test_ids_of_any_characters_arrive_unchanged(client, api):
    for own, path in (
        ("ü/ %", "%C3%BC%2F%20%25"),
        ("a+b;c", "a%2Bb%3Bc"),
        ("日本?#", "%E6%97%A5%E6%9C%AC%3F%23"),
    ):
        name = f"{token()}{own}"
        user = new_user(api, id=name)
        assert client.get(f"/users/{name[:32]}{path}").json() == user
        assert client.delete(f"/users/{name[:32]}{path}").status_code == 200


def test_a_large_list_arrives_complete(client, api):
    lab_type = f"type-{token()}"
    for _ in range(40):
        created(client.post("/labs/", json=lab_body(lab_type=lab_type, description="d" * 50_000)))
    answer = client.get(f"/labs/type/{lab_type}")
    assert len(answer.content) > 2_000_000 and answer.text == api.get(f"/labs/type/{lab_type}").text


def test_origins_are_echoed_once(client):
    answer = client.get("/users/nope", headers={"Origin": "http://ui.example"})
    assert answer.headers.get_list("access-control-allow-origin") == ["http://ui.example"]
    preflight = client.options(
        "/users/", headers={"Origin": "http://ui.example", "Access-Control-Request-Method": "POST"}
    )
    assert preflight.status_code == 200


def test_a_create_that_is_sent_again_with_its_key_is_done_once(client):
    body, headers = user_body(), {"Idempotency-Key": token()}
    first, again = (client.post("/users/", json=body, headers=headers) for _ in range(2))
    assert (again.status_code, again.text) == (200, first.text)
    assert "idempotency-replayed" not in first.headers and again.headers["idempotency-replayed"] == "true"


def test_an_unchanged_user_is_not_sent_again(client, api):
    user = new_user(api)
    first = client.get(f"/users/{user['id']}")
    again = client.get(f"/users/{user['id']}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-length"] == first.headers["content-length"]
    assert client.get(f"/users/{user['id']}").text == first.text


def test_only_users_and_labs_are_forwarded(other):
    for method, path in (
        ("POST", "/lookup"),
        ("GET", "/progress/x"),
        ("GET", "/usersx"),
        ("GET", "/labsx/"),
        ("GET", "/Users/"),
        ("GET", "//users/"),
    ):
        answer = exchange.request(other, method, path, {"Content-Type": "application/json"}, b"{}")
        assert (answer.status, answer.text) == (404, '{"detail":"Not Found"}'), path


def test_bytes_that_a_url_cannot_have_count_as_percent_encoded(other, api):
    for own in ("auth0|5f7c", 'a"b<c>d', "e^f`g{h}", "\\i", "ü"):
        name = f"{token()}{own}"
        user = new_user(api, id=name)
        raw = name.encode().decode("latin-1")
        with Wire(other) as wire:
            wire.request("GET", f"/users/{raw}")
            assert json.loads(wire.answer().body) == user
            wire.request("DELETE", f"/users/{raw}")
            assert wire.answer().status == 200


@pytest.fixture(params=["performance-reporting", "usage-analytics"])
def beside_fake(request, beside):
    """beside_fake(behave, **settings): a service that forwards to a User Progress that behaves so."""

    def start(fake: Fake, **settings: str):
        return beside(request.param, fake.url, WORKERS="1", **settings)

    return start


def head_of(*lines: str, status: str = "200 OK"):
    return lambda line, asked: line.send(
        "\r\n".join([f"HTTP/1.1 {status}", *lines, "Content-Length: 2", "", "[]"]).encode("latin-1")
    )


def test_headers_that_are_not_valid_in_an_answer_are_left_out(beside_fake):
    unusable = ("Link: <a\x01b>", "ETag: ", "Allow: \x7f", "Retry-After:\x0b", "Location: /a\x1fb")
    with Fake(head_of("X-Total-Count: 7", *unusable, "Content-Type: application/json")) as fake:
        daemon = beside_fake(fake)
        for _ in range(3):
            answer = exchange.request(daemon.url, "GET", "/labs/type/x")
            assert (answer.status, answer.body) == (200, b"[]")
            assert answer.headers["x-total-count"] == "7"
            assert not {"link", "allow", "retry-after", "location"} & set(answer.headers)
        until(lambda: samples(daemon.url).of("http_requests_in_flight") == 0, "nothing to be in flight")


def test_headers_of_an_interim_answer_and_trailers_are_not_the_answer_s(beside_fake):
    """They are of another answer (RFC 9110, section 15.2), or came after the client's (section 6.5)."""
    interim = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\nRetry-After: 5\r\n\r\n"
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Total-Count: 7\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = "2\r\n[]\r\n0\r\nAllow: GET\r\n\r\n"
    with Fake(lambda line, asked: line.send((interim + head + body).encode())) as fake:
        answer = exchange.request(beside_fake(fake).url, "GET", "/labs/type/x")
        assert (answer.status, answer.body, answer.headers["x-total-count"]) == (200, b"[]", "7")
        assert not {"link", "retry-after", "allow"} & set(answer.headers)


@pytest.mark.parametrize("status", ["999 Odd", "600 Odd", "000 Odd", "42 Odd", "x Odd"])
def test_a_status_that_http_does_not_have_is_503(beside_fake, status):
    with Fake(head_of(status=status)) as fake:
        daemon = beside_fake(fake)
        answer = exchange.request(daemon.url, "GET", "/users/x")
        assert (answer.status, answer.json()) == (503, {"detail": "User Progress Service unavailable"})
        until(lambda: samples(daemon.url).of("http_requests_in_flight") == 0, "nothing to be in flight")


def test_an_absolute_location_is_made_relative(beside_fake):
    def behave(line: Line, asked) -> None:
        location = f"http://{asked.headers['host']}{asked.path.rstrip('/')}"
        line.send(f"HTTP/1.1 307 X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

    with Fake(behave) as fake:
        answer = exchange.request(beside_fake(fake).url, "GET", "/users/x/")
        assert (answer.status, answer.headers["location"]) == (307, "../x")


@pytest.mark.parametrize("length", [None, "57"])
def test_a_forwarded_304_has_the_length_that_it_came_with(beside_fake, length):
    """It is that of the 200 (RFC 9110, section 8.6); 0 would be wrong."""
    line = f"Content-Length: {length}\r\n" if length else ""
    head = f'HTTP/1.1 304 X\r\nETag: "1"\r\n{line}\r\n'.encode()
    with Fake(lambda to, asked: to.send(head)) as fake, Wire(beside_fake(fake).url) as wire:
        wire.request("GET", "/users/x", 'If-None-Match: "1"')
        answer = wire.answer()
        assert (answer.status, answer.headers.get("content-length")) == (304, length)
        assert "transfer-encoding" not in answer.headers
        wire.request("GET", "/users/x", 'If-None-Match: "1"', "Connection: close")
        assert wire.rest().count(b"\r\n\r\n") == (1 if length else 0)  # nothing follows a header


def test_a_forwarded_head_without_a_length_gets_none(beside_fake):
    head = b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Fake(lambda to, asked: to.send(head)) as fake, Wire(beside_fake(fake).url) as wire:
        wire.request("HEAD", "/users/")
        answer = wire.answer("HEAD")
        assert answer.status == 200 and not {"content-length", "transfer-encoding"} & set(answer.headers)
        assert answer.headers["connection"] == "close" and wire.closed()


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_header_alone_has_no_length_of_a_body_that_would_be_compressed(client, api, method):
    """It would have to be the length of the compressed one (RFC 9110, section 8.6)."""
    user = new_user(api, full_name="x" * 5000)
    path = f"/users/{user['id']}"
    for coding in ("identity", "gzip"):
        got = client.get(path, headers={"Accept-Encoding": coding})
        assert got.headers.get("content-encoding", "identity") == coding
        named = {"If-None-Match": got.headers["etag"]} if method == "GET" else {}
        bare = client.request(method, path, headers={"Accept-Encoding": coding, **named})
        assert (bare.status_code, bare.content) == (304 if named else 200, b"")
        assert bare.headers["vary"] == got.headers["vary"] == "Accept-Encoding"
        assert bare.headers.get("content-length") == (got.headers["content-length"] if coding == "identity" else None)


def test_a_forwarded_head_says_that_the_answer_varies_where_the_get_does(client, api):
    path = f"/users/{new_user(api)['id']}"
    assert "vary" not in client.get(path).headers and "vary" not in client.head(path).headers


@pytest.mark.parametrize(("coding", "status"), [("gzip", 200), ("x-unknown", 503)])
def test_a_coding_that_was_not_asked_for_is_decoded_or_the_answer_is_none(beside_fake, coding, status):
    """Without an Accept-Encoding any would be acceptable (RFC 9110, section 12.5.3)."""
    body = gzip.compress(b"[]")
    head = f"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    with Fake(lambda to, asked: to.send(head.encode() + body)) as fake:
        answer = exchange.request(beside_fake(fake).url, "GET", "/labs/")
        assert answer.status == status and "content-encoding" not in answer.headers
        assert status != 200 or answer.body == b"[]"
        assert {asked.headers.get("accept-encoding") for asked in fake.asked} == {"identity"}


def test_a_forwarded_request_does_not_outlive_its_own_deadline(beside_fake):
    with Fake(lambda line, asked: line.stay_silent()) as fake:
        daemon = beside_fake(fake, LOOKUP_TIMEOUT_MS="20000", REQUEST_TIMEOUT_MS="500")
        began = time.monotonic()
        assert exchange.request(daemon.url, "DELETE", "/users/x").status == 503
        assert time.monotonic() - began < 0.5 + BUSY_SECONDS


def test_a_target_with_a_fragment_deletes_no_user(other, api):
    user = new_user(api)
    answer = exchange.request(other, "DELETE", f"/users/{user['id']}#x")
    assert answer.status == 400 and api.get(f"/users/{user['id']}").status_code == 200


@pytest.mark.parametrize("segment", [".", "..", "%2e", "%2E%2e", ".%2e"])
def test_a_path_with_dots_never_leaves_the_users_and_labs(beside_fake, segment):
    with Fake(head_of()) as fake:
        daemon = beside_fake(fake)
        for path in (f"/users/{segment}/lookup", f"/users/x/{segment}", f"/labs/{segment}/{segment}/lookup"):
            for method in ("GET", "DELETE"):
                answer = exchange.request(daemon.url, method, path)
                assert (answer.status, answer.text) == (404, '{"detail":"Not Found"}')
        assert not fake.asked


def test_a_forwarded_head_has_the_length_of_the_get(client, api):
    user = new_user(api)
    got = client.get(f"/users/{user['id']}", headers={"Accept-Encoding": "identity"})
    head = client.head(f"/users/{user['id']}", headers={"Accept-Encoding": "identity"})
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.content))
