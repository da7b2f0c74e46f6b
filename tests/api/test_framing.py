"""Requests that two parties could read in two ways (RFC 9112, section 11.2): refused, and the connection ended.

What follows on the connection is never taken for a request.
"""

import random
import re

import pytest

from harness.wire import Wire

SECOND = b"GET /users/smuggled HTTP/1.1\r\nHost: h\r\n\r\n"

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
}


def statuses(data: bytes) -> list[int]:
    """Of every answer until the connection ended: libmicrohttpd 0.9 sends the head of its own 400 twice."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", data)]


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_ambiguous_framing_is_refused_and_the_rest_never_read(user_progress, name):
    with Wire(user_progress) as wire:
        wire.send(b"POST /users/ HTTP/1.1\r\n" + AMBIGUOUS[name] + b"\r\n\r\n0\r\n\r\n" + SECOND)
        answers = statuses(wire.rest())
        assert answers and set(answers) <= {400, 413}, answers


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
        wire.request("POST", "/users/", "Transfer-Encoding: chunked", body=chunks + SECOND)
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
        wire.send(line + b"\r\nHost: h\r\n\r\n" + SECOND)
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
