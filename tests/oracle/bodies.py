"""Request bodies: wrong ones of all kinds, valid ones written in unusual ways, content types."""

import json
import random

# fmt: off
WRONG = [
    "", " ", "\n", "null", "true", "0", "-1.5", '"x"', "[]", "[{}]", "{}", '[["a"]]', "{", "}", "[", "]",
    "{]", "[}", '"', "'", "{'a':1}", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{"a":1 "b":2}',
    '{"a" 1}', '{"a":}', "{,}", "{:1}", '{"a":1,,"b":2}', "[1,]", "[,1]", "[1 2]", "[1", "[1,",
    '{"a":[1,2}', '{"a":1}}', '{"a":1} x', '{"a":1}{"b":2}', "null null", "nul", "nulll", "NULL", "True",
    "tru", "fals", "undefined", "-", "+1", "01", "-01", "1.", ".5", "1.e5", "1e", "1e+", "0x10", "1_000",
    "--1", "1a", '"\t"', '"\n"', '"\u0000"', '"\u001f"', '"abc', '"\\', '"\\"', '"\\x"', '"\\u"',
    '"\\u12"', '"\\u12g4"', '"\\u 123"', '"\\U0001F600"', "{\"a\":\"\\q\"}", '{"é":1,}', '{"😀":"😀",}',
    '{"日本":x}', "\ufeff\ufeff{}", "{}\ufeff", "\u00a0{}", "{}\u00a0", "\u2028{}", "\x0b{}", "\x0c{}",
    "{}\x00", "/* c */ {}", "// c\n{}", "{} # c", '{"a":1;"b":2}', "{a:1}", '{1:2}', '{"a":1,"b"}',
    '{"a":1,"b":}', "[" * 30, "[" * 30 + "]" * 29, '{"a":' * 20, "<xml/>", "username=a&email=b",
    "---\na: 1", "{\r\n\r\n", '{"username":"x"\r\n"email":1}', " \t\r\n {\"a\" : 1 , } ",
    '{"a":"\\ud83d\\ude00",}', '{"a":1e5,"b":-0,"c":-0.0,"d":1E-7}',
    '[1.0,1e16,1e15,123456789.123,5e-324,1e22,0.1]', '"\\u00e9\\/\\b\\f"',
    '{"a":{"b":{"c":[{"d":[]}]}}}', '{"a":1,"b":2,"a":3}', "1" * 40, "-" + "9" * 40, '{"":1}',
    '{"a":"' + "x" * 300 + '"}',
]
# fmt: on

# fmt: off
CONTENT_TYPES = [
    "application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8",
    "APPLICATION/JSON", "Application/Json ; charset=utf-8", "application/problem+json",
    "application/vnd.api+json", "application/vnd.api+JSON", "application/ld+json; profile=x",
    "application/x+json+xml", "application/+json", "application/jsonx", "application/xjson",
    "application/json-patch", "text/json", "text/plain", "text/plain; charset=utf-8", "text/html",
    "application/xml", "application/octet-stream", "application/x-www-form-urlencoded", "image/svg+json",
    "json", "application", "application/", "/json", "*/*", "application/*",
    "application/json, text/plain", "text/plain, application/json", "application/json/x",
    "application/json;", ";", "application/json; charset=latin-1", "x/y; application/json",
]
# fmt: on


def damaged(chance: random.Random, body: str) -> str:
    """The body with one or two characters lost, doubled, replaced or its end cut off."""
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(body))
        body = chance.choice(
            [
                lambda: body[:at] + body[at + 1 :],
                lambda: body[:at] + body[at] + body[at:],
                lambda: body[:at] + chance.choice('{}[]",:\\0eé \n') + body[at + 1 :],
                lambda: body[:at] + chance.choice('{}[]",:\\0-é\n') + body[at:],
                lambda: body[: max(at, 1)],
            ]
        )()
    return body


def escaped(valid: dict) -> str:
    """Every character of every string as \\uXXXX."""

    def text(value):
        if not isinstance(value, str):
            return json.dumps(value)
        units = value.encode("utf-16-be")
        return '"' + "".join(f"\\u{units[n]:02x}{units[n + 1]:02X}" for n in range(0, len(units), 2)) + '"'

    return "{" + ",".join(f"{text(name)}:{text(value)}" for name, value in valid.items()) + "}"


def spaced(valid: dict) -> str:
    return " \t\r\n" + json.dumps(valid, indent=4, separators=(" ,", "\t: "), ensure_ascii=False) + "\r\n \t"


def doubled(valid: dict) -> str:
    """Each name twice, wrong the first time."""
    first, second = json.dumps({name: {"wrong": 1} for name in valid}), json.dumps(valid, ensure_ascii=False)
    return first[:-1] + "," + second[1:]


def doubled_wrong(valid: dict) -> str:
    """Each name twice, wrong the second time."""
    first, second = json.dumps(valid, ensure_ascii=False), json.dumps({name: {"w": 1} for name in valid})
    return first[:-1] + "," + second[1:]


def with_mark(valid: dict) -> str:
    return "\ufeff" + json.dumps(valid)


def with_nested(valid: dict) -> str:
    return json.dumps({"extra": json.loads("[" * 50 + "]" * 50), **valid})


def in_list(valid: dict) -> str:
    return json.dumps([valid])


def in_text(valid: dict) -> str:
    return json.dumps(json.dumps(valid))


def in_member(valid: dict) -> str:
    return json.dumps({"body": valid})


def other_case(valid: dict) -> str:
    return json.dumps({name.upper(): value for name, value in valid.items() if name != "errors_encountered"})


def backwards(valid: dict) -> str:
    return json.dumps(dict(reversed(valid.items())))


UNUSUAL = [
    escaped,
    spaced,
    doubled,
    doubled_wrong,
    with_mark,
    with_nested,
    in_list,
    in_text,
    in_member,
    backwards,
]
