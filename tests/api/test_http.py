"""HTTP as the contract and RFC 9110 and 9112 have it: routes, methods, headers, limits, framing."""

import json
import random
import re
import uuid

import pytest

from harness import exchange
from harness.samples import new_user, token, user_body
from harness.wire import Wire

KIB = 1024
MIB = 1024 * KIB
CHUNK = b"10000\r\n" + b" " * (64 * KIB) + b"\r\n"


def json_body() -> bytes:
    return json.dumps(user_body()).encode()


class TestRouting:
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"])
    @pytest.mark.parametrize(
        ("path", "location"),
        [
            ("/users", "/users/"),
            ("/labs?skip=1&limit=2", "/labs/?skip=1&limit=2"),
            ("/users/x/", "/users/x"),
            ("/labs/type/%C3%A9/?a=%20", "/labs/type/%C3%A9?a=%20"),
            ("/progress/lab-attempt/7/", "/progress/lab-attempt/7"),
        ],
    )
    def test_a_missing_or_extra_slash_is_redirected_relatively_with_the_method_kept(self, user_progress, method, path, location):
        answer = exchange.request(user_progress, method, path)
        assert (answer.status, answer.headers["location"], answer.body) == (307, location, b"")

    def test_a_redirect_never_names_another_host(self, user_progress):
        for path in ("//evil.example/users/x/", "/%2F%2Fevil.example/", "//evil.example", "/\\evil.example/"):
            answer = exchange.request(user_progress, "GET", path)
            location = answer.headers.get("location", "/")
            assert location.startswith("/") and not re.match(r"/[/\\]", location), (path, location)

    @pytest.mark.parametrize(
        ("path", "methods"),
        [
            ("/", {"GET", "HEAD"}),
            ("/users/", {"GET", "HEAD", "POST"}),
            ("/users/x", {"GET", "HEAD", "PUT", "DELETE"}),
            ("/labs/", {"GET", "HEAD", "POST"}),
            ("/labs/x", {"GET", "HEAD", "PUT", "DELETE"}),
            ("/labs/type/x", {"GET", "HEAD"}),
            ("/progress/x", {"GET", "HEAD"}),
            ("/progress/stats/x", {"GET", "HEAD"}),
            ("/progress/lab-attempt", {"GET", "HEAD", "POST"}),
            ("/progress/lab-attempt/7", {"PUT", "DELETE"}),
        ],
    )
    def test_a_wrong_method_is_told_every_method_of_the_path(self, user_progress, path, methods):
        for method in {"PATCH", "OPTIONS", "DELETE", "PUT", "BREW"} - methods:
            answer = exchange.request(user_progress, method, path)
            assert (answer.status, answer.text) == (405, '{"detail":"Method Not Allowed"}')
            assert set(answer.headers["allow"].split(", ")) - {"OPTIONS"} == methods

    @pytest.mark.parametrize("path", ["/", "/users/", "/users/nope", "/labs/type/x", "/users", "/nope", "/users/?skip=x", "/docs", "/livez"])
    def test_head_has_the_status_and_headers_of_get_and_no_body(self, user_progress, path):
        get, head = (exchange.request(user_progress, method, path) for method in ("GET", "HEAD"))
        assert (head.status, head.body) == (get.status, b"")
        for name in ("content-type", "content-length", "location"):
            assert head.headers.get(name) == get.headers.get(name)

    @pytest.mark.parametrize(
        "path",
        ["/users/%00", "/users/a%00b", "/labs/type/%00", "/users/%ff", "/users/%C3%28", "/users/%ED%A0%80", "/users/..%2f..%2fetc%2fpasswd",
         "/users/%2e%2e%2f", "/users/%", "/users/%4", "/users/%zz", "/progress/%00", "/progress/lab-attempt/%00", "/%00", "/%ff", "/..%2f",
         "/users/" + "x" * 7000, "/users/?skip=%00", "/users/?skip=%ff", "/users/?%00=1", "/users/?skip=%zz", "/../users/", "/users/\u00e9"],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_a_strange_path_is_a_client_error_in_json(self, user_progress, method, path):
        with Wire(user_progress) as wire:
            wire.request(method, path)
            answer = wire.answer()
        assert answer.status in (200, 400, 404, 405, 422) and (answer.status != 200 or "?" in path)
        assert answer.headers["content-type"] == "application/json" and answer.json()

    def test_an_encoded_slash_is_part_of_the_id(self, api):
        user = new_user(api, id=f"{token()}/b")
        target = f"/users/{user['id'].replace('/', '%2F')}"
        assert api.get(target).json() == user
        assert api.delete(target).status_code == 200


class TestHeaders:
    def test_a_sent_request_id_comes_back(self, api):
        assert api.get("/", headers={"X-Request-ID": "from-the-client_1.2"}).headers["x-request-id"] == "from-the-client_1.2"

    @pytest.mark.parametrize("sent", [None, "", "x" * 4000, "a b\tc", "\x7f", "é"])
    def test_without_a_usable_request_id_one_is_made(self, api, sent):
        headers = {} if sent is None else {"X-Request-ID": sent.encode("latin-1")}
        made = api.get("/", headers=headers).headers["x-request-id"]
        assert made and re.fullmatch(r"[!-~]{1,255}", made)

    def test_every_made_request_id_is_another(self, api):
        assert len({api.get("/users/nope").headers["x-request-id"] for _ in range(50)}) == 50

    @pytest.mark.parametrize("path", ["/", "/users/nope", "/users/?skip=x"])
    def test_the_origin_of_a_cross_origin_request_is_echoed(self, api, path):
        headers = api.get(path, headers={"Origin": "http://ui.example"}).headers
        assert headers["access-control-allow-origin"] == "http://ui.example"
        assert headers["access-control-allow-credentials"] == "true"
        assert "Origin" in headers["vary"]

    def test_without_an_origin_there_are_no_cross_origin_headers(self, api):
        assert "access-control-allow-origin" not in api.get("/").headers

    def test_a_preflight_is_allowed(self, api):
        asked = {"Origin": "http://ui.example", "Access-Control-Request-Method": "PUT",
                 "Access-Control-Request-Headers": "content-type, x-request-id"}  # fmt: skip
        answer = api.options("/users/x", headers=asked)
        assert (answer.status_code, answer.text) == (200, "OK")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["access-control-allow-origin"] == "http://ui.example"
        assert answer.headers["access-control-allow-methods"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
        assert answer.headers["access-control-allow-headers"] == "content-type, x-request-id"
        assert answer.headers["access-control-max-age"] == "600"

    def test_only_the_origins_of_the_setting_are_allowed(self, fresh):
        with fresh(CORS_ORIGINS="http://a.example,http://b.example").client() as client:
            allowed = client.get("/", headers={"Origin": "http://b.example"}).headers
            refused = client.get("/", headers={"Origin": "http://c.example"}).headers
        assert allowed["access-control-allow-origin"] == "http://b.example"
        assert "access-control-allow-origin" not in refused
        assert "Origin" in refused["vary"]


class TestLimits:
    def test_a_body_over_the_limit_is_413_before_it_is_sent(self, user_progress):
        with Wire(user_progress) as wire:
            wire.request("POST", "/users/", "Content-Type: application/json", f"Content-Length: {MIB + 1}")
            answer = wire.answer()
        assert answer.status == 413 and "detail" in answer.json()

    def test_a_body_of_the_limit_is_read(self, api):
        body = json_body().ljust(MIB)
        assert api.post("/users/", content=body).status_code == 200

    def test_a_chunked_body_over_the_limit_is_413(self, user_progress):
        with Wire(user_progress) as wire:
            wire.request("POST", "/users/", "Content-Type: application/json", "Transfer-Encoding: chunked")
            for _ in range(20):
                wire.send(CHUNK)
            wire.send(b"0\r\n\r\n")
            assert wire.answer().status == 413
            assert wire.closed()

    def test_an_endless_chunked_body_ends_with_the_connection(self, fresh):
        with Wire(fresh(BODY_TIMEOUT_MS="500").url) as wire:
            wire.request("POST", "/users/", "Content-Type: application/json", "Transfer-Encoding: chunked")
            while wire.send(CHUNK):
                pass
            answer = wire.answer()
            assert answer is None or answer.status == 413

    def test_a_target_over_the_limit_is_414(self, user_progress):
        for size, status in ((8000, 404), (8 * KIB + 1, 414), (20_000, 414)):
            with Wire(user_progress) as wire:
                wire.request("GET", "/users/" + "x" * (size - len("/users/")))
                answer = wire.answer()
            assert answer.status == status and "detail" in answer.json()

    def test_a_header_block_over_the_limit_is_431(self, user_progress):
        for count, status in ((28, 200), (33, 431), (60, 431)):
            with Wire(user_progress) as wire:
                wire.request("GET", "/", *(f"X-{n}: {'x' * KIB}" for n in range(count)))
                answer = wire.answer()
            assert answer.status == status

    def test_many_small_headers_over_the_limit_are_431(self, user_progress):
        with Wire(user_progress) as wire:
            wire.request("GET", "/", *(f"X-{n}: y" for n in range(10_000)))
            assert wire.answer().status == 431

    def test_an_endless_header_line_is_cut_off(self, user_progress):
        with Wire(user_progress) as wire:
            wire.send(f"GET / HTTP/1.1\r\nHost: {wire.host}\r\nX: ".encode())
            for _ in range(64):
                wire.send(b"x" * (16 * KIB))
            answer = wire.answer()
            assert answer is None or answer.status in (400, 431)
            assert answer is None or wire.closed()


class TestConnections:
    def test_a_connection_is_kept_alive(self, user_progress):
        with Wire(user_progress) as wire:
            for _ in range(3):
                wire.request("GET", "/users/nope")
                assert wire.answer().status == 404

    def test_pipelined_requests_are_answered_in_order(self, user_progress):
        body = json_body()
        with Wire(user_progress) as wire:
            requests = [
                b"GET /users/nope HTTP/1.1\r\nHost: h\r\n\r\n",
                b"POST /users/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body),
                b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
                b"PATCH / HTTP/1.1\r\nHost: h\r\n\r\n",
            ]
            wire.send(b"".join(requests))
            assert [wire.answer(method).status for method in ("GET", "POST", "HEAD", "PATCH")] == [404, 200, 200, 405]

    def test_connection_close_is_obeyed(self, user_progress):
        with Wire(user_progress) as wire:
            wire.request("GET", "/", "Connection: close")
            answer = wire.answer()
            assert answer.status == 200 and answer.headers["connection"].lower() == "close"
            assert wire.closed()

    def test_http_1_0_is_answered_and_closed(self, user_progress):
        with Wire(user_progress) as wire:
            wire.send(b"GET / HTTP/1.0\r\n\r\n")
            answer = wire.answer()
            assert answer.status == 200 and "transfer-encoding" not in answer.headers
            assert wire.closed()

    def test_a_chunked_body_is_read(self, user_progress):
        body = json_body()
        chunks = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(part), part) for part in (body[:1], body[1:30], body[30:]))
        with Wire(user_progress) as wire:
            wire.request("POST", "/users/", "Transfer-Encoding: chunked", body=chunks + b"0\r\nX-Trailer: 1\r\n\r\n")
            assert wire.answer().status == 200
            wire.request("GET", "/")
            assert wire.answer().status == 200

    def test_a_body_sent_byte_by_byte_is_read(self, user_progress):
        body = json_body()
        with Wire(user_progress) as wire:
            wire.request("POST", "/users/", f"Content-Length: {len(body)}")
            for n in range(len(body)):
                wire.send(body[n : n + 1])
            assert wire.answer().status == 200

    def test_a_client_that_expects_100_is_told_to_continue(self, user_progress):
        body = json_body()
        with Wire(user_progress) as wire:
            wire.request("POST", "/users/", f"Content-Length: {len(body)}", "Expect: 100-continue")
            assert wire.answer().status == 100
            wire.send(body)
            assert wire.answer().status == 200

    def test_a_client_that_expects_100_for_too_much_is_refused_at_once(self, user_progress):
        with Wire(user_progress) as wire:
            wire.request("POST", "/users/", f"Content-Length: {2 * MIB}", "Expect: 100-continue")
            assert wire.answer().status == 413

    def test_a_body_of_a_get_is_passed_over(self, user_progress):
        with Wire(user_progress) as wire:
            wire.request("GET", "/", "Content-Length: 5", body=b"hello")
            assert wire.answer().status == 200
            wire.request("GET", "/users/nope")
            assert wire.answer().status == 404

    def test_a_refused_body_is_not_taken_for_the_next_request(self, user_progress):
        """An answer that is known before the body (405, 404, a redirect) leaves the framing whole."""
        body = b"GET /users/smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
        for method, path, status in (("PATCH", "/", 405), ("POST", "/nope", 404), ("POST", "/users", 307)):
            with Wire(user_progress) as wire:
                wire.request(method, path, f"Content-Length: {len(body)}", body=body)
                assert wire.answer().status == status
                wire.request("PUT", "/")
                following = wire.answer()
                assert following is None or following.status == 405

    def test_clients_that_leave_early_harm_nobody(self, user_progress, api):
        for length in (1, 20, 60, 120):
            wire = Wire(user_progress)
            wire.send(b"POST /users/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n{" [:length])
            wire.close()
        for _ in range(20):
            wire = Wire(user_progress)
            wire.request("GET", "/users/")
            wire.close()
        assert api.get("/").status_code == 200


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


