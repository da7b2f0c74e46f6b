"""Users and labs on the ports of the other two services: User Progress' own answers, passed on."""

import re

import httpx
import pytest

from harness import exchange
from harness.samples import created, detail, lab_body, new_lab, new_user, token, user_body

PASSED_ON = ("content-type", "location", "allow", "link", "x-total-count", "etag")


@pytest.fixture(scope="module", params=["performance-reporting", "usage-analytics"])
def other(request, services) -> str:
    """The address of a service that forwards."""
    return services[request.param]


@pytest.fixture(scope="module")
def client(other):
    with httpx.Client(base_url=other, timeout=30) as client:
        yield client


def test_users_are_made_listed_shown_changed_and_deleted(client, api):
    user = created(client.post("/users/", json=user_body(full_name="Ada L")))
    assert api.get(f"/users/{user['id']}").json() == user == client.get(f"/users/{user['id']}").json()
    body = user_body()
    changed = created(client.put(f"/users/{user['id']}", json=body))
    assert (changed["username"], changed["full_name"]) == (body["username"], "Ada L")
    assert api.get(f"/users/{user['id']}").json() == changed
    everyone = client.get("/users/?limit=1000")
    assert everyone.text == api.get("/users/?limit=1000").text and changed in everyone.json()
    gone = client.delete(f"/users/{user['id']}")
    assert gone.json() == {"status": "success", "message": f"User {user['id']} deleted"}
    assert api.get(f"/users/{user['id']}").status_code == 404


def test_labs_are_made_listed_shown_changed_and_deleted(client, api):
    lab = created(client.post("/labs/", json=lab_body()))
    assert api.get(f"/labs/{lab['id']}").json() == lab == client.get(f"/labs/{lab['id']}").json()
    changed = created(client.put(f"/labs/{lab['id']}", json={**lab_body(), "lab_type": lab["lab_type"]}))
    assert client.get(f"/labs/type/{lab['lab_type']}").json() == [changed]
    assert changed in client.get("/labs/?limit=1000").json()
    assert client.delete(f"/labs/{lab['id']}").json()["message"] == f"Lab {lab['id']} deleted"
    assert api.get(f"/labs/{lab['id']}").status_code == 404


REQUESTS = [
    ("GET", "/users/nope", None),
    ("GET", "/labs/nope", None),
    ("GET", "/labs/type/nope", None),
    ("DELETE", "/users/nope", None),
    ("PUT", "/users/nope", b'{"username":"x","email":"x@example.com"}'),
    ("POST", "/users/", b"{}"),
    ("POST", "/users/", b""),
    ("POST", "/users/", b"{"),
    ("POST", "/users/", b"\xff"),
    ("POST", "/users/", b'{"username":1,"email":"x"}'),
    ("POST", "/labs/", b'{"name":"x"}'),
    ("PUT", "/labs/nope", b"[]"),
    ("GET", "/users/?limit=-1&skip=x", None),
    ("GET", "/users/?limit=1001", None),
    ("GET", "/users/?limit=2&skip=1&total=true", None),
    ("GET", "/labs/?limit=1", None),
    ("GET", "/users", None),
    ("POST", "/users", b"{}"),
    ("GET", "/labs?skip=1&limit=2", None),
    ("PUT", "/users/x/", b"{}"),
    ("GET", "/labs/type/%C3%A9/?a=%20", None),
    ("DELETE", "/labs/x/", None),
    ("PATCH", "/users/", None),
    ("DELETE", "/users/", None),
    ("POST", "/users/x", b"{}"),
    ("PATCH", "/labs/x", b"{}"),
    ("OPTIONS", "/labs/type/x", None),
    ("BREW", "/users/x", None),
    ("GET", "/users/x/y", None),
    ("GET", "/labs/type/x/y", None),
    ("GET", "/users/%2e%2e%2f", None),
    ("GET", "/users/..%2f..%2flookup", None),
    ("GET", "/users/%00", None),
    ("GET", "/users/%ff", None),
    ("GET", "/users/a%20b?c=%26", None),
    ("HEAD", "/users/", None),
    ("HEAD", "/users/nope", None),
    ("HEAD", "/users", None),
]


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS, ids=lambda value: str(value)[:40])
def test_every_request_gets_user_progress_own_answer(other, user_progress, method, path, body):
    headers = {"Content-Type": "application/json"} if body is not None else {}
    own, passed = (exchange.request(url, method, path, headers, body) for url in (user_progress, other))
    assert (passed.status, passed.body) == (own.status, own.body)
    for name in PASSED_ON:
        assert passed.headers.get(name) == own.headers.get(name), name


