"""Bearer tokens: which are accepted, and what the others are answered."""

import hashlib
import hmac
import subprocess
import time

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness.daemon import WITHOUT_TLS, Daemons, binary, database_of
from harness.samples import lab_body, new_lab, new_user, token
from harness.tokens import AUDIENCE, ISSUER, MISSING, Key, ask, base64url, refused

EXPIRED = "Token has expired"
SERVICE_TOKEN = "a-token-that-services-share"


@pytest.fixture(scope="module")
def guarded(postgres, tmp_path_factory, issuer):
    """A service that requires a token for every call; a token reaches only its own user."""
    settings = {"AUTH_REQUIRED": "on", "AUTH_SUBJECT_SCOPED": "on", "SERVICE_TOKEN": SERVICE_TOKEN}
    with Daemons(tmp_path_factory.mktemp("guarded")) as daemons:
        url = postgres.url(database_of("user-progress", postgres))
        yield daemons.start(DATABASE_URL=url, **issuer.settings, **settings).ready()


@pytest.fixture
def client(guarded):
    with guarded.client() as client:
        yield client


def claims(**others) -> dict:
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "someone", "exp": int(time.time()) + 600, **others}


def test_a_call_without_a_token_learns_that_it_is_missing(client):
    assert refused(ask(client), MISSING)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Basic c29tZW9uZTo=",
        "Bearer x",
        "Bearer a.b.c",
        "Token {good}",
        "Bearer {good}x",
        "Bearer {good}.x",
        "Bearer {good} {good}",
        "{good}",
    ],
)
def test_what_is_not_a_bearer_token_is_refused(client, issuer, authorization):
    assert refused(ask(client, authorization.replace("{good}", issuer.token())))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_case_of_the_scheme_does_not_matter(client, issuer, scheme):
    assert ask(client, f"{scheme} {issuer.token()}").status_code == 200


def test_an_expired_token_is_refused_as_expired(client, issuer):
    assert refused(ask(client, f"Bearer {issuer.token(exp=int(time.time()) - 60)}"), EXPIRED)


def test_clocks_may_differ_by_30_seconds(client, issuer):
    now = int(time.time())
    assert ask(client, f"Bearer {issuer.token(exp=now - 15)}").status_code == 200
    assert ask(client, f"Bearer {issuer.token(nbf=now + 15)}").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://elsewhere.example.com/"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": []},
        {"exp": None},
        {"exp": "tomorrow"},
        {"nbf": 4102444800},
        {"iss": ISSUER[:-1]},
        {"sub": 7},
    ],
)
def test_a_token_whose_claims_are_wrong_is_refused(client, issuer, wrong):
    said = {name: value for name, value in claims(**wrong).items() if value is not None}
    assert refused(ask(client, f"Bearer {issuer.signed({'alg': 'RS256', 'kid': 'first'}, said)}"))


def test_an_audience_may_be_one_of_several(client, issuer):
    assert ask(client, f"Bearer {issuer.token(aud=['https://other', AUDIENCE])}").status_code == 200


def test_a_token_without_a_signature_is_refused(client):
    for alg in ("none", "None", "NONE"):
        head = base64url({"alg": alg, "kid": "first"})
        assert refused(ask(client, f"Bearer {head}.{base64url(claims())}."))


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(client, issuer):
    for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1):
        secret = issuer.key.private.public_key().public_bytes(Encoding.PEM, form)
        body = f'{base64url({"alg": "HS256", "kid": "first"})}.{base64url(claims())}'
        signature = hmac.new(secret, body.encode(), hashlib.sha256).digest()
        assert refused(ask(client, f"Bearer {body}.{base64url(signature)}"))


def test_the_key_is_never_the_token_s_own(client, issuer):
    mine = Key("first")
    for header in (
        {"jwk": mine.jwk},
        {"jku": "https://evil.example.com/jwks.json"},
        {"x5u": "https://evil.example.com/"},
    ):
        assert refused(ask(client, f"Bearer {issuer.token(key=mine, headers=header)}"))


