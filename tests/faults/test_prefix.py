"""The services behind a prefix that a proxy removes: redirects, links, the pages and their “Try it out”."""

import json
import os
import re
import subprocess
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from harness import exchange
from harness.daemon import SERVICES, Daemons
from harness.postgres import ROOT
from harness.proxy import PREFIXES, Prefixed
from harness.samples import new_user, user_body

MIB = 1 << 20


@pytest.fixture(params=["nginx", "haproxy", "caddy"])
def proxy(request, services):
    with Prefixed(request.param, services) as proxy:
        yield proxy


@pytest.mark.parametrize("service", SERVICES)
def test_a_redirect_leads_to_the_right_place(proxy, service):
    url = proxy.url(service)
    with httpx.Client(follow_redirects=True) as client:
        for path, reached in (("/users", "/users/"), ("/users?limit=1", "/users/?limit=1"),
                              ("/labs", "/labs/"), ("/livez/", "/livez")):  # fmt: skip
            answer = client.get(url + path)
            assert (answer.status_code, str(answer.url)) == (200, url + reached)
            assert [seen.status_code for seen in answer.history] == [307]
        created = client.post(f"{url}/users", json=user_body())
        assert created.status_code == 200 and created.json()["id"]


def test_links_between_pages_of_a_list_are_followed(proxy, api):
    for _ in range(3):
        new_user(api)
    for service in SERVICES:
        url, seen = f"{proxy.url(service)}/users/?limit=1", set()
        for _ in range(3):
            answer = httpx.get(url)
            assert answer.status_code == 200
            seen.add(answer.json()[0]["id"])
            following = re.search(r'<([^>]*)>; rel="next"', answer.headers["link"])[1]
            url = urljoin(url, following)
        assert len(seen) == 3


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/dashboard"])
def test_a_page_finds_all_that_it_loads(proxy, path):
    for service in SERVICES:
        url = proxy.url(service) + path
        page = httpx.get(url)
        links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert page.status_code == 200 and len(links) >= 5
        for link in (link for link in links if not link.startswith(("#", "data:"))):
            assert httpx.get(urljoin(url, link)).status_code == 200, link


def test_the_document_names_the_prefix_as_its_server(proxy):
    for service in SERVICES:
        url = f"{proxy.url(service)}/openapi.json"
        for server in httpx.get(url).json()["servers"]:
            assert httpx.get(urljoin(url, server["url"]).rstrip("/") + "/livez").status_code == 200


def test_answers_and_refusals_arrive_as_the_services_sent_them(proxy):
    url = proxy.url("performance-reporting")
    origin = {"Origin": "http://ui.example", "X-Request-ID": "r-1"}
    for method, path, status in (("GET", "/users/nope", 404), ("PATCH", "/users/nope", 405),
                                 ("GET", "/users/?limit=x", 422), ("GET", "/nope", 404)):  # fmt: skip
        answer = httpx.request(method, url + path, headers=origin)
        assert (answer.status_code, answer.headers["x-request-id"]) == (status, "r-1")
        assert answer.headers["access-control-allow-origin"] == "http://ui.example"


def test_a_body_over_the_limit_is_413_in_json(proxy):
    for size in (MIB + 1, 3 * MIB // 2):
        address = urlsplit(proxy.url("user-progress"))
        connection = HTTPConnection(address.hostname, address.port, timeout=30)
        connection.request("POST", f"{address.path}/users/", b" " * size, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (413, {"detail": "Request body too large"})
        connection.close()


def test_nginx_writes_no_body_to_its_disk(services):
    with Prefixed("nginx", services) as proxy:
        folder = Path(proxy.directory.name) / "client_body"
        before = folder.stat().st_mtime_ns  # changes with each file that is made there
        for size, status in ((MIB // 2, 422), (20 * MIB, 413)):
            url = urlsplit(proxy.url("user-progress"))
            json_type = {"Content-Type": "application/json"}
            answer = exchange.request(url.geturl(), "POST", f"{url.path}/users/", json_type, b" " * size)
            assert answer.status == status
        assert folder.stat().st_mtime_ns == before


@pytest.fixture(scope="module")
def published(postgres, tmp_path_factory):
    """Services that know behind which prefix a browser finds each of them."""
    urls = {"DASHBOARD_URLS": ",".join(f"{name}=..{prefix}" for name, prefix in PREFIXES.items())}
    started = {}
    with Daemons(tmp_path_factory.mktemp("published")) as daemons:
        for name in SERVICES:
            if started:
                urls["USER_PROGRESS_SERVICE_URL"] = started["user-progress"]
            daemon = daemons.start(name, DATABASE_URL=postgres.url(postgres.create_database()), **urls)
            started[name] = daemon.ready().url
        yield started


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
def test_the_pages_work_in_a_browser(published, kind):
    """Try it out and the numbers of the dashboard, through a prefix; the rest of tests/browser is the same there."""
    with Prefixed(kind, published) as proxy:
        addresses = {f"{name.upper().replace('-', '_')}_URL": proxy.url(name) for name in SERVICES}
        environment = {**os.environ, **addresses}
        ran = subprocess.run(
            [ROOT / "tools" / "test-browser", "pages.test.js", "dashboard.test.js"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=700,
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