def test_a_body_without_a_content_type_is_read_as_json_and_another_type_is_refused(other):
    for headers, status in (({}, 200), ({"Content-Type": "text/plain"}, 422)):
        body = httpx.Request("POST", "http://x/", json=user_body()).content
        assert exchange.request(other, "POST", "/users/", headers, body).status == status


@pytest.mark.parametrize("path", ["/users", "/labs?skip=1", "/users/x/", "/performance/user/x/", "/nope/"])
def test_a_redirect_stays_on_the_port_that_was_asked(other, path):
    answer = exchange.request(other, "GET", path)
    location = answer.headers.get("location", "/")
    assert answer.status in (307, 404) and not re.match(r"//|[a-z]+:", location)


def test_a_conflict_is_told_as_user_progress_tells_it(client, api):
    user, lab = new_user(api), new_lab(api)
    taken = client.post("/users/", json=user_body(email=user["email"]))
    assert (taken.status_code, detail(taken)) == (400, "Email already registered")
    named = client.post("/labs/", json=lab_body(name=lab["name"]))
    assert (named.status_code, detail(named)) == (400, "Lab name already exists")


def test_ids_of_any_characters_arrive_as_they_were_sent(client, api):
    for own, path in (
        ("ü/ %", "%C3%BC%2F%20%25"),
        ("a+b;c", "a%2Bb%3Bc"),
        ("日本?#", "%E6%97%A5%E6%9C%AC%3F%23"),
    ):
        name = f"{token()}{own}"
        user = new_user(api, id=name)
        assert client.get(f"/users/{name[:32]}{path}").json() == user
        assert client.delete(f"/users/{name[:32]}{path}").status_code == 200


def test_a_large_list_comes_whole(client, api):
    lab_type = f"type-{token()}"
    for _ in range(40):
        created(client.post("/labs/", json=lab_body(lab_type=lab_type, description="d" * 50_000)))
    answer = client.get(f"/labs/type/{lab_type}")
    assert len(answer.content) > 2_000_000 and answer.text == api.get(f"/labs/type/{lab_type}").text


def test_origins_are_echoed_once(client):
    answer = client.get("/users/nope", headers={"Origin": "http://ui.example"})
    assert answer.headers.get_list("access-control-allow-origin") == ["http://ui.example"]
    preflight = client.options(
        "/users/", headers={"Origin": "http://ui.example", "Access-Control-Request-Method": "POST"}
    )
    assert preflight.status_code == 200


def test_a_create_that_is_sent_again_under_its_key_is_made_once(client):
    body, headers = user_body(), {"Idempotency-Key": token()}
    first, again = (client.post("/users/", json=body, headers=headers) for _ in range(2))
    assert (again.status_code, again.text) == (200, first.text)


def test_an_unchanged_user_is_not_sent_again(client, api):
    user = new_user(api)
    tag = client.get(f"/users/{user['id']}").headers["etag"]
    again = client.get(f"/users/{user['id']}", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_nothing_but_users_and_labs_is_passed_on(other):
    for method, path in (
        ("POST", "/lookup"),
        ("GET", "/progress/x"),
        ("GET", "/usersx"),
        ("GET", "/labsx/"),
        ("GET", "/Users/"),
        ("GET", "//users/"),
    ):
        answer = exchange.request(other, method, path, {"Content-Type": "application/json"}, b"{}")
        assert (answer.status, answer.text) == (404, '{"detail":"Not Found"}'), path