@pytest.mark.parametrize(
    "headers", [{"crit": ["exp"]}, {"kid": "unknown"}, {"kid": 7}, {"typ": "secevent+jwt"}, {"alg": "PS256"}]
)
def test_a_token_whose_header_is_not_understood_is_refused(client, issuer, headers):
    header = {"alg": "RS256", "kid": "first", **headers}
    assert refused(ask(client, f"Bearer {issuer.signed(header, claims())}"))


def test_a_token_that_was_changed_is_refused(client, issuer):
    head, body, signature = issuer.token().split(".")
    other = issuer.token(sub="another").split(".")[1]
    assert refused(ask(client, f"Bearer {head}.{other}.{signature}"))
    assert refused(ask(client, f"Bearer {head}.{body}.{signature[:-10]}"))


def test_malformed_tokens_are_refused(client, issuer):
    good = issuer.token()
    assert refused(ask(client, f"Bearer {good}.{good.split('.')[0]}.x"))  # five segments, as a JWE has
    assert refused(ask(client, f"Bearer {issuer.token(padding='x' * 9000)}"))


def test_not_configured_only_the_progress_log_is_missing(fresh, issuer):
    with fresh().client(headers=issuer.bearer()) as client:
        for method, path in (
            ("GET", "/api/progress/x"),
            ("POST", "/api/progress/log"),
            ("DELETE", "/api/progress/log/1"),
        ):
            answer = client.request(method, path)
            assert (answer.status_code, answer.json()) == (
                503,
                {"message": "Authentication is not configured"},
            )
        assert new_user(client)


def test_the_token_is_checked_before_anything_else(client):
    assert refused(client.post("/api/progress/log", content=b"{"), MISSING)
    assert refused(client.post("/users/", json={}), MISSING)
    assert refused(client.get("/users/?limit=x"), MISSING)


def test_every_call_except_the_open_ones_requires_a_token(client, issuer):
    document = client.get("/openapi.json").json()
    seen = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answer = client.request(method, path.replace("{", "").replace("}", ""))
            assert (answer.status_code == 401) == bool(operation["security"]), (method, path)
            seen.add(path if answer.status_code != 401 else "guarded")
    assert {"/", "/livez", "/readyz", "guarded"} <= seen


def test_a_user_s_token_or_the_services_own_is_accepted_by_every_other_call(client, issuer):
    for bearer in (issuer.token(), SERVICE_TOKEN):
        headers = {"Authorization": f"Bearer {bearer}"}
        assert client.post("/labs/", json=lab_body(), headers=headers).status_code == 200
    for wrong in (SERVICE_TOKEN + "x", SERVICE_TOKEN[:-1], SERVICE_TOKEN[:-1] + "X", SERVICE_TOKEN.upper()):
        assert refused(ask(client, f"Bearer {wrong}", "/users/"))


def test_metrics_require_a_token_or_the_services_own(client, issuer):
    assert refused(client.get("/metrics"), MISSING)
    for bearer in (issuer.token(), SERVICE_TOKEN):
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {bearer}"})
        assert answer.status_code == 200 and "http_requests_total" in answer.text
    assert refused(ask(client, f"Bearer {SERVICE_TOKEN}x", "/metrics"))


def test_the_progress_log_requires_a_user_s_token(client):
    assert refused(ask(client, f"Bearer {SERVICE_TOKEN}"))


