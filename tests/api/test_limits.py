"""Sizes: what a body, a target and a header block may have, and what is answered beyond."""

import json

from harness import exchange
from harness.samples import user_body
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


def test_an_id_of_ten_kilobytes_is_no_server_error(user_progress):
    assert exchange.request(user_progress, "GET", "/users/" + "x" * 10_000).status == 414
