"""Requests that two parties could read in two ways (RFC 9112, section 11.2): refused, and the connection ended.

What follows on the connection is never taken for a request.
"""

import random
import re

import pytest

from harness.daemon import SERVICES
from harness.metrics import library_is_old
from harness.wire import Wire

SMUGGLED = b"GET /users/smuggled HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

WHOLE = b"2\r\n{}\r\n0\r\n\r\n"  # chunks as they should be

# Heads (after the request line) whose framing two parties could read in two ways, or that are no HTTP.
AMBIGUOUS = {
    "length and chunked": b"Host: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked",
    "chunked and length": b"Host: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4",
    "two lengths": b"Host: h\r\nContent-Length: 4\r\nContent-Length: 5",
    "lengths in a list": b"Host: h\r\nContent-Length: 4, 5",
    "blank before the colon": b"Host: h\r\nContent-Length : 4",
    "tab before the colon": b"Host: h\r\nContent-Length\t: 4",
    "blank before a coding's colon": b"Host: h\r\nTransfer-Encoding : chunked",
    "signed length": b"Host: h\r\nContent-Length: +4",
    "negative length": b"Host: h\r\nContent-Length: -4",
    "hexadecimal length": b"Host: h\r\nContent-Length: 0x4",
    "length with a fraction": b"Host: h\r\nContent-Length: 4.0",
    "empty length": b"Host: h\r\nContent-Length:",
    "blank inside the length": b"Host: h\r\nContent-Length: 4 4",
    "length beyond 64 bits": b"Host: h\r\nContent-Length: 18446744073709551620",
    "another coding before chunked": b"Host: h\r\nTransfer-Encoding: gzip, chunked",
    "chunked twice": b"Host: h\r\nTransfer-Encoding: chunked, chunked",
    "two codings": b"Host: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "identity": b"Host: h\r\nTransfer-Encoding: identity",
    "unknown coding": b"Host: h\r\nTransfer-Encoding: xchunked",
    "quoted coding": b'Host: h\r\nTransfer-Encoding: "chunked"',
    "control in the coding": b"Host: h\r\nTransfer-Encoding: \x0bchunked",
    "folded line": b"Host: h\r\nTransfer-Encoding:\r\n chunked",
    "two hosts": b"Host: h\r\nHost: evil.example",
    "no host": b"X: y",
    "blank in a name": b"Host: h\r\nX Y: z",
    "no colon": b"Host: h\r\nXYZ",
    "empty name": b"Host: h\r\n: x",
    "zero byte": b"Host: h\r\nX: a\x00b",
    "bare carriage return": b"Host: h\r\nX: a\rContent-Length: 4",
    "bare line feed": b"Host: h\r\nX: a\nTransfer-Encoding: chunked",
    "bare line feed before a length": b"Host: h\nContent-Length: 4",
    "folded other line": b"Host: h\r\nX: a\r\n b",
    "folded coding after a tab": b"Host: h\r\nTransfer-Encoding:\r\n\tchunked",
    "zero bytes at the end": b"Host: h\r\nX: a\x00\x00\x00\x00",
    "zero bytes after a length": b"Host: h\r\nContent-Length: 4\x00\x00\x00",
    "zero byte in a name": b"Host: h\r\nX\x00Y: a",
    "zero byte before a length": b"Host: h\r\nX: a\x00\r\nContent-Length: 4",
    "delete in a value": b"Host: h\r\nX: a\x7fb",
}


