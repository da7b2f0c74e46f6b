"""Answers checked against the OpenAPI document of the service that gave them.

Whatever a test sends to a daemon of the tests, each answer on a documented path must have a status that the
document lists for the operation, in the content type and of the schema that it states there. Of an export of 60,000
rows, which would take nine seconds, a part is held to its schema.
"""

import gzip
import json
import re
from functools import cache
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, RefResolver
from jsonschema.validators import extend

from harness.postgres import ROOT

MANY = 1000  # members of a list that are looked at: as many as a page may have


def some_of(values: list) -> list:
    """All of a short list; of a long one the first, the last, and those at equal distances between."""
    return values if len(values) <= MANY else [values[n * (len(values) - 1) // (MANY - 1)] for n in range(MANY)]


def check_items(validator, items, values, schema):
    """The keyword `items`, for some of the values."""
    if validator.is_type(values, "array"):
        for value in some_of(values):
            yield from validator.descend(value, items)


Validator = extend(Draft202012Validator, {"items": check_items})


class Document:
    def __init__(self, document: dict):
        self.document = document
        self.resolver = RefResolver.from_schema(document)
        self.validators: dict[int, Validator] = {}
        self.paths = [
            (re.compile("/".join("[^/]+" if s.startswith("{") else re.escape(s) for s in path.split("/"))), operations)
            for path, operations in document["paths"].items()
        ]  # fmt: skip

    def resolved(self, value: dict) -> dict:
        return self.resolver.resolve(value["$ref"])[1] if "$ref" in value else value

    def operation(self, method: str, path: str) -> dict | None:
        """What the document says of a request; of two paths that match, the first that has the method."""
        name = "get" if method == "HEAD" else method.lower()
        for pattern, operations in self.paths:
            if pattern.fullmatch(path) and name in operations:
                return operations[name]
        return None

    def fault(self, method: str, target: str, status: int, content_type: str | None, body: bytes) -> str | None:
        """What the document does not say of an answer; None where all is as stated or nothing is."""
        operation = self.operation(method, target.partition("?")[0])
        if operation is None:
            return None
        if str(status) not in operation["responses"]:
            return f"{operation['operationId']} has no status {status}: {body[:500]!r}"
        content = self.resolved(operation["responses"][str(status)]).get("content", {})
        if method == "HEAD" or not content:
            return f"{operation['operationId']} {status} has a body: {body[:500]!r}" if body else None
        if content_type not in content:
            return f"{operation['operationId']} {status} has no {content_type}"
        media = content[content_type]
        schema = media.get("x-itemSchema", media["schema"])
        validator = self.validators.get(id(schema))
        if validator is None:
            validator = self.validators[id(schema)] = Validator(schema, resolver=self.resolver)
        for value in values_of(content_type, body):
            for error in validator.iter_errors(value):
                return f"{operation['operationId']} {status} {error.json_path}: {error.message}"
        return None


def values_of(content_type: str, body: bytes) -> list:
    """The JSON values of an answer: one, or those of some lines without the one that tells the end; none of CSV."""
    if body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    if content_type == "application/x-ndjson":
        return [value for line in some_of(body.splitlines()) if "end" not in (value := json.loads(line))]
    return [] if content_type.startswith("text/") else [json.loads(body)]


@cache
def document_of(service: str) -> Document:
    return Document(json.loads((ROOT / service / "openapi.json").read_text()))


# Which service answers at an address; each daemon of the tests is entered when it starts.
services: dict[str, str] = {}


def check(url: str, method: str, target: str, status: int, content_type: str | None, body: bytes) -> None:
    """Fails where the answer of a daemon of the tests is not as documented."""
    service = services.get(urlsplit(url).netloc)
    if service is not None:
        fault = document_of(service).fault(method, target, status, content_type, body)
        assert fault is None, fault


def check_httpx(response) -> None:
    """The same, as a hook of an httpx client."""
    response.read()
    check(
        str(response.request.url),
        response.request.method,
        response.request.url.raw_path.decode("latin-1"),
        response.status_code,
        response.headers.get("content-type"),
        response.content,
    )
