"""/docs and /redoc: pages that need nothing but the service, and may be kept by browsers."""

import gzip
import json
import re

import pytest
from jsonschema import Draft202012Validator, RefResolver

from harness.daemon import SERVICES
from harness.exchange import request

PAGES = ["/docs", "/redoc"]
GZIP = {"Accept-Encoding": "gzip"}


def links(page) -> list[str]:
    return re.findall(r'(?:src|href)="\./([^"]+)"', page.text)


def files(page) -> list[str]:
    return [f"/{link}" for link in links(page) if link.startswith("docs/files/")]


@pytest.fixture(params=SERVICES)
def service(request, services) -> str:
    return services[request.param]


@pytest.mark.parametrize("path", PAGES)
class TestPage:
    def test_it_is_html_over_the_service_own_document(self, service, path):
        page = request(service, "GET", path)
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "openapi.json" in links(page)

    def test_it_links_nothing_but_paths_of_the_service_and_all_of_them_exist(self, service, path):
        page = request(service, "GET", path)
        assert len(links(page)) == len(re.findall(r"(?:src|href)=", page.text)) >= 5
        for link in links(page):
            assert request(service, "GET", f"/{link}").status == 200, link

    def test_its_policy_lets_it_load_and_ask_nothing_from_elsewhere(self, service, path):
        headers = request(service, "GET", path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["connect-src"] == "'self'"
        assert headers["x-content-type-options"] == "nosniff"
        assert "<script>" not in request(service, "GET", path).text

    def test_a_client_that_has_the_answer_already_gets_304(self, service, path):
        tag = request(service, "GET", path).headers["etag"]
        again = request(service, "GET", path, {"If-None-Match": tag})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)


class TestFile:
    @pytest.mark.parametrize("path", PAGES)
    def test_it_is_the_same_compressed_and_expanded(self, service, path):
        for file in files(request(service, "GET", path)):
            plain, small = request(service, "GET", file), request(service, "GET", file, GZIP)
            assert "content-encoding" not in plain.headers and small.headers["content-encoding"] == "gzip"
            assert gzip.decompress(small.body) == plain.body and plain.body
            assert plain.headers["vary"] == small.headers["vary"] == "Accept-Encoding"
            assert plain.headers["content-type"] == small.headers["content-type"]

    def test_it_may_be_cached_for_ever_and_its_path_contains_its_version(self, service):
        for file in files(request(service, "GET", "/docs")):
            answer = request(service, "GET", file, GZIP)
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers["etag"].strip('W/"') in file
            again = request(service, "GET", file, {**GZIP, "If-None-Match": answer.headers["etag"]})
            assert (again.status, again.body) == (304, b"")
            assert again.headers["content-length"] == answer.headers["content-length"]
            assert not {"content-encoding", "content-type"} & again.headers.keys()

    def test_head_has_the_length_of_what_get_sends(self, service):
        file = files(request(service, "GET", "/docs"))[0]
        for headers in ({}, GZIP):
            head, get = request(service, "HEAD", file, headers), request(service, "GET", file, headers)
            assert int(head.headers["content-length"]) == len(get.body) and not head.body

    def test_another_version_or_name_is_not_found(self, service):
        file = files(request(service, "GET", "/docs"))[0]
        _, _, _, version, name = file.split("/")
        for wrong in (f"/docs/files/0{version[1:]}x/{name}", f"/docs/files/{version}/x", "/docs/files/x"):
            assert request(service, "GET", wrong).status == 404


def test_the_licences_of_what_is_served_are_served_too(service):
    answer = request(service, "GET", "/docs/licenses")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "Apache License" in answer.text and "The MIT License" in answer.text
    assert all(package in answer.text for package in ("swagger-ui-dist", "redoc", "uplot"))


def examples(value):
    """Every schema that has an example beside it, with the example."""
    if isinstance(value, dict):
        if "schema" in value and "example" in value:
            yield value["schema"], value["example"]
        if "schema" in value and isinstance(value.get("examples"), dict):
            yield from ((value["schema"], example["value"]) for example in value["examples"].values())
        if isinstance(value.get("examples"), list):
            yield from ((value, example) for example in value["examples"])
        for member in value.values():
            yield from examples(member)
    elif isinstance(value, list):
        for item in value:
            yield from examples(item)


def test_every_example_of_the_document_is_of_its_schema(service):
    document = json.loads(request(service, "GET", "/openapi.json").body)
    resolver = RefResolver.from_schema(document)
    found = list(examples(document))
    assert len(found) > 50
    for schema, example in found:
        Draft202012Validator(schema, resolver=resolver).validate(example)


def test_the_document_lists_users_and_labs_on_every_service(services):
    documents = [json.loads(request(url, "GET", "/openapi.json").body) for url in services.values()]
    forwarded = [p for p in documents[0]["paths"] if p.startswith(("/users/", "/labs/"))]
    assert len(forwarded) == 5
    for document in documents:
        for path in forwarded:
            assert list(document["paths"][path]) == list(documents[0]["paths"][path])
