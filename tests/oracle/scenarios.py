"""The requests that are sent to the original User Progress, always the same ones.

A scenario stands alone: it makes the users and labs that it needs, under names that no other scenario uses.
Requests that this project answers in its own way carry `ours` (see record.py); requests whose answer neither
the documents nor the contract fix (an attempt without `errors_encountered`, an empty `id`) are not made.
"""

import json
import random
from typing import Iterator

import bodies
import emails
from values import INTEGER_MEMBERS, OUT_OF_COLUMN, odd_values

JSON = {"Content-Type": "application/json"}
UNKNOWN_ID = 2_000_000_000  # of an attempt that no test makes
ATTEMPT = f"/progress/lab-attempt/{UNKNOWN_ID}"


class Scenario:
    """Requests in their order; `prefix` makes the names of this scenario its own."""

    def __init__(self, name: str, number: int):
        self.name = name
        self.prefix = f"s{number}"
        self.requests: list[dict] = []
        self.made = 0

    def ask(self, method: str, path: str, body=None, headers: dict | None = None, **more) -> None:
        given = {name: value for name, value in more.items() if value is not None}
        request = {"scenario": self.name, "method": method, "path": path, **given}
        if body is not None:
            headers = JSON if headers is None else headers
            request["body"] = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        if headers:
            request["headers"] = headers
        self.requests.append(request)

    def fresh(self) -> str:
        """A name that nothing has yet."""
        self.made += 1
        return f"{self.prefix}n{self.made}"

    def user(self, **members) -> dict:
        name = self.fresh()
        return {"username": name, "full_name": "Ada L", "email": f"{name}@example.com", **members}

    def lab(self, **members) -> dict:
        name = self.fresh()
        return {
            "name": name,
            "description": "d",
            "lab_type": f"{self.prefix}-type",
            "difficulty": "beginner",
            **members,
        }

    def attempt(self, **members) -> dict:
        return {
            "user_id": f"{self.prefix}-user",
            "lab_type": f"{self.prefix}-type",
            "completion_status": True,
            "time_spent": 300,
            "errors_encountered": ["permission_denied"],
            **members,
        }

    def make_user(self) -> None:
        self.ask("POST", "/users/", self.user(id=f"{self.prefix}-user"))

    def make_lab(self) -> None:
        self.ask("POST", "/labs/", self.lab(id=f"{self.prefix}-lab"))

    def make_attempt(self) -> None:
        self.make_user()
        self.make_lab()
        self.ask("POST", "/progress/lab-attempt", self.attempt(), save={"attempt": "id"})


# Every write: method, path, what it needs, a valid body of it.
WRITES = {
    "create-user": ("POST", "/users/", None, Scenario.user),
    "update-user": ("PUT", "/users/{prefix}-user", Scenario.make_user, Scenario.user),
    "create-lab": ("POST", "/labs/", None, Scenario.lab),
    "update-lab": ("PUT", "/labs/{prefix}-lab", Scenario.make_lab, Scenario.lab),
    "create-attempt": ("POST", "/progress/lab-attempt", Scenario.make_attempt, Scenario.attempt),
    "update-attempt": ("PUT", "/progress/lab-attempt/{attempt}", Scenario.make_attempt, Scenario.attempt),
}

def with_member(valid: dict, member: str, text: str) -> str:
    """The body with one member's JSON text replaced."""
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in valid.items()} | {member: text}
    return "{" + ",".join(f'"{name}":{value}' for name, value in texts.items()) + "}"


def ask_member(s: Scenario, write: str, writes: dict, member: str, text: str) -> None:
    method, path, _, valid = writes[write]
    more = {}
    if member in INTEGER_MEMBERS and text in OUT_OF_COLUMN:
        more["ours"] = {"status": 422, "loc": [["body", member]]}
    if member == "id" and text in ('"\\u00e9"', '"\\ud83d\\ude00"'):  # again, escaped
        more["ours"] = refused(
            "User id already exists" if write == "create-user" else "Lab id already exists"
        )
    s.ask(method, path.replace("{prefix}", s.prefix), with_member(valid(s), member, text), **more)


