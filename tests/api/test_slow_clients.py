"""Slow clients: the watchdogs run from the first byte, not from the last one."""

import pytest

from harness import exchange
from harness.wire import Wire


@pytest.fixture
def impatient(fresh):
    return fresh(HEADER_TIMEOUT_MS="400", BODY_TIMEOUT_MS="600", KEEPALIVE_TIMEOUT_MS="1000").url


def drip(wire: Wire, data: bytes) -> bool:
    """Sends a byte each 20 ms as long as the other side listens; true when it hung up or answered."""
    wire.socket.settimeout(0.02)
    for n in range(len(data)):
        wire.send(data[n : n + 1])
        try:
            return wire.socket.recv(1 << 16) is not None
        except TimeoutError:
            continue
        except ConnectionResetError:
            return True
    return False


def test_a_header_that_drips_is_cut_off(impatient):
    with Wire(impatient) as wire:
        assert drip(wire, b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 200)


def test_a_body_that_drips_is_cut_off(impatient):
    with Wire(impatient) as wire:
        wire.request("POST", "/users/", "Content-Length: 100000")
        assert drip(wire, b" " * 1000)


def test_a_silent_connection_is_closed(impatient):
    with Wire(impatient) as wire:
        assert wire.closed()


def test_a_kept_connection_is_closed_when_it_is_idle(impatient):
    with Wire(impatient) as wire:
        wire.request("GET", "/")
        assert wire.answer().status == 200
        assert wire.closed()


def test_other_clients_are_served_meanwhile(impatient):
    slow = [Wire(impatient) for _ in range(100)]
    for wire in slow:
        wire.send(b"GET / HTTP/1.1\r\nHo")
    assert exchange.request(impatient, "GET", "/users/nope").status == 404
    for wire in slow:
        assert wire.answer() is None or wire.closed()
        wire.close()
