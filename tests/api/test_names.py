"""Services that move, and name servers that are silent: no call waits longer than necessary."""

import json
import time
from pathlib import Path

import pytest

from harness import exchange
from harness.daemon import BACK_SECONDS, Daemon
from harness.fake import Fake, directory
from harness.names import DNS_PORT, Names, can_be_the_systems, free_loopback
from harness.ports import free_port
from harness.samples import event_body, new_lab, new_user
from harness.wait import until

JSON = {"Content-Type": "application/json"}
USER = {"id": "u", "username": "ada"}
LAB = {"lab_type": "t", "name": "Lab", "description": "d", "difficulty": "beginner"}
GOOD = directory({"u": USER}, [LAB])

RESOLVER_SECONDS = 4.5  # resolv.conf(5): the C library waits 5 s for a name server

pytestmark = pytest.mark.skipif(
    not can_be_the_systems(), reason="may not give a process its own name servers"
)


@pytest.fixture
def names():
    with Names({}, free_loopback(), DNS_PORT) as names:
        yield names


@pytest.fixture
def usage(postgres, start_daemon, names, tmp_path):
    """usage(url, **settings): usage-analytics that asks this name server and that User Progress."""

    def start(url: str, **settings: str) -> Daemon:
        return start_daemon(
            "usage-analytics",
            inside=names.inside(tmp_path),
            WORKERS="1",
            USER_PROGRESS_SERVICE_URL=url,
            **{"DATABASE_URL": postgres.url(postgres.create_database()), **settings},
        )

    return start


def post_event(daemon: Daemon, user: dict, lab: dict) -> int:
    body = json.dumps(event_body(user, lab)).encode()
    return exchange.request(daemon.url, "POST", "/analytics/event", JSON, body).status


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_user_progress_at_another_address_under_its_name_is_found_within_a_second(
    postgres, start_daemon, names, usage
):
    database = postgres.url(postgres.create_database())
    port = free_port()
    here = start_daemon(DATABASE_URL=database, PORT=str(port)).ready()
    names.addresses["up.example"] = ["127.0.0.1"]
    daemon = usage(f"http://up.example:{port}")
    with here.client() as client:
        user, lab = new_user(client), new_lab(client)
    until(lambda: post_event(daemon, user, lab) == 200, "the first event")
    here.kill()
    start_daemon(DATABASE_URL=database, PORT=str(port), BIND_ADDRESS="127.0.0.2").ready()
    names.addresses["up.example"] = ["127.0.0.2"]
    began = time.monotonic()
    until(lambda: post_event(daemon, user, lab) == 200, "it to be found", 30)
    assert time.monotonic() - began < BACK_SECONDS


def test_an_old_address_that_stays_silent_is_given_up_at_once(names, usage):
    port = free_port()
    with Fake(lambda line, asked: line.answer(200, GOOD(asked)), port=port) as old:
        names.addresses["up.example"] = ["127.0.0.1"]
        daemon = usage(f"http://up.example:{port}")
        until(lambda: post_event(daemon, USER, LAB) == 200, "the first event")
        old.behave = lambda line, asked: line.stay_silent()
        with Fake(lambda line, asked: line.answer(200, GOOD(asked)), "127.0.0.2", port):
            names.addresses["up.example"] = ["127.0.0.2"]
            began = time.monotonic()
            until(lambda: post_event(daemon, USER, LAB) == 200, "the new address", 30)
            assert time.monotonic() - began < 1 + BACK_SECONDS  # a lookup may take one


def test_a_name_server_that_falls_silent_disturbs_no_call(names, usage):
    with Fake(lambda line, asked: line.answer(200, GOOD(asked))) as fake:
        names.addresses["up.example"] = ["127.0.0.1"]
        daemon = usage(f"http://up.example:{port_of(fake.url)}")
        until(lambda: post_event(daemon, USER, LAB) == 200, "the first event")
        names.silent = True
        end = time.monotonic() + 2  # longer than an address counts as fresh
        while time.monotonic() < end:
            assert post_event(daemon, USER, LAB) == 200


def test_a_name_whose_server_is_silent_is_503_in_the_time_to_connect_and_delays_no_other_call(names, usage):
    names.silent = True
    daemon = usage("http://up.example:8004")
    until(lambda: exchange.request(daemon.url, "GET", "/analytics/trends").status == 200, "its database")
    for _ in range(3):
        began = time.monotonic()
        assert post_event(daemon, USER, LAB) == 503
        assert time.monotonic() - began < RESOLVER_SECONDS


# Where the database's host is named: in its URL, or in libpq's variables of the environment.
IN_URL = {"DATABASE_URL": "postgresql://{user}@db.example:{port}/{name}"}
IN_ENVIRONMENT = {
    "DATABASE_URL": "postgresql:///{name}",
    "PGHOST": "db.example",
    "PGPORT": "{port}",
    "PGUSER": "{user}",
}
IN_SERVICE = {"DATABASE_URL": "postgresql:///{name}", "PGSERVICE": "main", "PGSERVICEFILE": "{file}"}
SERVICE_FILE = "[main]\nhost=db.example\nport={port}\nuser={user}\n"
NAMED = pytest.mark.parametrize(
    "named", [IN_URL, IN_ENVIRONMENT, IN_SERVICE], ids=["in-url", "in-environment", "in-service"]
)


def settings_of(named: dict[str, str], directory: Path, **values: str) -> dict[str, str]:
    file = directory / "services.conf"
    file.write_text(SERVICE_FILE.format(**values))
    return {name: text.format(file=file, **values) for name, text in named.items()}


@NAMED
def test_a_database_whose_name_server_is_silent_delays_no_other_call(names, usage, tmp_path, named):
    names.silent = True
    with Fake(lambda line, asked: line.answer(200, GOOD(asked))) as fake:
        daemon = usage(fake.url, **settings_of(named, tmp_path, user="nobody", port="5432", name="nothing"))
        end = time.monotonic() + 3
        while time.monotonic() < end:
            began = time.monotonic()
            assert exchange.request(daemon.url, "GET", "/livez").status == 200
            assert time.monotonic() - began < RESOLVER_SECONDS


@NAMED
def test_a_database_is_found_by_its_name_and_where_it_moves_to(postgres, names, usage, tmp_path, named):
    address = postgres.address
    if not address["PGHOST"].startswith("/"):
        pytest.skip("the server is elsewhere")
    settings = settings_of(
        named, tmp_path, user=address["PGUSER"], port=address["PGPORT"], name=postgres.create_database()
    )
    names.addresses["db.example"] = ["127.0.0.9"]  # nobody is there
    password = {name: value for name, value in address.items() if name == "PGPASSFILE"}
    daemon = usage("http://127.0.0.1:9", **settings, **password)
    names.addresses["db.example"] = ["127.0.0.1"]
    until(lambda: exchange.request(daemon.url, "GET", "/analytics/trends").status == 200, "its database", 10)