def each_member(number: Iterator[int], writes: dict, kind: type = Scenario) -> Iterator[Scenario]:
    """One member at a time: every odd value, left out, an unknown one beside it."""
    for write, (method, path, prepare, valid) in writes.items():
        members = list(valid(kind("", 0))) + (["id"] if write in ("create-user", "create-lab") else [])
        for member in members:
            s = kind(f"{write}/{member}", next(number))
            if prepare:
                prepare(s)
            texts = [t for t in emails.AS_JSON if member == "email"] + odd_values(member)
            for text in texts:
                ask_member(s, write, writes, member, text)
            if member != "errors_encountered":
                left_out = {name: value for name, value in valid(s).items() if name != member}
                s.ask(method, path.replace("{prefix}", s.prefix), left_out)
            s.ask(method, path.replace("{prefix}", s.prefix), {**valid(s), "unknown": {member: [1, None]}})
            yield s


def several_members(
    number: Iterator[int], chance: random.Random, writes: dict, kind: type = Scenario
) -> Iterator[Scenario]:
    """Several members wrong at once: all faults, in declared order."""
    for write, (method, path, prepare, valid) in writes.items():
        s = kind(f"{write}/several", next(number))
        if prepare:
            prepare(s)
        for _ in range(18):
            body = {name: json.dumps(value, ensure_ascii=False) for name, value in valid(s).items()}
            for member in chance.sample(list(body), chance.randint(2, len(body))):
                wrong = [v for v in odd_values(member) if v not in OUT_OF_COLUMN]
                if chance.random() < 0.2 and member != "errors_encountered":
                    del body[member]
                else:
                    body[member] = chance.choice(wrong)
            names = chance.sample(list(body), len(body))
            text = "{" + ",".join(f'"{name}":{body[name]}' for name in names) + "}"
            s.ask(method, path.replace("{prefix}", s.prefix), text)
        yield s


def whole_bodies(
    number: Iterator[int], chance: random.Random, writes: dict, kind: type = Scenario
) -> Iterator[Scenario]:
    """Bodies that are no JSON, no object, or an object written in an unusual way."""
    for write, (method, path, prepare, valid) in writes.items():
        s = kind(f"{write}/body", next(number))
        if prepare:
            prepare(s)
        asked = path.replace("{prefix}", s.prefix)
        for body in bodies.WRONG if write == "create-user" else chance.sample(bodies.WRONG, 12):
            s.ask(method, asked, body)
        for _ in range(60 if write == "create-user" else 14):
            s.ask(method, asked, bodies.damaged(chance, json.dumps(valid(s), ensure_ascii=False)))
        for write_again in bodies.UNUSUAL:
            s.ask(method, asked, write_again(valid(s)))
        yield s


def content_types(number: Iterator[int]) -> Iterator[Scenario]:
    s = Scenario("content-type", next(number))
    for content_type in bodies.CONTENT_TYPES:
        s.ask("POST", "/users/", s.user(), {"Content-Type": content_type})
    for content_type in ("text/plain", "application/json", "application/xml"):
        s.ask("POST", "/users/", "", {"Content-Type": content_type})
        s.ask("POST", "/labs/", " ", {"Content-Type": content_type})
    s.ask("POST", "/labs/", 'naïve "text"\n😀', {"Content-Type": "text/plain"})
    s.requests.append({"scenario": s.name, "method": "POST", "path": "/users/", "body": json.dumps(s.user())})
    s.requests.append({"scenario": s.name, "method": "POST", "path": "/users/"})
    yield s