class TestAmbiguousRequests:
    """Refused with 400 and an end of the connection; what follows is never taken for a request."""

    @pytest.mark.parametrize("name", AMBIGUOUS)
    def test_ambiguous_framing_is_refused_and_the_rest_never_read(self, user_progress, name):
        with Wire(user_progress) as wire:
            wire.send(b"POST /users/ HTTP/1.1\r\n" + AMBIGUOUS[name] + b"\r\n\r\n0\r\n\r\n" + SECOND)
            answer = wire.answer()
            assert answer is not None and answer.status in (400, 413), answer
            assert wire.closed()

    @pytest.mark.parametrize(
        "chunks",
        [b"zz\r\n", b"-1\r\n", b"+1\r\nx\r\n0\r\n\r\n", b"0x1\r\nx\r\n0\r\n\r\n", b"1\r\nxx\r\n0\r\n\r\n", b"ffffffffffffffff1\r\n", b"\r\n", b" 1\r\nx\r\n0\r\n\r\n"],
    )
    def test_broken_chunks_are_refused_and_the_rest_never_read(self, user_progress, chunks):
        with Wire(user_progress) as wire:
            wire.request("POST", "/users/", "Transfer-Encoding: chunked", body=chunks + SECOND)
            answer = wire.answer()
            assert answer is None or answer.status in (400, 413), answer
            assert wire.closed()

    @pytest.mark.parametrize(
        "line",
        [b"GET / HTTP/1.1 x", b"GET /", b"GET / HTTP/9.9", b"GET / http/1.1", b"GET / HTTP/1.1\x00", b" GET / HTTP/1.1", b"/", b"\x16\x03\x01\x02\x00\x01", b"PRI * HTTP/2.0"],
    )
    def test_a_broken_request_line_is_refused_and_the_rest_never_read(self, user_progress, line):
        with Wire(user_progress) as wire:
            wire.send(line + b"\r\nHost: h\r\n\r\n" + SECOND)
            wire.socket.shutdown(1)
            answer = wire.answer()
            assert answer is None or answer.status in (400, 404, 405, 501, 505), answer
            assert answer is None or wire.closed()

    def test_random_bytes_end_in_a_refusal_or_an_end(self, user_progress, api):
        chance = random.Random(1)
        for _ in range(60):
            with Wire(user_progress) as wire:
                wire.send(chance.randbytes(chance.randrange(1, 400)) + b"\r\n\r\n")
                wire.socket.shutdown(1)
                answer = wire.answer()
                assert answer is None or 400 <= answer.status < 506 and answer.status != 500
        assert api.get("/").status_code == 200


