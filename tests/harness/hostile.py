"""Values for a JSON schema: good ones, and those that a program may stumble over."""

import json
import string
from random import Random

INTEGERS = [0, -1, 1, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**30]
NUMBERS = [0.0, -0.0, 1e-7, 5e-324, 1.7976931348623157e308, 0.1, -1.5]
TEXTS = [
    "", " ", "a" * 256, "ä" * 255, "\U0001f600", "x" * 70000, "a\u0000b", "\ud800", "\udc00\ud800", "NULL", "../..",
    "'; --", "%00", "%s%n", "\r\nX-Injected: 1", "\u202e", "e\u0301", "-1", "1e5", "true", "nan", "infinity",
    "9999-12-31T23:59:59Z", "0000-00-00", "2025-02-29", "2025-04-19T08:30:38+99:99", "Europe/Nowhere", "{}", "[1]",
]  # fmt: skip
# As they are, since no library would print them.
RAW = [
    "NaN", "Infinity", "1e999", "-", "01", "1.", ".5", "+1", "0x10", '"\\x"', '"\\u12"', "'a'", "{a:1}", "[1,]", "nul",
    "\ufeff1", "[" * 200 + "]" * 200, "//",
]  # fmt: skip
HEADERS = [
    {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "br;q=1, *;q=0"}, {"Accept": "text/csv"}, {"Origin": "https://a.example"},
    {"If-None-Match": "*"}, {"If-None-Match": '"a", W/"b"'}, {"Traceparent": "00-" + "0" * 32 + "-0-"},
    {"X-Request-ID": "r" * 300}, {"X-Request-ID": "a b\tc"}, {"Content-Type": "text/plain"}, {"Content-Type": "a" * 500},
    {"Content-Type": "application/json; charset=utf-16"}, {"Content-Encoding": "gzip"}, {"Content-Encoding": "br"},
    {"Idempotency-Key": "k" * 255}, {"Idempotency-Key": "k" * 256}, {"Idempotency-Key": ""}, {"Idempotency-Key": "same"},
    {"Authorization": "Bearer a.b.c"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer " + "a" * 9000},
    {"Cookie": "c" * 4000}, {"X-Long": "x" * 40000}, {"Range": "bytes=0-1"}, {"Expect": "100-continue"},
]  # fmt: skip


class Raw(str):
    """A piece of a body that is written as it is."""


def dump(value) -> str:
    """JSON, with the pieces that are none in it."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{dump(of)}" for name, of in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value)


class Values:
    """Makes values by a document's schemas; `known` has what the services told, by the names of members."""

    def __init__(self, rng: Random, document: dict, known: dict[str, list]):
        self.rng, self.document, self.known = rng, document, known

    def resolved(self, value: dict) -> dict:
        while "$ref" in value:
            of = self.document
            for name in value["$ref"][2:].split("/"):
                of = of[name]
            value = of
        return value

    def word(self) -> str:
        return "".join(self.rng.choices(string.ascii_lowercase, k=12))

    def good(self, schema: dict, name: str = ""):
        """A value that the schema allows, of those that are known where there are any."""
        rng, schema = self.rng, self.resolved(schema)
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kinds = kind if isinstance(kind, list) else [kind]
        if name in self.known and self.known[name] and rng.random() < 0.9:
            return rng.choice(self.known[name])
        if "anyOf" in schema:
            return self.good(rng.choice(schema["anyOf"]), name)
        if "enum" in schema:
            return rng.choice(schema["enum"])
        if "null" in kinds and rng.random() < 0.1:
            return None
        if "object" in kinds:
            return self.good_object(schema)
        if "array" in kinds:
            return [self.good(schema["items"], name) for _ in range(rng.randrange(3))]
        if "boolean" in kinds:
            return rng.random() < 0.5
        if "integer" in kinds:
            low, high = schema.get("minimum", 0), schema.get("maximum", 100)
            return rng.choice([low, high, max(low, min(high, rng.randrange(1, 500))), rng.randrange(low, high + 1)])
        if "number" in kinds:
            return rng.random() * 100
        return self.good_text(schema, name)

    def good_object(self, schema: dict) -> dict:
        made = {}
        for name, of in schema.get("properties", {}).items():
            if name in schema.get("required", []) or self.rng.random() < 0.5:
                made[name] = self.good(of, name)
        if schema.get("additionalProperties") and self.rng.random() < 0.7:
            made[self.word()] = self.rng.choice([1, "a", True, 1.5])
        return made

    def good_text(self, schema: dict, name: str) -> str:
        if name == "email":
            return f"{self.word()}@example.com"
        if "examples" in schema and (self.rng.random() < 0.8 or name not in ("username", "name", "id")):
            if name not in ("username", "name", "id", "client_id", "lab_type", "user_id"):
                return self.rng.choice(schema["examples"])
        return self.word()

    def bad(self):
        """A value that fits hardly any schema."""
        rng = self.rng
        return rng.choice(
            [
                lambda: rng.choice(INTEGERS), lambda: rng.choice(NUMBERS), lambda: rng.choice(TEXTS),
                lambda: Raw(rng.choice(RAW)), lambda: None, lambda: [], lambda: {}, lambda: True,
                lambda: [rng.choice(TEXTS)] * rng.choice([1, 3, 200]), lambda: {rng.choice(TEXTS[:5]): rng.choice(INTEGERS)},
                lambda: {self.word(): n for n in range(rng.choice([1, 101]))},
            ]
        )()  # fmt: skip

    def spoiled(self, value):
        """A good value with one thing wrong somewhere."""
        rng = self.rng
        if isinstance(value, dict) and value and rng.random() < 0.9:
            name = rng.choice(list(value))
            way = rng.randrange(5)
            if way == 0:
                return {n: v for n, v in value.items() if n != name}
            if way == 1:
                return {**value, rng.choice([self.word(), *TEXTS[:6]]): self.bad()}
            return {**value, name: self.spoiled(value[name])}
        if isinstance(value, list) and value and rng.random() < 0.7:
            at = rng.randrange(len(value))
            return [self.spoiled(v) if n == at else v for n, v in enumerate(value)]
        return self.bad()