QUERIES = """skip=0 skip=1 limit=1 limit=2&skip=1 skip=100 limit=1000 limit=0 skip=007 skip=+2 skip=%2B2 skip=-0
skip=1_0 skip=1.0 skip=2.00 skip=1.5 skip= skip limit= limit skip=%20%201%20 skip=1&skip=2
skip=x&skip=0 skip=0&skip=x limit=x&skip=y skip=null skip=true skip=0x1 skip=1e1 skip=%D9%A7
skip=%EF%BC%97 skip=%C2%B2 skip=1;limit=1 skip=1&&limit=1 &skip=1 skip=1& skip==1 SKIP=x Skip=x
skip[]=1 unknown=1 unknown %73kip=1 sk%69p=x skip=%22 skip=a%26b skip=a%3Db skip=%E2%82%AC
skip=%F0%9F%98%80 skip=a+b skip=%09 skip=1%0A skip=%0A1""".split()

BEYOND = {
    "limit=-1": [["query", "limit"]],
    "skip=-1": [["query", "skip"]],
    "skip=-1&limit=-1": [["query", "skip"], ["query", "limit"]],
    "limit=1001": [["query", "limit"]],
    "skip=99999999999999999999": [["query", "skip"]],
    "skip=-99999999999999999999&limit=x": [["query", "skip"], ["query", "limit"]],
}


def lists(number: Iterator[int]) -> Iterator[Scenario]:
    for path, body in (("/users/", Scenario.user), ("/labs/", Scenario.lab)):
        s = Scenario(f"list{path}", next(number))
        for _ in range(4):
            s.ask("POST", path, body(s))
        for query in QUERIES:
            s.ask("GET", f"{path}?{query}")
        for query, places in BEYOND.items():
            s.ask("GET", f"{path}?{query}", ours={"status": 422, "loc": places})
        yield s


# `N` stands for UNKNOWN_ID.
PATH_INTEGERS = """0 -1 00N +N %20N N%20 N.0 N.5 2_000_000_000 abc true null %20 5e1 0x5 %D9%A7 %EF%BC%97 N,0 N;0 %2BN
-0 --5 N%0A %E2%82%AC a%26b=c %22 '""".replace(
    "N", str(UNKNOWN_ID)
).split()


def paths(number: Iterator[int]) -> Iterator[Scenario]:
    s = Scenario("path-integers", next(number))
    s.make_attempt()
    for text in PATH_INTEGERS:
        s.ask("DELETE", f"/progress/lab-attempt/{text}")
    for text in PATH_INTEGERS[:10]:
        s.ask("PUT", f"/progress/lab-attempt/{text}", s.attempt(time_spent="x"))
    for text in ("2147483648", "-2147483649"):
        s.ask("DELETE", f"/progress/lab-attempt/{text}")
    too_large = {"status": 422, "loc": [["path", "attempt_id"]]}
    s.ask("DELETE", "/progress/lab-attempt/99999999999999999999", ours=too_large)
    s.ask("PUT", ATTEMPT, s.attempt())
    s.ask("DELETE", ATTEMPT)
    yield s

    s = Scenario("routes", next(number))
    for path in """/ /users /labs /users/ /labs/ /users/x/ /labs/x/ /labs/type /labs/type/ /labs/type/x/ /progress /progress/ /progress/x/
        /progress/stats /progress/stats/ /progress/stats/x /progress/stats/x/ /progress/lab-attempt /progress/lab-attempt/
        /progress/lab-attempt/N /progress/lab-attempt/N/ /users// //users/ /users//x /users/x// /users/x/y /labs/type/x/y /nope /nope/ /Users/ /USERS
        /users/x?a=b /users?skip=1&limit=2 /labs?x=%C3%A9 /users/%C3%BC /users/%C3%BC/ /users/a%20b /users/a%20b/ /users/a+b /users/a%2Bb
        /users/.. /users/. /users/../labs/ /labs/type/%E6%97%A5 /users/a;b /users/a:b@c /users/~x /users/%7Ex /users/'x' /users/x,y
        /users/x.json /labs/x%3Fy /labs/x%23y /openapi.json/ /users/%41 /%75sers/x /progress/%F0%9F%98%80""".split():
        dotted = {"ours": {"status": 404, "response": {"detail": "Not Found"}}} if "/." in path else {}
        s.ask("GET", path.replace("N", str(UNKNOWN_ID)), **dotted)
    for method in ("PATCH", "OPTIONS", "DELETE", "PUT", "POST"):
        for path in (
            "/",
            "/users/",
            "/users/x",
            "/labs/type/x",
            "/progress/stats/x",
            "/progress/x",
            "/progress/lab-attempt",
            ATTEMPT,
            "/users",
            "/users/x/",
            "/nope",
        ):
            if not (
                method in ("POST", "PUT")
                and path in ("/users/", "/users/x", "/progress/lab-attempt", ATTEMPT)
            ):
                s.ask(method, path)
    yield s


