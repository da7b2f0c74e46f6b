"""What libmicrohttpd answers by itself, held to the table of docs/http.md."""

import re

import pytest

from harness.metrics import library_is_old
from harness.postgres import ROOT
from harness.wire import Wire

GET = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
POST = b"POST /users/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
REQUESTS = {
    "another major version": b"GET / HTTP/9.9\r\nHost: h\r\n\r\n",
    "words behind the version": b"GET / HTTP/1.1 x\r\nHost: h\r\n\r\n",
    "no version": b"GET /\r\nHost: h\r\n\r\n",
    "no request line at all": b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    "a NUL in the target": b"GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
    "a request line that ends in a line feed": b"GET / HTTP/1.1\nHost: h\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\nX: y\r\n\r\n",
    "a header line without a colon": GET + b"X\r\n\r\n",
    "a header without a name": GET + b": x\r\n\r\n",
    "a space before the colon": GET + b"X : x\r\n\r\n",
    "a folded line": GET + b"X: a\r\n b\r\n\r\n",
    "a line that ends in a line feed": GET + b"X: a\nY: b\r\n\r\n",
    "a carriage return in a value": GET + b"X: a\rb\r\n\r\n",
    "a NUL in a value": GET + b"X: a\x00b\r\n\r\n",
    "a header block beyond the memory": GET + (b"X: " + b"x" * 1000 + b"\r\n") * 80 + b"\r\n",
    "thousands of header lines": GET + b"X: y\r\n" * 5000 + b"\r\n",
    "a target beyond the memory": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
    "a length that is no number": POST + b"Content-Length: a\r\n\r\n",
    "a length beyond 64 bits": POST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a length and chunks": CHUNKED + b"Content-Length: 1\r\n\r\n",
    "another transfer coding": POST + b"Transfer-Encoding: gzip\r\n\r\n",
    "a chunk size that is no number": CHUNKED + b"\r\nzz\r\n",
    "a chunk size beyond 64 bits": CHUNKED + b"\r\nffffffffffffffff1\r\n",
    "a broken trailer": CHUNKED + b"\r\n2\r\n{}\r\n0\r\nX\r\n\r\n",
    "a chunk extension": CHUNKED + b"\r\n2;a=b\r\n{}\r\n0\r\n\r\n",
    "a line feed between chunks": CHUNKED + b"\r\n2\n{}\r\n0\r\n\r\n",
}
ROW = re.compile(r"^\| ([^|]+) \| (\d{3} (?:HTML|JSON)) \| (\d{3} (?:HTML|JSON)) \|$", re.M)
TABLE = {name: (old, new) for name, old, new in ROW.findall((ROOT / "docs" / "http.md").read_text())}


def test_the_table_and_the_test_have_the_same_requests():
    assert list(TABLE) == list(REQUESTS)


@pytest.mark.parametrize("name", REQUESTS)
def test_the_answer_is_that_of_the_table(user_progress, name):
    with Wire(user_progress) as wire:
        wire.send(REQUESTS[name])
        answer = wire.rest()
    kind = "HTML" if b"<html" in answer else "JSON"
    status = re.match(rb"HTTP/1\.[01] (\d{3})", answer)[1].decode()
    assert f"{status} {kind}" == TABLE[name][0 if library_is_old(user_progress) else 1]
    assert (b"X-Request-ID" in answer) == (kind == "JSON" and b"Invalid request line" not in answer)
    assert re.search(rb"\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n", answer)  # RFC 9110, section 6.6.1