def statuses(data: bytes) -> list[int]:
    """Of every answer until the connection ended: libmicrohttpd 0.9 sends the head of its own 400 twice."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", data)]


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_ambiguous_framing_is_refused_and_the_rest_never_read(user_progress, name):
    with Wire(user_progress) as wire:
        wire.send(b"POST /users/ HTTP/1.1\r\n" + AMBIGUOUS[name] + b"\r\n\r\n0\r\n\r\n" + SMUGGLED)
        answers = statuses(wire.rest())
        assert answers and set(answers) <= {400, 413}, answers


@pytest.mark.parametrize(
    "line",
    [
        b"GE\rT / HTTP/1.1",
        b"G\x01T / HTTP/1.1",
        b"G(T / HTTP/1.1",
        b"G\x00T / HTTP/1.1",
        b"GET /users/nobody#x HTTP/1.1",
        b"DELETE /#/users/nobody HTTP/1.1",
        b"GET /users/a\x01b HTTP/1.1",
        b"GET /users/a\x7fb HTTP/1.1",
        b"GET /users/a\tb HTTP/1.1",
        b"GET /users/a b HTTP/1.1",
        b"GET  /users/a HTTP/1.1",
        b"GET /users/a  HTTP/1.1",
        b"GET /users/?a=b c HTTP/1.1",
        b"GET /users/?a=\x02 HTTP/1.1",
        b"GET /users/?a=b#c HTTP/1.1",
        b"GET /users/a\x00b HTTP/1.1",
        b"GET /users/\x00 HTTP/1.1",
        b"GET /users/?a=\x00b HTTP/1.1",
        b"GET /users/a\rb HTTP/1.1",
        b"GET /\x00 HTTP/1.1",
        b"GET http://h/users/a#b HTTP/1.1",
        b"GET users HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"CONNECT h:80 HTTP/1.1",
    ],
)
@pytest.mark.parametrize("service", SERVICES)
def test_an_invalid_method_or_target_is_refused_and_the_rest_never_read(services, service, line):
    with Wire(services[service]) as wire:
        wire.send(line + b"\r\nHost: h\r\n\r\n" + SMUGGLED)
        answers = statuses(wire.rest())
        assert answers and set(answers) == {400}, answers


@pytest.mark.parametrize(
    "chunks",
    [
        WHOLE,
        b"2\n{}\r\n0\r\n\r\n",
        b"2\r\n{}\n0\r\n\r\n",
        b"2\r\n{}\r\n0\n\r\n",
        b"2\r\n{}\r\n0\r\n\n",
        b"2\r\n{}\r\n0\r\nX: y\n\r\n",
    ],
)
def test_what_follows_a_chunked_body_is_never_a_request_where_a_line_feed_could_hide(user_progress, chunks):
    """0.9 accepts a lone line feed as the end of a line there, so nothing after such a body is read."""
    with Wire(user_progress) as wire:
        wire.request("POST", "/users/", "Transfer-Encoding: chunked", body=chunks + SMUGGLED)
        answers = statuses(wire.rest())
    if library_is_old(user_progress):
        assert len(answers) == 1 and answers[0] in (400, 422), answers
    else:
        assert answers == ([422, 404] if chunks == WHOLE else [400]), answers


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\n",
        b"-1\r\n",
        b"+1\r\nx\r\n0\r\n\r\n",
        b"0x1\r\nx\r\n0\r\n\r\n",
        b"1\r\nxx\r\n0\r\n\r\n",
        b"ffffffffffffffff1\r\n",
        b"\r\n",
        b" 1\r\nx\r\n0\r\n\r\n",
    ],
)
def test_broken_chunks_are_refused_and_the_rest_never_read(user_progress, chunks):
    with Wire(user_progress) as wire:
        wire.request("POST", "/users/", "Transfer-Encoding: chunked", body=chunks + SMUGGLED)
        answer = wire.answer()
        assert answer is None or answer.status in (400, 413), answer
        assert wire.closed()


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1 x",
        b"GET /",
        b"GET / HTTP/9.9",
        b"GET / http/1.1",
        b"GET / HTTP/1.1\x00",
        b" GET / HTTP/1.1",
        b"/",
        b"\x16\x03\x01\x02\x00\x01",
        b"PRI * HTTP/2.0",
    ],
)
def test_a_broken_request_line_is_refused_and_the_rest_never_read(user_progress, line):
    with Wire(user_progress) as wire:
        wire.send(line + b"\r\nHost: h\r\n\r\n" + SMUGGLED)
        wire.socket.shutdown(1)
        answer = wire.answer()
        assert answer is None or answer.status in (400, 404, 405, 501, 505), answer
        assert answer is None or wire.closed()


def test_random_bytes_end_in_a_refusal_or_an_end(user_progress, api):
    chance = random.Random(1)
    for _ in range(60):
        with Wire(user_progress) as wire:
            wire.send(chance.randbytes(chance.randrange(1, 400)) + b"\r\n\r\n")
            wire.socket.shutdown(1)
            answer = wire.answer()
            assert answer is None or 400 <= answer.status < 506 and answer.status != 500
    assert api.get("/").status_code == 200