def ids(number: Iterator[int]) -> Iterator[Scenario]:
    """The caller's own ids, in bodies, paths and messages."""
    s = Scenario("own-ids", next(number))
    for own, path in (
        ("ü", "%C3%BC"),
        ("a b", "a%20b"),
        ("a+b", "a+b"),
        ("日本", "%E6%97%A5%E6%9C%AC"),
        ("😀", "%F0%9F%98%80"),
        ('"q"', "%22q%22"),
        ("a%41", "a%2541"),
        ("type", "type"),
        ("null", "null"),
        ("<i>", "%3Ci%3E"),
        ("7", "7"),
    ):
        for plural, body in (("users", s.user(id=own)), ("labs", s.lab(id=own))):
            s.ask("POST", f"/{plural}/", body)
            s.ask("GET", f"/{plural}/{path}")
            s.ask("DELETE", f"/{plural}/{path}")
            s.ask("GET", f"/{plural}/{path}")
    yield s


def conflicts(number: Iterator[int]) -> Iterator[Scenario]:
    s = Scenario("conflicts", next(number))
    one, two = s.user(id=f"{s.prefix}-1"), s.user(id=f"{s.prefix}-2")
    lab, other = s.lab(id=f"{s.prefix}-1"), s.lab(id=f"{s.prefix}-2")
    for path, body in (("/users/", one), ("/users/", two), ("/labs/", lab), ("/labs/", other)):
        s.ask("POST", path, body)
    s.ask("POST", "/users/", one)
    s.ask("POST", "/users/", {**s.user(), "email": one["email"].upper()})
    s.ask("POST", "/users/", {**s.user(), "email": one["email"].replace("example", "EXAMPLE")})
    s.ask("POST", "/users/", {**s.user(), "username": one["username"].upper()})
    s.ask("POST", "/users/", {**s.user(), "username": one["username"]})
    s.ask("POST", "/users/", {**s.user(), "username": one["username"], "email": two["email"]})
    s.ask("POST", "/users/", s.user(id=one["id"]), ours=refused("User id already exists"))
    s.ask(
        "PUT", f"/users/{two['id']}", {**two, "email": one["email"]}, ours=refused("Email already registered")
    )
    s.ask(
        "PUT",
        f"/users/{two['id']}",
        {**two, "username": one["username"]},
        ours=refused("Username already taken"),
    )
    s.ask("PUT", f"/users/{two['id']}", {**one}, ours=refused("Email already registered"))
    s.ask("PUT", f"/users/{two['id']}", {**two, "id": one["id"]})
    s.ask("PUT", f"/users/{two['id']}", {"username": two["username"], "email": two["email"]})
    s.ask(
        "PUT", f"/users/{two['id']}", {"username": two["username"], "email": two["email"], "full_name": None}
    )
    s.ask("GET", f"/users/{two['id']}")
    s.ask("POST", "/labs/", lab)
    s.ask("POST", "/labs/", s.lab(id=lab["id"]), ours=refused("Lab id already exists"))
    s.ask(
        "PUT", f"/labs/{other['id']}", {**other, "name": lab["name"]}, ours=refused("Lab name already exists")
    )
    s.ask("PUT", f"/labs/{other['id']}", {**other, "lab_type": "x", "id": lab["id"]})
    s.ask("GET", f"/labs/{other['id']}")
    s.ask("GET", "/labs/type/x")
    for path in ("/users/nope", "/labs/nope"):
        s.ask("PUT", path, one if "users" in path else lab)
        s.ask("PUT", path, {})
        s.ask("DELETE", path)
    yield s


