"""Sizes: how large a body, a target and a header block may be, and what the answer is beyond that."""

import json
import re
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from harness import exchange
from harness.samples import user_body
from harness.wait import until
from harness.wire import Wire

KIB = 1024
MIB = 1024 * KIB
CHUNK = b"10000\r\n" + b" " * (64 * KIB) + b"\r\n"


def test_a_body_over_the_limit_is_413_before_it_is_sent(user_progress):
    with Wire(user_progress) as wire:
        wire.request("POST", "/users/", "Content-Type: application/json", f"Content-Length: {MIB + 1}")
        answer = wire.answer()
    assert answer.status == 413 and "detail" in answer.json()


def test_a_body_of_the_limit_is_read(api):
    body = json.dumps(user_body()).encode().ljust(MIB)
    assert api.post("/users/", content=body).status_code == 200


def test_a_chunked_body_over_the_limit_is_413(user_progress):
    with Wire(user_progress) as wire:
        wire.request("POST", "/users/", "Content-Type: application/json", "Transfer-Encoding: chunked")
        for _ in range(20):
            wire.send(CHUNK)
        wire.send(b"0\r\n\r\n")
        assert wire.answer().status == 413
        assert wire.closed()


def test_an_endless_chunked_body_ends_with_the_connection(fresh):
    with Wire(fresh(BODY_TIMEOUT_MS="500").url) as wire:
        wire.request("POST", "/users/", "Content-Type: application/json", "Transfer-Encoding: chunked")
        while wire.send(CHUNK):
            pass
        answer = wire.answer()
        assert answer is None or answer.status == 413


def test_a_target_over_the_limit_is_414(user_progress):
    for size, status in ((8000, 404), (8 * KIB + 1, 414), (20_000, 414)):
        with Wire(user_progress) as wire:
            wire.request("GET", "/users/" + "x" * (size - len("/users/")))
            answer = wire.answer()
        assert answer.status == status and "detail" in answer.json()


def test_a_header_block_over_the_limit_is_431(user_progress):
    for count, status in ((28, 200), (33, 431), (60, 431)):
        with Wire(user_progress) as wire:
            wire.request("GET", "/", *(f"X-{n}: {'x' * KIB}" for n in range(count)))
            answer = wire.answer()
        assert answer.status == status


def test_many_small_headers_over_the_limit_are_431(user_progress):
    with Wire(user_progress) as wire:
        wire.request("GET", "/", *(f"X-{n}: y" for n in range(10_000)))
        assert wire.answer().status == 431


def test_an_endless_header_line_is_cut_off(user_progress):
    with Wire(user_progress) as wire:
        wire.send(f"GET / HTTP/1.1\r\nHost: {wire.host}\r\nX: ".encode())
        for _ in range(64):
            wire.send(b"x" * (16 * KIB))
        answer = wire.answer()
        assert answer is None or answer.status in (400, 431)
        assert answer is None or wire.closed()


def test_an_id_of_ten_kilobytes_is_not_a_server_error(user_progress):
    assert exchange.request(user_progress, "GET", "/users/" + "x" * 10_000).status == 414


ORIGIN = "Origin: http://ui.example"
REFUSED = {
    413: ("POST", "/users/", f"Content-Length: {2 * MIB}"),
    414: ("GET", "/users/" + "x" * 9000, "X: y"),
    431: ("GET", "/", f"X: {'x' * 33 * KIB}"),
    400: ("GET", "/", "Authorization: a\r\nAuthorization: b"),
}


@pytest.mark.parametrize("status", REFUSED)
def test_a_refusal_has_the_headers_of_every_other_answer(services, status):
    method, target, header = REFUSED[status]
    for url in services.values():
        with Wire(url) as wire:
            wire.request(method, target, ORIGIN, "X-Request-ID: from-the-client", header)
            answer = wire.answer()
        assert answer.status == status and "detail" in answer.json()
        assert answer.headers["x-request-id"] == "from-the-client"
        assert answer.headers["access-control-allow-origin"] == "http://ui.example"
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
        assert answer.headers["vary"] == "Origin" and answer.headers["content-type"] == "application/json"


def test_the_refusal_of_a_chunked_body_has_them_too(user_progress):
    with Wire(user_progress) as wire:
        wire.request("POST", "/users/", ORIGIN, "X-Request-ID: r1", "Transfer-Encoding: chunked")
        wire.send(CHUNK * 20 + b"0\r\n\r\n")
        answer = wire.answer()
    assert (answer.status, answer.headers["x-request-id"]) == (413, "r1")
    assert answer.headers["access-control-allow-origin"] == "http://ui.example"


def test_refusals_are_logged_and_counted(fresh):
    daemon = fresh()
    for method, target, header in REFUSED.values():
        with Wire(daemon.url) as wire:
            wire.request(method, target, header)
            wire.answer()
    with daemon.client() as client:
        metrics = client.get("/metrics").text
        until(lambda: "http_requests_in_flight 0\n" in client.get("/metrics").text, "none to be in flight")
    for status in REFUSED:
        assert f'"status":{status}' in daemon.log_text()
        assert re.search(rf'http_requests_total{{route="unmatched",method="\w+",status="{status}"}} 1', metrics)


@pytest.mark.parametrize("size", [MIB + 1, 3 * MIB // 2, 8 * MIB])
def test_a_client_that_sends_all_before_it_reads_gets_the_413(services, size):
    """As http.client, curl with --data and most others do: no reset takes the answer away."""
    for url in services.values():
        host = urlsplit(url)
        connection = HTTPConnection(host.hostname, host.port, timeout=30)
        connection.request("POST", "/users/", b" " * size, {"Content-Type": "application/json"})
        assert connection.getresponse().status == 413
        connection.close()


def test_a_client_that_sends_a_body_with_a_refused_header_gets_the_400(user_progress):
    with Wire(user_progress) as wire:
        wire.request("POST", "/users/", "Origin: a", "Origin: b", f"Content-Length: {MIB}")
        assert wire.send(b" " * MIB)
        assert wire.answer().status == 400 and wire.closed()


def test_an_endless_body_is_not_read_for_ever(fresh):
    with Wire(fresh().url) as wire:
        wire.request("POST", "/users/", f"Content-Length: {1 << 40}")
        sent = 0
        while wire.send(b" " * MIB):
            sent += 1
            assert sent < 200


def test_a_chunked_body_of_many_times_the_limit_ends_with_the_connection(user_progress):
    with Wire(user_progress) as wire:
        wire.request("POST", "/users/", "Transfer-Encoding: chunked")
        sent = 0
        while wire.send(CHUNK * 16):
            sent += 1
            assert sent < 100
        assert wire.closed()


def test_a_query_of_only_separators_gets_its_answer(services):
    for url in services.values():
        for query in ("&" * 1000, "a=b&" * 1900, "=" * 4000, "?" * 4000):
            assert exchange.request(url, "GET", f"/users/?limit=0&{query}").json() == []


def test_header_and_target_at_their_limits_leave_room_for_an_answer(user_progress):
    """Up to the limits a request is answered, beyond them refused in our words as long as it fits our memory."""
    target = "/users/" + "x" * (8 * KIB - 7)
    for count in range(56, 84):
        headers = [f"X-{n}: {'x' * 500}" for n in range(count)]
        with Wire(user_progress) as wire:
            size = sum(len(line) + 2 for line in (f"Host: {wire.host}", ORIGIN, *headers))
            wire.request("GET", target, ORIGIN, *headers)
            answer = wire.answer()
        assert answer is not None and answer.status == (404 if size <= 32 * KIB else 431), size
        assert answer.headers["access-control-allow-origin"] == "http://ui.example"
