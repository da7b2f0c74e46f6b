"""A walk through what the services' own OpenAPI documents offer, in any order, with good values and hostile ones.

Every answer is held to what its document says of the call: its status, its type, its schema. Nothing is answered by
5xx, and what was deleted is not there any more.
"""

import gzip
import json
from collections import Counter
from http.client import HTTPConnection, HTTPException
from random import Random
from typing import Callable
from urllib.parse import quote, quote_from_bytes, urlsplit

from harness.document import Document
from harness.hostile import HEADERS, TEXTS, Values, dump
from harness.tokens import Issuer

SCOPES = "progress:any privacy admin"
KNOWN = 60  # values of a name that are remembered
HOSTILE_PATHS = [
    "%00", "%ff", "%2e%2e", "..%2f..", "%", "%zz", "a%2fb", "x" * 300, "0", "-1", "9" * 25, "%C3%28", "null", "*", "%3f",
    "+", "2147483648", "1.0", "%20", ";a=b",
]  # fmt: skip

# Nothing is to end for its time on a machine that is busy: it would be 503.
PATIENT = {
    name: "60000"
    for name in (
        "REQUEST_TIMEOUT_MS", "REPORT_TIMEOUT_MS", "INGEST_TIMEOUT_MS", "LOOKUP_TIMEOUT_MS", "LOOKUP_CONNECT_TIMEOUT_MS",
        "HEADER_TIMEOUT_MS", "BODY_TIMEOUT_MS",
    )
}  # fmt: skip

tokens: dict[str, str] = {}


def token_of(issuer: Issuer, sub: str) -> str:
    """A user's token, which is signed once."""
    if sub not in tokens:
        tokens[sub] = issuer.token(sub, scope=SCOPES, exp=4102444800)
    return tokens[sub]


class Call:
    """One operation of one service."""

    def __init__(self, service: str, path: str, method: str, operation: dict):
        self.service, self.path, self.method, self.operation = service, path, method, operation

    @property
    def name(self) -> str:
        return f"{self.service} {self.method} {self.path}"

    @property
    def weight(self) -> float:
        return {"POST": 3.0, "DELETE": 0.5}.get(self.method, 1.0)