def refused(detail: str) -> dict:
    return {"status": 400, "response": {"detail": detail}}


def histories(number: Iterator[int], chance: random.Random) -> Iterator[Scenario]:
    """Attempts of two users in several labs, changed and deleted, and every report on the way."""
    for which in range(1, 10):
        s = Scenario(f"history-{which}", next(number))
        types = [f"{s.prefix}-{t}" for t in ("a", "b", "ü")][: chance.randint(1, 3)]
        for user in ("1", "2"):
            s.ask("POST", "/users/", s.user(id=f"{s.prefix}-{user}"))
        for n in range(chance.randint(len(types), 5)):
            s.ask(
                "POST",
                "/labs/",
                s.lab(id=f"{s.prefix}-lab{n}", lab_type=types[n % len(types)], difficulty=f"d{n}"),
            )
        saved: list[str] = []
        for n in range(chance.randint(6, 10)):
            user = f"{s.prefix}-{chance.choice('12')}"
            body = s.attempt(
                user_id=user,
                lab_type=chance.choice(types),
                completion_status=chance.random() < 0.6,
                time_spent=chance.choice([0, 1, 7, 300, chance.randrange(10**6), -5]),
                errors_encountered=chance.choice([None, [], ["e"], ["é", "f"]]),
            )
            if saved and chance.random() < 0.25:
                s.ask("PUT", "/progress/lab-attempt/{" + chance.choice(saved) + "}", body)
            elif saved and chance.random() < 0.15:
                s.ask("DELETE", "/progress/lab-attempt/{" + saved.pop(chance.randrange(len(saved))) + "}")
            else:
                s.ask("POST", "/progress/lab-attempt", body, save={f"attempt{n}": "id"})
                saved.append(f"attempt{n}")
            if chance.random() < 0.4:
                s.ask("GET", f"/progress/stats/{user}")
        if chance.random() < 0.6:
            s.ask("DELETE", f"/labs/{s.prefix}-lab0")
        for user in ("1", "2"):
            s.ask("GET", f"/progress/{s.prefix}-{user}")
            s.ask("GET", f"/progress/stats/{s.prefix}-{user}")
        s.ask("GET", "/users/?limit=1")
        s.ask("GET", "/labs/?skip=1")
        s.ask("GET", f"/labs/type/{types[0]}")
        s.ask("DELETE", f"/users/{s.prefix}-1")
        s.ask("GET", f"/progress/{s.prefix}-1")
        s.ask("GET", f"/progress/stats/{s.prefix}-1")
        s.ask("POST", "/progress/lab-attempt", s.attempt(user_id=f"{s.prefix}-1", lab_type=types[0]))
        s.ask("POST", "/progress/lab-attempt", s.attempt(user_id=f"{s.prefix}-2", lab_type="no é <type>"))
        yield s


def addresses(number: Iterator[int], chance: random.Random) -> Iterator[Scenario]:
    s = Scenario("email-addresses", next(number))
    for address in emails.ADDRESSES + emails.made(chance, 90):
        s.ask("POST", "/users/", {"username": s.fresh(), "email": address})
    yield s


def user_progress_scenarios() -> Iterator[Scenario]:
    chance = random.Random(8004)
    number = iter(range(1, 10_000))
    yield from each_member(number, WRITES)
    yield from several_members(number, chance, WRITES)
    yield from whole_bodies(number, chance, WRITES)
    yield from content_types(number)
    yield from lists(number)
    yield from paths(number)
    yield from ids(number)
    yield from conflicts(number)
    yield from histories(number, chance)
    yield from addresses(number, chance)