class TestSlowClients:
    """The watchdogs run from the first byte, not from the last one."""

    @pytest.fixture
    def impatient(self, fresh):
        return fresh(HEADER_TIMEOUT_MS="400", BODY_TIMEOUT_MS="600", KEEPALIVE_TIMEOUT_MS="1000").url

    def drip(self, wire: Wire, data: bytes) -> bool:
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

    def test_a_header_that_drips_is_cut_off(self, impatient):
        with Wire(impatient) as wire:
            assert self.drip(wire, b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 200)

    def test_a_body_that_drips_is_cut_off(self, impatient):
        with Wire(impatient) as wire:
            wire.request("POST", "/users/", "Content-Length: 100000")
            assert self.drip(wire, b" " * 1000)

    def test_a_silent_connection_is_closed(self, impatient):
        with Wire(impatient) as wire:
            assert wire.closed()

    def test_a_kept_connection_is_closed_when_it_is_idle(self, impatient):
        with Wire(impatient) as wire:
            wire.request("GET", "/")
            assert wire.answer().status == 200
            assert wire.closed()

    def test_others_are_served_meanwhile(self, impatient):
        slow = [Wire(impatient) for _ in range(100)]
        for wire in slow:
            wire.send(b"GET / HTTP/1.1\r\nHo")
        assert exchange.request(impatient, "GET", "/users/nope").status == 404
        for wire in slow:
            assert wire.answer() is None or wire.closed()
            wire.close()


def test_an_id_of_ten_kilobytes_is_no_server_error(user_progress):
    assert exchange.request(user_progress, "GET", "/users/" + "x" * 10_000).status == 414


def test_the_made_ids_of_users_are_uuids_of_version_4(api):
    ids = {new_user(api)["id"] for _ in range(50)}
    assert len(ids) == 50 and all(uuid.UUID(i).version == 4 for i in ids)
