"""Connections as RFC 9112 has them: persistence, pipelining, bodies with a length and in chunks."""

import json

from harness.samples import user_body
from harness.wire import Wire

MIB = 1 << 20


def json_body() -> bytes:
    return json.dumps(user_body()).encode()


def test_a_connection_is_kept_alive(user_progress):
    with Wire(user_progress) as wire:
        for _ in range(3):
            wire.request("GET", "/users/nope")
            assert wire.answer().status == 404


def test_pipelined_requests_are_answered_in_order(user_progress):
    body = json_body()
    with Wire(user_progress) as wire:
        requests = [
            b"GET /users/nope HTTP/1.1\r\nHost: h\r\n\r\n",
            b"POST /users/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body),
            b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
            b"PATCH / HTTP/1.1\r\nHost: h\r\n\r\n",
        ]
        wire.send(b"".join(requests))
        assert [wire.answer(method).status for method in ("GET", "POST", "HEAD", "PATCH")] == [
            404,
            200,
            200,
            405,
        ]


def test_connection_close_is_obeyed(user_progress):
    with Wire(user_progress) as wire:
        wire.request("GET", "/", "Connection: close")
        answer = wire.answer()
        assert answer.status == 200 and answer.headers["connection"].lower() == "close"
        assert wire.closed()


def test_http_1_0_is_answered_and_closed(user_progress):
    with Wire(user_progress) as wire:
        wire.send(b"GET / HTTP/1.0\r\n\r\n")
        answer = wire.answer()
        assert answer.status == 200 and "transfer-encoding" not in answer.headers
        assert wire.closed()


def test_a_chunked_body_is_read(user_progress):
    body = json_body()
    chunks = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(part), part) for part in (body[:1], body[1:30], body[30:]))
    with Wire(user_progress) as wire:
        wire.request(
            "POST", "/users/", "Transfer-Encoding: chunked", body=chunks + b"0\r\nX-Trailer: 1\r\n\r\n"
        )
        assert wire.answer().status == 200
        wire.request("GET", "/")
        assert wire.answer().status == 200


def test_a_body_sent_byte_by_byte_is_read(user_progress):
    body = json_body()
    with Wire(user_progress) as wire:
        wire.request("POST", "/users/", f"Content-Length: {len(body)}")
        for n in range(len(body)):
            wire.send(body[n : n + 1])
        assert wire.answer().status == 200


def test_a_client_that_expects_100_is_told_to_continue(user_progress):
    body = json_body()
    with Wire(user_progress) as wire:
        wire.request("POST", "/users/", f"Content-Length: {len(body)}", "Expect: 100-continue")
        assert wire.answer().status == 100
        wire.send(body)
        assert wire.answer().status == 200


def test_a_client_that_expects_100_for_too_much_is_refused_at_once(user_progress):
    with Wire(user_progress) as wire:
        wire.request("POST", "/users/", f"Content-Length: {2 * MIB}", "Expect: 100-continue")
        assert wire.answer().status == 413


def test_a_body_of_a_get_is_passed_over(user_progress):
    with Wire(user_progress) as wire:
        wire.request("GET", "/", "Content-Length: 5", body=b"hello")
        assert wire.answer().status == 200
        wire.request("GET", "/users/nope")
        assert wire.answer().status == 404


def test_a_refused_body_is_not_taken_for_the_next_request(user_progress):
    """An answer that is known before the body (405, 404, a redirect) leaves the framing whole."""
    body = b"GET /users/smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
    for method, path, status in (("PATCH", "/", 405), ("POST", "/nope", 404), ("POST", "/users", 307)):
        with Wire(user_progress) as wire:
            wire.request(method, path, f"Content-Length: {len(body)}", body=body)
            assert wire.answer().status == status
            wire.request("PUT", "/")
            following = wire.answer()
            assert following is None or following.status == 405


def test_clients_that_leave_early_harm_nobody(user_progress, api):
    for length in (1, 20, 60, 120):
        wire = Wire(user_progress)
        wire.send(b"POST /users/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n{"[:length])
        wire.close()
    for _ in range(20):
        wire = Wire(user_progress)
        wire.request("GET", "/users/")
        wire.close()
    assert api.get("/").status_code == 200