def test_a_preflight_needs_no_token(client):
    headers = {
        "Origin": "https://a.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    assert client.options("/api/progress/x", headers=headers).status_code == 200


def test_a_scoped_token_gives_access_only_to_the_user_of_its_subject(client, issuer):
    service = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    one, two = (
        client.post("/users/", json={"username": n, "email": f"{n}@example.com"}, headers=service).json()[
            "id"
        ]
        for n in (token(), token())
    )
    own, other = issuer.bearer(one), issuer.bearer(two)
    entry = client.post("/api/progress/log", json={"user_id": one, "n": 1}, headers=own).json()["id"]

    def calls(headers):
        yield client.post("/api/progress/log", json={"user_id": one, "n": 1}, headers=headers)
        yield client.get(f"/api/progress/{one}", headers=headers)
        yield client.get(f"/api/progress/summary/{one}", headers=headers)
        yield client.put(f"/api/progress/log/{entry}", json={"n": 2}, headers=headers)
        yield client.get(f"/api/progress/log/{entry}/history", headers=headers)
        yield client.post(f"/api/progress/log/{entry}/rollback", json={"version": 1}, headers=headers)
        yield client.delete(f"/api/progress/log/{entry}", headers=headers)
        yield client.delete(f"/api/progress/user/{one}/logs", headers=headers)

    for headers in (other, issuer.bearer(None), issuer.bearer(two, scope="progress:anything xprogress:any")):
        for answer in calls(headers):
            assert (answer.status_code, answer.json()) == (
                403,
                {"message": "The token does not reach this user"},
            )
    with_scope = issuer.bearer(two, scope="openid progress:any")
    assert [answer.status_code for answer in calls(with_scope)] == [201, 200, 200, 200, 200, 200, 200, 200]
    entry = client.post("/api/progress/log", json={"user_id": one, "n": 1}, headers=own).json()["id"]
    assert [answer.status_code for answer in calls(own)] == [201, 200, 200, 200, 200, 200, 200, 200]


def test_without_scoping_a_token_gives_access_to_every_user(fresh, issuer):
    with fresh(**issuer.settings).client(headers=issuer.bearer("another")) as client:
        user = new_user(client)["id"]
        assert client.post("/api/progress/log", json={"user_id": user, "n": 1}).status_code == 201


def test_services_send_each_other_their_token(guarded, start_daemon, postgres, issuer):
    settings = {"AUTH_REQUIRED": "on", "SERVICE_TOKEN": SERVICE_TOKEN, **issuer.settings}
    reports = start_daemon(
        "performance-reporting",
        DATABASE_URL=postgres.url(database_of("performance-reporting", postgres)),
        USER_PROGRESS_SERVICE_URL=guarded.url,
        **settings,
    ).ready()
    with guarded.client(headers=issuer.bearer()) as own, reports.client(headers=issuer.bearer()) as client:
        user, lab = new_user(client), new_lab(own)
        record = {"user_id": user["id"], "lab_type": lab["lab_type"], "completion_time": 3, "success": True}
        assert client.post("/performance/record", json=record).status_code == 200
        for path in ("/users/", "/performance/user/x"):
            assert refused(httpx.get(reports.url + path, **WITHOUT_TLS), MISSING)


@pytest.mark.parametrize("service", ["performance-reporting", "usage-analytics"])
def test_a_refusal_of_user_progress_is_passed_on_with_the_scheme_that_it_requires(guarded, beside, service):
    with beside(service, guarded.url).ready().client() as client:
        assert refused(client.get("/users/"), MISSING)
        assert refused(client.post("/labs/", json=lab_body(), headers={"Authorization": "Bearer x"}))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (
            {
                "AUTH_JWKS_URL": "http://tenant.example.com/jwks.json",
                "AUTH_ISSUER": "i",
                "AUTH_AUDIENCE": "a",
            },
            "AUTH_JWKS_URL",
        ),
        ({"AUTH_JWKS_URL": "file:/x", "AUTH_AUDIENCE": "a"}, "AUTH_ISSUER"),
        ({"AUTH_JWKS_URL": "file:/x", "AUTH_ISSUER": "i"}, "AUTH_AUDIENCE"),
        ({"AUTH0_DOMAIN": "tenant.example.com"}, "AUTH_AUDIENCE"),
        ({"AUTH0_DOMAIN": "https://tenant.example.com", "AUTH_AUDIENCE": "a"}, "AUTH0_DOMAIN"),
        ({"AUTH_REQUIRED": "on"}, "AUTH_REQUIRED"),
        ({"AUTH_REQUIRED": "yes"}, "AUTH_REQUIRED"),
        ({"SERVICE_TOKEN": "guessed"}, "SERVICE_TOKEN"),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_line(settings, named):
    done = subprocess.run(
        [binary("user-progress")],
        env={"DATABASE_URL": "postgresql:///x", "PORT": "0", **settings},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and named in done.stderr
    assert "guessed" not in done.stderr
