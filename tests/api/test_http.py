"""HTTP as the contract and RFC 9110 have it: routes, methods, headers."""

import re

import pytest

from harness import exchange
from harness.samples import new_user, token
from harness.wire import Wire


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
    def test_a_missing_or_extra_slash_is_redirected_relatively_with_the_method_kept(
        self, user_progress, method, path, location
    ):
        answer = exchange.request(user_progress, method, path)
        assert (answer.status, answer.headers["location"], answer.body) == (307, location, b"")

    def test_a_redirect_encodes_what_no_header_carries(self, user_progress):
        with Wire(user_progress) as wire:
            wire.request("GET", "/users/a\x01b<\xe9>/?q=\x7f\"^")
            answer = wire.answer()
        assert (answer.status, answer.headers["location"]) == (307, "/users/a%01b%3C%E9%3E?q=%7F%22%5E")

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
         "/users/" + "x" * 7000, "/users/?skip=%00", "/users/?skip=%ff", "/users/?%00=1", "/users/?skip=%zz", "/../users/", "/users/\u00e9"],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_a_strange_path_is_a_client_error_in_json(self, user_progress, method, path):
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
