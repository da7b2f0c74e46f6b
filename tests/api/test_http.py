"""HTTP as the contract and RFC 9110 have it: routes, methods, headers."""

import gzip
import json
import re
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from harness import exchange
from harness.samples import new_user, token, user_body
from harness.wire import Wire

MIB = 1 << 20


class TestRouting:
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"])
    @pytest.mark.parametrize(
        ("path", "location"),
        [
            ("/users", "users/"),
            ("/labs?skip=1&limit=2", "labs/?skip=1&limit=2"),
            ("/labs?", "labs/?"),
            ("/users/x/", "../x"),
            ("/users/x//", "../../x"),
            ("/users/a:b/", "../a%3Ab"),
            ("/labs/type/%C3%A9/?a=%20:", "../%C3%A9?a=%20:"),
            ("/progress/lab-attempt/7/", "../7"),
        ],
    )
    def test_a_missing_or_extra_slash_is_redirected_relatively_with_the_method_kept(
        self, user_progress, method, path, location
    ):
        answer = exchange.request(user_progress, method, path)
        assert (answer.status, answer.headers["location"], answer.body) == (307, location, b"")
        for prefix in ("", "/some/prefix"):
            own, reference = urlsplit(path), urlsplit(location)
            steps, segment = re.fullmatch(r"((?:\.\./)*)([^/]+/?)", reference.path).groups()
            above = (prefix + own.path).split("/")[: -1 - len(steps) // 3]
            wanted = own.path.rstrip("/") if steps else f"{own.path}/"
            assert unquote("/".join([*above, segment])) == unquote(prefix + wanted)
            assert reference.query == own.query and not reference.netloc and not reference.scheme

    @pytest.mark.parametrize(("path", "location"), [("//", "../"), ("///", "../../"), ("//?a=b", "../?a=b")])
    def test_more_than_one_slash_alone_is_redirected_to_the_root(self, services, path, location):
        for url in services.values():
            answer = exchange.request(url, "GET", path)
            assert (answer.status, answer.headers["location"], answer.body) == (307, location, b"")

    def test_a_redirect_encodes_bytes_that_are_not_valid_in_a_header(self, user_progress):
        with Wire(user_progress) as wire:
            wire.request("GET", '/users/ab<\xe9>/?q="^\xff')
            answer = wire.answer()
        assert (answer.status, answer.headers["location"]) == (307, "../ab%3C%E9%3E?q=%22%5E%FF")

    def test_a_redirect_that_would_lead_to_too_long_a_target_is_414(self, user_progress):
        with Wire(user_progress) as wire:
            wire.request("GET", "/users/" + "\xff" * 6000 + "/")
            assert wire.answer().status == 414

    def test_a_redirect_never_names_another_host(self, user_progress):
        for path in ("//evil.example/users/x/", "/%2F%2Fevil.example/", "//evil.example", "/\\evil.example/",
                     "/users/http://evil.example/", "/users/javascript:x/", "/users/%2F%2Fevil.example/"):  # fmt: skip
            answer = exchange.request(user_progress, "GET", path)
            location = answer.headers.get("location", "/")
            assert urlsplit(urljoin(f"http://h{path}", location)).netloc == "h", (path, location)

    @pytest.mark.parametrize(
        "path",
        ["/users/..", "/users/../", "/users/.", "/users/./", "/../users", "/./users/", "/users/%2e%2e", "/users/%2E%2e/", "/users/.%2e",
         "/users/%2e", "/labs/type/..", "/%2e%2e/%2e%2e/users/", "/users/x/../y", "/users/x/..?a=b", "http://h/users/../labs/"],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_a_path_with_dot_segments_is_not_found_redirected_or_forwarded(self, services, path, method):
        for url in services.values():
            with Wire(url) as wire:
                wire.request(method, path)
                answer = wire.answer()
            assert (answer.status, answer.json()) == (404, {"detail": "Not Found"}), url
            assert "location" not in answer.headers

    def test_dots_outside_of_dot_segments_are_part_of_an_id(self, user_progress):
        for path in ("/users/...", "/users/..a", "/users/a..", "/users/.a", "/users/%2e%2e%2e"):
            assert exchange.request(user_progress, "GET", path).json() == {"detail": "User not found"}

    @pytest.mark.parametrize(
        ("target", "status", "path"),
        [("http://h/users/?limit=0", 200, "/users/?limit=0"), ("http://h", 200, "/"), ("http://h:80?a=b", 200, "/"),
         ("http://h?x=/users/", 200, "/"), ("HTTP://h?/users/?limit=0", 200, "/"), ("http:///users/", 400, None),
         ("http://:80/users/", 400, None), ("http://u@h/users/", 400, None), ("http://?/users/", 400, None)],
    )  # fmt: skip
    def test_a_target_with_a_host_has_the_path_that_follows_the_host(self, user_progress, target, status, path):
        """RFC 3986, section 3.2: an authority ends at `/` or `?`; RFC 9110, section 4.2.1: it is not empty."""
        with Wire(user_progress) as wire:
            wire.request("GET", target)
            answer = wire.answer()
        assert answer.status == status
        if path:
            assert answer.body == exchange.request(user_progress, "GET", path).body

    def test_every_other_byte_of_a_target_counts_as_if_it_were_encoded(self, user_progress, api):
        user = new_user(api, id=f'auth0|{token()}"<>^`{{}}\\é')
        with Wire(user_progress) as wire:
            wire.request("GET", "/users/" + user["id"].encode().decode("latin-1"))
            assert wire.answer().json() == user

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
            ("/progress/lab-attempt/7", {"GET", "HEAD", "PUT", "DELETE"}),
        ],
    )
    def test_the_answer_to_a_wrong_method_lists_every_method_of_the_path(self, user_progress, path, methods):
        for method in {"PATCH", "OPTIONS", "DELETE", "PUT", "BREW"} - methods:
            answer = exchange.request(user_progress, method, path)
            assert (answer.status, answer.text) == (405, '{"detail":"Method Not Allowed"}')
            assert set(answer.headers["allow"].split(", ")) - {"OPTIONS"} == methods

    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/users/",
            "/users/nope",
            "/labs/type/x",
            "/users",
            "/nope",
            "/users/?skip=x",
            "/docs",
            "/livez",
        ],
    )
    def test_head_has_the_status_and_headers_of_get_and_no_body(self, user_progress, path):
        get, head = (exchange.request(user_progress, method, path) for method in ("GET", "HEAD"))
        assert (head.status, head.body) == (get.status, b"")
        for name in ("content-type", "content-length", "location"):
            assert head.headers.get(name) == get.headers.get(name)

    @pytest.mark.parametrize(
        "path",
        ["/users/%00", "/users/a%00b", "/labs/type/%00", "/users/%ff", "/users/%C3%28", "/users/%ED%A0%80", "/users/..%2f..%2fetc%2fpasswd",
         "/users/%2e%2e%2f", "/users/%", "/users/%4", "/users/%zz", "/progress/%00", "/progress/lab-attempt/%00", "/%00", "/%ff", "/..%2f",
         "/users/" + "x" * 7000, "/users/?skip=%00", "/users/?skip=%ff", "/users/?%00=1", "/users/?skip=%zz", "/users/\u00e9",
         "/users/?" + "&" * 1000, "/users/?" + "a&" * 4000, "/users/?" + "skip=0&" * 1000],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_an_unusual_path_is_a_client_error_in_json(self, user_progress, method, path):
        with Wire(user_progress) as wire:
            wire.request(method, path)
            answer = wire.answer()
        assert answer.status in (200, 400, 404, 405, 422) and (answer.status != 200 or "?" in path)
        assert answer.headers["content-type"] == "application/json" and answer.json() is not None

    def test_an_encoded_slash_is_part_of_the_id(self, api):
        user = new_user(api, id=f"{token()}/b")
        target = f"/users/{user['id'].replace('/', '%2F')}"
        assert api.get(target).json() == user
        assert api.delete(target).status_code == 200


class TestHeaders:
    def test_a_sent_request_id_comes_back(self, api):
        assert (
            api.get("/", headers={"X-Request-ID": "from-the-client_1.2"}).headers["x-request-id"]
            == "from-the-client_1.2"
        )

    @pytest.mark.parametrize("sent", [None, "", "x" * 4000, "a b\tc", "\x7f", "é"])
    def test_without_a_usable_request_id_one_is_generated(self, api, sent):
        headers = {} if sent is None else {"X-Request-ID": sent.encode("latin-1")}
        made = api.get("/", headers=headers).headers["x-request-id"]
        assert made and re.fullmatch(r"[!-~]{1,255}", made)

    def test_every_generated_request_id_is_different(self, api):
        assert len({api.get("/users/nope").headers["x-request-id"] for _ in range(50)}) == 50

    @pytest.mark.parametrize("path", ["/", "/users/nope", "/users/?skip=x"])
    def test_the_origin_of_a_cross_origin_request_is_echoed(self, api, path):
        headers = api.get(path, headers={"Origin": "http://ui.example"}).headers
        assert headers["access-control-allow-origin"] == "http://ui.example"
        assert headers["access-control-allow-credentials"] == "true"
        assert "Origin" in headers["vary"]

    def test_a_script_may_read_what_it_needs_of_an_answer(self, api):
        exposed = api.get("/", headers={"Origin": "http://ui.example"}).headers["access-control-expose-headers"]
        wanted = "Link, X-Total-Count, X-Request-ID, ETag, Location, Retry-After, Server-Timing"
        assert exposed == wanted

    @pytest.mark.parametrize("length", [513, 3000, 30 * 1024])
    def test_an_origin_of_any_length_gets_an_answer_and_a_long_one_counts_as_none(self, user_progress, length):
        for length, echoed in ((512, True), (length, False)):
            origin = "http://".ljust(length, "x")
            with Wire(user_progress) as wire:
                wire.request("GET", "/", f"Origin: {origin}")
                answer = wire.answer()
            assert answer.status == 200
            assert answer.headers.get("access-control-allow-origin") == (origin if echoed else None)

    def test_a_preflight_that_asks_for_many_headers_gets_an_answer(self, user_progress):
        names = ", ".join(f"x-header-{n}" for n in range(2000))
        with Wire(user_progress) as wire:
            wire.request("OPTIONS", "/", "Origin: http://ui.example", "Access-Control-Request-Method: PUT",
                         f"Access-Control-Request-Headers: {names}")  # fmt: skip
            answer = wire.answer()
        assert answer.status == 200 and "access-control-allow-headers" not in answer.headers

    def test_without_an_origin_there_are_no_cross_origin_headers(self, api):
        assert "access-control-allow-origin" not in api.get("/").headers

    def test_a_preflight_is_allowed(self, api):
        asked = {"Origin": "http://ui.example", "Access-Control-Request-Method": "PUT",
                 "Access-Control-Request-Headers": "content-type, x-request-id"}  # fmt: skip
        answer = api.options("/users/x", headers=asked)
        assert (answer.status_code, answer.text) == (200, "OK")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["access-control-allow-origin"] == "http://ui.example"
        assert (
            answer.headers["access-control-allow-methods"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
        )
        assert answer.headers["access-control-allow-headers"] == "content-type, x-request-id"
        assert answer.headers["access-control-max-age"] == "600"

    def test_only_the_origins_of_the_setting_are_allowed(self, fresh):
        with fresh(CORS_ORIGINS="http://a.example,http://b.example").client() as client:
            allowed = client.get("/", headers={"Origin": "http://b.example"}).headers
            refused = client.get("/", headers={"Origin": "http://c.example"}).headers
        assert allowed["access-control-allow-origin"] == "http://b.example"
        assert "access-control-allow-origin" not in refused
        assert "Origin" in refused["vary"]


ONCE = {
    "Authorization": "Bearer x",
    "Content-Encoding": "gzip",
    "Content-Type": "application/json",
    "Idempotency-Key": "k",
    "Origin": "http://ui.example",
}


class TestRepeated:
    """A header that comes twice (RFC 9110, section 5.3): two readers must not choose differently."""

    def ask(self, url: str, *headers: str, path: str = "/"):
        with Wire(url) as wire:
            wire.request("GET", path, *headers)
            return wire.answer()

    @pytest.mark.parametrize("name", ONCE)
    def test_a_header_that_may_come_once_is_refused_twice(self, user_progress, name):
        for again in (ONCE[name], "other", ""):
            answer = self.ask(user_progress, f"{name}: {ONCE[name]}", f"{name.lower()}: {again}")
            assert answer.status == 400 and "detail" in answer.json(), again

    @pytest.mark.parametrize("name", ["X-Request-ID", "traceparent"])
    def test_doubled_headers_for_tracing_count_as_absent(self, user_progress, name):
        answer = self.ask(user_progress, f"{name}: first", f"{name}: second")
        assert answer.status == 200 and answer.headers["x-request-id"] not in ("first", "second")

    def test_lists_in_several_lines_are_joined(self, user_progress):
        tag = self.ask(user_progress, path="/docs").headers["etag"]
        answer = self.ask(user_progress, 'If-None-Match: "x"', f"If-None-Match: {tag}", path="/docs")
        assert answer.status == 304
        answer = self.ask(
            user_progress, "Accept-Encoding: br", "Accept-Encoding: gzip", path="/openapi.json"
        )
        assert answer.headers["content-encoding"] == "gzip"

    def test_of_other_headers_the_first_counts(self, user_progress):
        for _ in range(2):
            answer = self.ask(user_progress, "User-Agent: a", "User-Agent: b", "X-Other: 1", "X-Other: 2")
            assert answer.status == 200


class TestCompressedAnswers:
    """Which coding an answer has (RFC 9110, section 12.5.3)."""

    @pytest.mark.parametrize(
        "accepted", ["gzip", "GZIP;q=0.5", "br, gzip ; q=0.001", "*", "*;q=0, gzip", "identity;q=0, *;q=0.1"]
    )
    def test_gzip_is_sent_where_it_is_named_or_where_an_asterisk_stands_for_it(self, user_progress, accepted):
        for path in ("/openapi.json", "/dashboard"):
            answer = exchange.request(user_progress, "GET", path, {"Accept-Encoding": accepted})
            assert answer.headers.get("content-encoding") == "gzip" and gzip.decompress(answer.body)

    @pytest.mark.parametrize(
        "accepted", ["", "br", "gzip;q=0", "gzip;Q=0.000", "*;q=0", "*, gzip;q=0", "gzip;q=0, *", "gzip2"]
    )
    def test_gzip_that_is_refused_is_not_sent_though_an_asterisk_accepts_others(self, user_progress, accepted):
        for path in ("/openapi.json", "/dashboard"):
            answer = exchange.request(user_progress, "GET", path, {"Accept-Encoding": accepted})
            assert "content-encoding" not in answer.headers and answer.text[0] in "{<"


class TestEntityTags:
    """If-None-Match (RFC 9110, section 13.1.2): `*`, or tags in quotes that may have commas between them."""

    @pytest.mark.parametrize("named", ["{weak}", "{strong}", '"a,b", {weak}', ',, {strong} ,"x"', "*"])
    def test_a_client_that_names_the_tag_gets_304(self, user_progress, named):
        weak = exchange.request(user_progress, "GET", "/docs").headers["etag"]
        named = named.format(weak=weak, strong=weak.removeprefix("W/"))
        for method in ("GET", "HEAD"):
            assert exchange.request(user_progress, method, "/docs", {"If-None-Match": named}).status == 304

    @pytest.mark.parametrize("named", ['"*"', '"a,*,b"', '"a, *"', '"x,{opaque},y"'])
    def test_what_stands_inside_another_tag_is_no_tag(self, user_progress, named):
        weak = exchange.request(user_progress, "GET", "/docs").headers["etag"]
        strong = weak.removeprefix("W/")
        named = named.format(strong=strong, opaque=strong.strip('"'))
        assert exchange.request(user_progress, "GET", "/docs", {"If-None-Match": named}).status == 200


class TestCompressedBodies:
    def post(self, url: str, body: bytes, coding: str | None):
        headers = {"Content-Type": "application/json"} | ({"Content-Encoding": coding} if coding else {})
        return exchange.request(url, "POST", "/users/", headers, body)

    @pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
    def test_gzip_is_read_on_every_service(self, services, coding):
        for url in services.values():
            body = json.dumps(user_body()).encode()
            half = len(body) // 2
            assert self.post(url, gzip.compress(body), coding).status == 200
            body = json.dumps(user_body()).encode()
            assert self.post(url, gzip.compress(body[:half]) + gzip.compress(body[half:]), coding).status == 200

    def test_a_body_is_bounded_while_it_is_decompressed(self, user_progress):
        for size, status in ((MIB, 200), (MIB + 1, 413), (900 * MIB, 413)):
            body = gzip.compress(json.dumps(user_body()).encode().ljust(min(size, 8 * MIB)))
            if size > 8 * MIB:
                body = gzip.compress(b" " * (64 * MIB))
            assert self.post(user_progress, body, "gzip").status == status, size

    def test_a_damaged_body_is_400(self, user_progress):
        whole = gzip.compress(json.dumps(user_body()).encode())
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 0x55
        for body in (whole[:-1], whole[:10], whole[:3], b"\x1f", whole + b"x", b"x" + whole, bytes(flipped), b"{}"):
            answer = self.post(user_progress, body, "gzip")
            assert (answer.status, list(answer.json())) == (400, ["detail"]), body

    @pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, gzip", "gzip, br"])
    def test_another_coding_is_415_and_the_answer_names_those_understood(self, user_progress, coding):
        answer = self.post(user_progress, b"{}", coding)
        assert (answer.status, answer.headers["accept-encoding"]) == (415, "gzip")

    def test_no_coding_and_identity_are_plain(self, user_progress):
        for coding in ("", "identity"):
            assert self.post(user_progress, json.dumps(user_body()).encode(), coding).status == 200
