"""Recorded exchanges: a request with placeholders, sent as it is, and what was answered.

A line of a recording has `method`, `path`, `headers`, `body` (or `body_latin1`, bytes), `status`,
`response_headers`, `response`; `save` names members of the answer that later requests use as placeholders;
`ours`, where it is there, stands before the recorded answer.
"""

import json
import re
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlsplit

from harness import document

SHAPES = {
    "{timestamp}": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?",
    "{timestampZ}": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z",
    "{timestamp+00:00}": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00",
    "{uuid}": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
}


@dataclass
class Answer:
    status: int
    headers: dict  # names in lower case
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self):
        return json.loads(self.body)


def read_lines(path: Path) -> list[dict]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def fill(text: str, values: dict) -> str:
    """The text with the placeholders whose values are known."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    return text


def body_of(exchange: dict, values: dict) -> bytes | None:
    if "body_latin1" in exchange:
        return exchange["body_latin1"].encode("latin-1")
    if "body" in exchange:
        return fill(exchange["body"], values).encode("utf-8", "surrogatepass")
    return None


def request(
    base_url: str, method: str, target: str, headers: dict | None = None, body: bytes | None = None
) -> Answer:
    """One request on a connection of its own: target, headers, a Host among them, and body go out as they are given."""
    host = urlsplit(base_url)
    connection = HTTPConnection(host.hostname, host.port, timeout=30)
    try:
        connection.putrequest(method, target, skip_host="Host" in (headers or {}), skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        got = connection.getresponse()
        answer = Answer(got.status, {n.lower(): v for n, v in got.getheaders()}, got.read())
    finally:
        connection.close()
    document.check(
        base_url, method, target, answer.status, answer.headers.get("content-type"), answer.body
    )
    return answer


def send(base_url: str, exchange: dict, values: dict) -> Answer:
    return request(
        base_url,
        exchange["method"],
        fill(exchange["path"], values),
        exchange.get("headers"),
        body_of(exchange, values),
    )


def save(exchange: dict, answer: Answer, values: dict) -> None:
    for name, member in exchange.get("save", {}).items():
        values[name] = answer.json()[member]


def difference(expected, got, values: dict, where: str = "") -> str | None:
    """Where two JSON values first differ: in value, type (1 is not 1.0) or order of members; None if nowhere."""
    if isinstance(expected, str) and expected in SHAPES:
        if isinstance(got, str) and re.fullmatch(SHAPES[expected], got):
            return None
    elif expected == "{int}":
        if type(got) is int:
            return None
    elif isinstance(expected, dict) and isinstance(got, dict):
        names = [fill(name, values) for name in expected]
        if names == list(got):
            pairs = zip(names, expected.values(), got.values())
            return next(filter(None, (difference(e, g, values, f"{where}.{n}") for n, e, g in pairs)), None)
    elif isinstance(expected, list) and isinstance(got, list):
        if len(expected) == len(got):
            pairs = enumerate(zip(expected, got))
            return next(
                filter(None, (difference(e, g, values, f"{where}[{n}]") for n, (e, g) in pairs)), None
            )
    elif type(expected) is type(got):
        wanted = [expected, fill(expected, values)] if isinstance(expected, str) else [expected]
        if repr(got) in map(repr, wanted):
            return None
    return f"{where or 'the answer'}: expected {fill(json.dumps(expected), values)}, got {json.dumps(got)}"


def reached(target: str, location: str) -> str:
    """The path and query that a Location of the target's answer leads to (RFC 3986, section 5.2).

    Python's urljoin leaves empty segments out of the target's path, browsers and curl do not.
    """
    location = re.sub(r"^https?://[^/]*", "", location)
    if location.startswith("/"):
        return location
    segments = target.partition("?")[0].split("/")[:-1]
    path, mark, query = location.partition("?")
    for segment in path.split("/")[:-1]:
        if segment == "..":
            segments.pop()
        else:
            segments.append(segment)
    return "/".join([*segments, path.rpartition("/")[2]]) + mark + query


def header_difference(exchange: dict, answer: Answer, values: dict) -> str | None:
    for name, expected in exchange.get("response_headers", {}).items():
        expected, got = fill(expected, values), answer.headers.get(name)
        if name == "location" and got is not None:
            target = fill(exchange["path"], values)
            expected, got = reached(target, expected), reached(target, got)
        if name == "allow":
            continue
        if got != expected:
            return f"{name}: expected {expected!r}, got {got!r}"
    return None


def compact(answer: Answer) -> str | None:
    """None when the body is JSON written without white space and with raw UTF-8, else what it should be."""
    again = json.dumps(answer.json(), ensure_ascii=False, separators=(",", ":"))
    return None if again == answer.text else f"expected the bytes {again}, got {answer.text}"


def fault_difference(expected: dict, got: dict) -> str | None:
    """As `difference`, for entries of a 422: the text of a JSON error is free."""
    if expected.get("type") == "json_invalid" and got.get("type") == "json_invalid":
        expected = {**expected, "ctx": got.get("ctx")}
    return difference(expected, got, {})


def answer_difference(exchange: dict, answer: Answer, values: dict) -> str | None:
    """Where the answer differs from the recorded one; None if nowhere."""
    if answer.status != exchange["status"]:
        return f"expected {exchange['status']} {exchange['response']}, got {answer.status} {answer.text}"
    if found := header_difference(exchange, answer, values):
        return found
    if not isinstance(exchange["response"], (dict, list)):
        return (
            None
            if answer.text == exchange["response"]
            else f"expected {exchange['response']!r}, got {answer.text!r}"
        )
    got, expected = answer.json(), exchange["response"]
    if (
        answer.status == 422
        and [e["type"] for e in expected["detail"]] == ["json_invalid"]
        and len(got["detail"]) == 1
    ):
        return compact(answer) or fault_difference(expected["detail"][0], got["detail"][0])
    return difference(expected, got, values) or compact(answer)


def forget_everything(base_url: str) -> None:
    """Deletes all users and labs, so that lists begin empty; the records of deleted users are out of reach."""
    for path in ("/users/", "/labs/"):
        while rows := request(base_url, "GET", f"{path}?limit=1000").json():
            for row in rows:
                gone = request(base_url, "DELETE", path + quote(row["id"], safe=""))
                assert gone.status == 200, gone.text
