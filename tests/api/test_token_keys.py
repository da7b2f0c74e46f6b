"""The keys of tokens: where they come from, and what happens when they change or cannot be fetched."""

import http.server
import threading
import time

import httpx
import pytest

from harness.daemon import WITHOUT_TLS
from harness.samples import new_user
from harness.tls import certificate
from harness.tokens import AUDIENCE, MISSING, Issuer, Key, ask, refused
from harness.wait import until


@pytest.fixture
def own_issuer(tmp_path):
    """One whose keys the test changes."""
    return Issuer(tmp_path)


def test_the_algorithm_belongs_to_the_key(own_issuer, fresh):
    curve = Key("curve", "ES256")
    own_issuer.publish(own_issuer.key, curve)
    with fresh(**own_issuer.settings).client() as client:
        assert ask(client, f"Bearer {own_issuer.token(key=curve)}").status_code == 200
        assert ask(client, f"Bearer {own_issuer.token()}").status_code == 200
        assert refused(ask(client, f"Bearer {own_issuer.token(headers={'kid': 'curve'})}"))


def test_replaced_keys_are_used_at_once(own_issuer, fresh):
    daemon = fresh(WORKERS="2", **own_issuer.settings)
    old, new = own_issuer.token(), Key("second", "ES256")
    with daemon.client() as client:
        assert ask(client, f"Bearer {old}").status_code == 200
        own_issuer.publish(new)
        assert ask(client, f"Bearer {own_issuer.token(key=new)}").status_code == 200
        assert refused(ask(client, f"Bearer {old}"))
    for _ in range(10):  # connections of their own, which either worker takes
        assert (
            ask(httpx.Client(base_url=daemon.url, **WITHOUT_TLS), f"Bearer {own_issuer.token(key=new)}").status_code == 200
        )
        assert refused(ask(httpx.Client(base_url=daemon.url, **WITHOUT_TLS), f"Bearer {old}"))


def test_unknown_keys_fetch_the_set_only_from_time_to_time(own_issuer, fresh):
    second, third = Key("second"), Key("third")
    with fresh(**own_issuer.settings).client() as client:
        own_issuer.publish(own_issuer.key, second)
        assert ask(client, f"Bearer {own_issuer.token(key=second)}").status_code == 200
        own_issuer.publish(own_issuer.key, second, third)
        assert refused(ask(client, f"Bearer {own_issuer.token(key=third)}"))
        assert ask(client, f"Bearer {own_issuer.token(key=second)}").status_code == 200


@pytest.mark.parametrize(
    "content", ["", "garbage", "{}", '{"keys":[]}', '{"keys":[{"kty":"oct","k":"AAAA"}]}', "[" * 100000]
)
def test_the_last_valid_keys_are_kept(own_issuer, fresh, content):
    daemon = fresh(**own_issuer.settings)
    with daemon.client() as client:
        good = own_issuer.token()
        assert ask(client, f"Bearer {good}").status_code == 200
        own_issuer.write(content)
        assert refused(ask(client, f"Bearer {own_issuer.token(key=Key('other'))}"))
        assert "cannot fetch the key set" in daemon.log_text()
        assert ask(client, f"Bearer {own_issuer.token(sub='another')}").status_code == 200


def test_a_service_starts_without_keys_and_uses_them_once_they_are_there(own_issuer, fresh):
    own_issuer.path.unlink()
    with fresh(**own_issuer.settings).client() as client:
        answer = ask(client, f"Bearer {own_issuer.token()}")
        assert (
            answer.status_code == 503 and list(answer.json()) == ["message"] and answer.headers["retry-after"]
        )
        assert refused(ask(client), MISSING)
        assert new_user(client)
        own_issuer.publish(own_issuer.key)
        until(lambda: ask(client, f"Bearer {own_issuer.token()}").status_code == 200, "the keys to be read")


