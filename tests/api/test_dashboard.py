"""/dashboard: one page on every service, which loads nothing from elsewhere and asks the services only."""

import gzip
import re

import pytest

from harness.daemon import SERVICES
from harness.exchange import request

GZIP = {"Accept-Encoding": "gzip"}
WIRE_MOST = 60 * 1024  # bytes of the page and all its files


@pytest.fixture(params=SERVICES)
def service(request, services) -> str:
    return services[request.param]


def page_of(url: str, headers: dict | None = None):
    return request(url, "GET", "/dashboard", headers or {})


def files(page) -> list[str]:
    return sorted({f"/{link}" for link in re.findall(r'(?:src|href)="(dashboard/files/[^"]+)"', page.text)})


def sources(page, directive: str = "connect-src") -> list[str]:
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    return policy[directive].split()


def places(url: str, headers: dict | None = None) -> dict:
    answer = request(url, "GET", "/dashboard/services.json", headers or {})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return answer.json()


class TestPage:
    def test_it_is_the_same_on_every_service(self, services):
        pages = [page_of(url) for url in services.values()]
        assert {(page.status, page.headers["content-type"]) for page in pages} == {(200, "text/html; charset=utf-8")}
        assert len({(page.body, page.headers["etag"]) for page in pages}) == 1

    def test_all_that_it_links_is_there(self, service):
        page = page_of(service)
        links = [link for link in re.findall(r'(?:src|href)="([^"#]+)"', page.text) if not link.startswith("data:")]
        assert len(links) > 10 and all(re.match(r"[a-z]+(/|$)", link) for link in links)
        for link in set(links):
            assert request(service, "GET", f"/{link}").status == 200, link

    def test_every_module_that_a_module_imports_is_announced_by_the_page(self, service):
        announced = files(page_of(service))
        for file in announced:
            if file.endswith(".js"):
                for name in re.findall(r'from "\./([^"]+)"', request(service, "GET", file).text):
                    assert f"{file.rsplit('/', 1)[0]}/{name}" in announced

    def test_scripts_and_styles_are_the_service_own_and_none_is_in_the_page(self, service):
        page = page_of(service)
        assert sources(page, "script-src") == sources(page, "style-src") == ["'self'"]
        for directive in ("default-src", "base-uri", "form-action", "frame-ancestors"):
            assert sources(page, directive) == ["'none'"]
        assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", page.text)
        assert page.headers["x-content-type-options"] == "nosniff"

    def test_downloads_come_from_where_calls_go(self, service):
        page = page_of(service)
        assert sources(page, "frame-src") == sources(page)

    def test_a_client_that_has_it_already_gets_304(self, service):
        tag = page_of(service).headers["etag"]
        again = page_of(service, {"If-None-Match": tag})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        assert "connect-src" in again.headers["content-security-policy"]

    def test_page_and_files_are_small_and_files_are_kept_for_ever(self, service):
        page = page_of(service, GZIP)
        wire = len(page.body)
        for file in files(page_of(service)):
            answer = request(service, "GET", file, GZIP)
            assert "immutable" in answer.headers["cache-control"]
            assert gzip.decompress(answer.body) == request(service, "GET", file).body
            wire += len(answer.body)
        assert gzip.decompress(page.body) and wire < WIRE_MOST


class TestServices:
    def test_by_default_they_are_on_the_host_that_the_browser_named(self, services):
        for name, url in services.items():
            host = {"Host": "labs.example:8004"}
            others = {"user-progress": 8004, "performance-reporting": 8005, "usage-analytics": 8006}
            expected = {other: f"//labs.example:{port}" for other, port in others.items()}
            assert places(url, host) == expected | {name: "."}
            assert sources(page_of(url, host)) == ["'self'", *(f"labs.example:{port}" for port in others.values())]

    def test_urls_and_paths_can_be_named_instead(self, fresh):
        urls = "usage-analytics=https://usage.example:444/x/ , performance-reporting=../perf,user-progress=/here"
        url = fresh(DASHBOARD_URLS=urls).url
        assert places(url) == {
            "user-progress": ".",
            "performance-reporting": "../perf",
            "usage-analytics": "https://usage.example:444/x/",
        }
        assert sources(page_of(url)) == ["'self'", "https://usage.example:444"]

    def test_on_an_address_of_ipv6_the_policy_names_the_ports_since_it_has_no_words_for_the_host(self, fresh):
        url = fresh(DASHBOARD_URLS="performance-reporting=:8005,usage-analytics=https://[2001:db8::1]:444/x").url
        host = {"Host": "[::1]:8004"}
        assert places(url, host)["performance-reporting"] == "//[::1]:8005"
        assert sources(page_of(url, host)) == ["'self'", "*:8005", "https://*:444"]

    @pytest.mark.parametrize("host", ["a;b", "a'b", '"', "a\\b", "[::1", "a:b", "x" * 300])
    def test_a_host_that_is_none_does_not_reach_policy_or_places(self, services, host):
        url = services["user-progress"]
        assert places(url, {"Host": host}) == {"user-progress": "."}
        assert sources(page_of(url, {"Host": host})) == ["'self'"]

    def test_a_client_that_has_them_already_gets_304(self, service):
        tag = request(service, "GET", "/dashboard/services.json").headers["etag"]
        again = request(service, "GET", "/dashboard/services.json", {"If-None-Match": tag})
        assert (again.status, again.body) == (304, b"")


def test_page_files_and_services_are_open_where_calls_require_a_token(fresh, issuer):
    url = fresh(AUTH_REQUIRED="on", SERVICE_TOKEN="a-token-that-services-share", **issuer.settings).url
    page = page_of(url)
    assert request(url, "GET", "/users/").status == 401
    assert {page.status, *(request(url, "GET", file).status for file in files(page))} == {200}
    assert places(url)["user-progress"] == "."