class Walk:
    """`token` makes a token of a user, `service` is that of a service; `seed` decides everything else."""

    def __init__(self, urls: dict[str, str], token: Callable[[str], str], service: str, seed: int):
        self.rng = Random(seed)
        self.urls, self.token, self.service = urls, token, service
        self.known: dict[str, list] = {}
        self.connections: dict[str, HTTPConnection] = {}
        self.statuses: Counter = Counter()
        self.succeeded: set[str] = set()
        self.called: set[str] = set()
        self.documents = {service: self.read_document(service) for service in urls}
        self.values = {s: Values(self.rng, d.document, self.known) for s, d in self.documents.items()}
        self.calls = [
            Call(service, path, method.upper(), operation)
            for service, document in self.documents.items()
            for path, operations in document.document["paths"].items()
            for method, operation in operations.items()
        ]
        self.weights = [call.weight for call in self.calls]

    def read_document(self, service: str) -> Document:
        status, _, body = self.exchange(service, "GET", "/openapi.json", {}, None)
        assert status == 200
        return Document(json.loads(body))

    def exchange(self, service: str, method: str, target: str, headers: dict, body: bytes | None):
        """Status, media type and body; a connection that was closed between two requests is opened again."""
        for again in (False, True):
            connection = self.connections.get(service)
            fresh = connection is None
            if fresh:
                where = urlsplit(self.urls[service])
                connection = HTTPConnection(where.hostname, where.port, timeout=120)
                self.connections[service] = connection
            try:
                connection.putrequest(method, target, skip_accept_encoding=True)
                for name, value in headers.items():
                    connection.putheader(name, value.encode("latin-1"))
                if body is not None:
                    connection.putheader("Content-Length", str(len(body)))
                connection.endheaders(body)
                answer = connection.getresponse()
                return answer.status, answer.getheader("content-type"), answer.read()
            except (HTTPException, OSError):
                self.hang_up(service)
                if fresh or again:
                    raise

    def hang_up(self, service: str) -> None:
        if service in self.connections:
            self.connections.pop(service).close()

    def close(self) -> None:
        for service in self.urls:
            self.hang_up(service)

    def run(self, requests: int) -> None:
        for _ in range(requests):
            self.step(self.rng.choices(self.calls, self.weights)[0])

    def step(self, call: Call) -> None:
        hostile = self.rng.random() < 0.4
        spoil = self.rng.choice(["path", "query", "body", "headers"]) if hostile else ""
        target = self.target_of(call, spoil)
        headers, body = self.body_of(call, spoil)
        if call.operation.get("security") and self.rng.random() < 0.9:
            subject = self.rng.choice(self.known.get("user_id") or ["someone"])
            service = self.rng.random() < 0.2
            headers["Authorization"] = f"Bearer {self.service if service else self.token(subject)}"
        if spoil == "headers":
            headers.update(self.rng.choice(HEADERS))
        method = "HEAD" if call.method == "GET" and self.rng.random() < 0.05 else call.method
        status, got = self.send(call, method, target, headers, body)
        if status < 300 and got is not None:
            self.learn(call, got)
        if call.method == "DELETE" and status < 300:
            self.check_deleted(call, target, headers)

    def send(self, call: Call, method: str, target: str, headers: dict, body: bytes | None):
        """The status and what was answered as JSON, held to the document."""
        sent = f"{call.service} {method} {target[:300]} {str(headers)[:300]} {(body or b'')[:600]!r}"
        try:
            status, kind, answer = self.exchange(call.service, method, target, headers, body)
        except (HTTPException, OSError) as error:
            raise AssertionError(f"{error!r} for {sent}") from error
        self.statuses[status] += 1
        self.called.add(call.name)
        fault = self.documents[call.service].fault(method, target, status, kind, answer)
        assert fault is None, f"{fault}\nfor {sent}"
        assert status < 500 or status == 505, f"{status} {answer[:300]!r}\nfor {sent}"
        if status < 300:
            self.succeeded.add(call.name)
        if method == "HEAD" or kind != "application/json" or not answer:
            return status, None
        return status, json.loads(gzip.decompress(answer) if answer[:2] == b"\x1f\x8b" else answer)

    def target_of(self, call: Call, spoil: str) -> str:
        rng, values, path, query = self.rng, self.values[call.service], call.path, []
        for parameter in map(values.resolved, call.operation.get("parameters", [])):
            name, schema = parameter["name"], parameter.get("schema", {})
            if parameter["in"] == "path":
                good = quote(text_of(values.good(schema, name)), safe="")
                value = rng.choice(HOSTILE_PATHS) if spoil == "path" else good
                path = path.replace("{" + name + "}", value or "a")
            elif parameter["in"] == "query" and (parameter.get("required") or rng.random() < 0.3):
                bad = spoil == "query" and rng.random() < 0.6
                value = rng.choice([*TEXTS, "é", "0", "-1", "9" * 30]) if bad else text_of(values.good(schema, name))
                query.append(f"{name}={quote_from_bytes(value.encode('utf-8', 'surrogatepass')[:3000])}")
        if spoil == "query" and rng.random() < 0.3:
            query.append(rng.choice(["", "&&=", "a", "limit=1&limit=2", "%00=%ff", "x=" + "y" * 9000, "a=b;c=d"]))
        return path + ("?" + "&".join(query) if query else "")

    def body_of(self, call: Call, spoil: str) -> tuple[dict, bytes | None]:
        content = call.operation.get("requestBody", {}).get("content", {})
        if not content:
            return {}, (b"{}" if spoil == "body" else None)
        kind = self.rng.choice(list(content))
        values, schema = self.values[call.service], content[kind].get("x-itemSchema", content[kind]["schema"])
        headers = {"Content-Type": kind}
        if kind != "application/json":
            items = [values.good(schema) for _ in range(self.rng.randrange(4))]
            items = [values.spoiled(item) if spoil == "body" else item for item in items]
            return headers, "\n".join(map(dump, items)).encode("utf-8", "surrogatepass")
        value = values.good(schema)
        text = dump(values.spoiled(value) if spoil == "body" else value)
        if spoil == "body" and self.rng.random() < 0.1:
            text = self.rng.choice([text[: len(text) // 2], text + text, "", text + "\x00", "\ufeff" + text])
        body = text.encode("utf-8", "surrogatepass")
        if self.rng.random() < 0.05:
            return {**headers, "Content-Encoding": "gzip"}, gzip.compress(body)
        return headers, body

    def learn(self, call: Call, value, depth: int = 0) -> None:
        """Remembers the values of members by which other calls name things."""
        if isinstance(value, list):
            for item in value[:5]:
                self.learn(call, item, depth + 1)
        elif isinstance(value, dict):
            for name, of in list(value.items())[:40]:
                if isinstance(of, (dict, list)) and depth < 3:
                    self.learn(call, of, depth + 1)
                elif name == "id" or name.endswith("_id") or name in ("lab_type", "version", "cursor", "next"):
                    self.remember(self.name_of(call, name), of)

    def name_of(self, call: Call, name: str) -> str:
        """The name that paths have for an `id`: that of the parameter of the same resource."""
        if name != "id":
            return {"next": "cursor"}.get(name, name)
        resource = call.path.strip("/").split("/")[-2:]
        for other in self.calls:
            segments = other.path.strip("/").split("/")
            if other.service == call.service and segments[-1][0:1] == "{" and segments[-2] in resource:
                return segments[-1][1:-1]
        return "id"

    def remember(self, name: str, value) -> None:
        if value is None or value == "" or name == "id":
            return
        values = self.known.setdefault(name, [])
        if value not in values:
            values.append(value)
            del values[:-KNOWN]

    def check_deleted(self, call: Call, target: str, headers: dict) -> None:
        """What has a GET of its own is 404 from now on, and is not deleted again."""
        others = {c.method: c for c in self.calls if (c.service, c.path) == (call.service, call.path)}
        if "GET" not in others:
            return
        kept = {n: v for n, v in headers.items() if n == "Authorization"}
        for method in ("GET", "DELETE"):
            status, _ = self.send(others[method], method, target, kept, None)
            assert status == 404, f"{status} for {call.service} {method} {target} after it was deleted"


def text_of(value) -> str:
    """A value as a path or a query has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value) if value is not None else ""