@pytest.fixture
def tenant(tmp_path, own_issuer):
    """
    An https server with a certificate of its own authority that publishes the issuer's keys. While its gate is not set
    it does not answer.
    """
    own_issuer.gate, own_issuer.waiting = threading.Event(), threading.Event()
    own_issuer.gate.set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if not own_issuer.gate.is_set():
                own_issuer.waiting.set()
                own_issuer.gate.wait(30)
            content = own_issuer.path.read_bytes()
            self.send_response(200 if self.path == "/.well-known/jwks.json" else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # a client need not wait
    server.socket = certificate(tmp_path).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    domain = f"localhost:{server.server_address[1]}"
    own_issuer.domain, own_issuer.ca_file = domain, str(tmp_path / "ca.pem")
    yield own_issuer
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_tenant_s_keys_come_over_https_also_after_they_rotate(tenant, fresh):
    settings = {"AUTH0_DOMAIN": tenant.domain, "AUTH_AUDIENCE": AUDIENCE, "AUTH_CA_FILE": tenant.ca_file}
    second = Key("second", "ES256")
    issued = {"iss": f"https://{tenant.domain}/"}
    with fresh(**settings).client() as client:
        first = f"Bearer {tenant.token(**issued)}"
        until(lambda: ask(client, first).status_code == 200, "the keys to be fetched")
        tenant.publish(second)
        assert ask(client, f"Bearer {tenant.token(key=second, **issued)}").status_code == 200
        assert refused(ask(client, first))


def test_while_newer_keys_are_fetched_a_token_with_one_of_them_is_not_called_invalid(tenant, fresh):
    settings = {"AUTH0_DOMAIN": tenant.domain, "AUTH_AUDIENCE": AUDIENCE, "AUTH_CA_FILE": tenant.ca_file}
    second = Key("second", "ES256")
    issued = {"iss": f"https://{tenant.domain}/"}
    daemon = fresh(WORKERS="2", REQUEST_TIMEOUT_MS="60000", **settings)
    answers = []
    with daemon.client() as client, daemon.client() as another:
        first = f"Bearer {tenant.token(**issued)}"
        until(lambda: ask(client, first).status_code == 200, "the keys to be fetched")
        tenant.publish(tenant.key, second)
        tenant.gate.clear()
        newer = f"Bearer {tenant.token(key=second, **issued)}"
        asking = threading.Thread(target=lambda: answers.append(ask(another, newer)), daemon=True)
        asking.start()
        assert tenant.waiting.wait(30)
        busy = ask(client, newer)
        assert busy.status_code == 503 and busy.headers["retry-after"], busy.text
        assert ask(client, first).status_code == 200
        tenant.gate.set()
        asking.join()
        assert [answer.status_code for answer in answers] == [200]
        assert ask(client, newer).status_code == 200


def test_a_call_with_much_time_does_not_wait_longer_for_newer_keys_than_others(tenant, fresh):
    settings = {"AUTH0_DOMAIN": tenant.domain, "AUTH_AUDIENCE": AUDIENCE, "AUTH_CA_FILE": tenant.ca_file}
    issued = {"iss": f"https://{tenant.domain}/"}
    daemon = fresh(WORKERS="1", AUTH_REQUIRED="on", REQUEST_TIMEOUT_MS="2000", EXPORT_TIMEOUT_MS="600000", **settings)
    with daemon.client() as client:
        until(lambda: ask(client, f"Bearer {tenant.token(**issued)}").status_code == 200, "the keys to be fetched")
        tenant.gate.clear()
        unknown = f"Bearer {tenant.token(key=Key('other'), **issued)}"
        began = time.monotonic()
        assert refused(ask(client, unknown, "/attempts/export"))
        assert tenant.waiting.is_set() and time.monotonic() - began < 15
        until(lambda: ask(client, unknown).status_code == 401, "nobody to wait for the set any more")
        tenant.gate.set()


def test_a_tenant_with_an_untrusted_certificate_is_not_believed(tenant, fresh):
    daemon = fresh(AUTH0_DOMAIN=tenant.domain, AUTH_AUDIENCE=AUDIENCE)
    with daemon.client() as client:
        until(lambda: "cannot fetch the key set" in daemon.log_text(), "the fetch to fail")
        assert ask(client, f"Bearer {tenant.token(iss=f'https://{tenant.domain}/')}").status_code == 503
