"""The export of a person: everything that the three services have, as lines; complete, or not at all."""

import json
import os
import socket
from contextlib import closing
from urllib.parse import quote

import httpx
import pytest
from psycopg2.extras import execute_values

from harness import metrics
from harness.daemon import SERVICES, WITHOUT_TLS, Daemons
from harness.samples import new_lab, new_user
from harness.tokens import MISSING, Issuer, refused
from harness.trio import Trio, person_with_data
from harness.wire import Wire

MANY = int(os.environ.get("PERSON_ROWS", "5000"))  # events of the person in the tests of size


@pytest.fixture(scope="module")
def trio(postgres, tmp_path_factory):
    """Three services that the tests of this file share."""
    directory = tmp_path_factory.mktemp("trio")
    with Daemons(directory) as daemons:
        trio = Trio(daemons, postgres, Issuer(directory)).start_all()
        yield trio
        trio.close()


@pytest.fixture(scope="module")
def progress(trio) -> httpx.Client:
    return trio.of["user-progress"]


@pytest.fixture(scope="module")
def lab(progress) -> dict:
    return new_lab(progress)


def export(trio: Trio, user_id: str, **options) -> httpx.Response:
    return trio.of["user-progress"].get(f"/privacy/people/{quote(user_id, safe='')}", headers=trio.bearer(), **options)


def lines_of(answer: httpx.Response) -> tuple[list[dict], dict]:
    """The lines, and the counts of the last one."""
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson"), answer.text
    *lines, end = [json.loads(line) for line in answer.content.splitlines()]
    assert end["kind"] == "end" and set(end) == {"kind", "counts"}
    return lines, end["counts"]


def data_of(lines: list[dict], kind: str) -> list[dict]:
    return [line["data"] for line in lines if line["kind"] == kind]


def insert_events(trio: Trio, user_id: str, count: int, width: int = 200) -> None:
    with closing(trio.postgres.connect(trio.databases["usage-analytics"])) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp)"
            " SELECT %s, 'l' || n %% 4, 'view', json_build_object('n', n, 'text', repeat('x', %s)), now() - n * interval '1 minute'"
            " FROM generate_series(1, %s) AS n",
            [user_id, width, count],
        )


def test_an_event_that_was_sent_in_several_lines_is_one_line(trio, progress, lab):
    user, _ = person_with_data(trio, lab)
    body = f'{{"user_id":"{user["id"]}","lab_type":"{lab["lab_type"]}","event_type":"pretty","event_data":{{\r\n "a" :\n[1.0]\n}}}}'
    answer = trio.of["usage-analytics"].post("/analytics/event", content=body, headers=trio.bearer())
    assert answer.status_code == 200 and "\n" in answer.text
    lines, _ = lines_of(export(trio, user["id"]))
    assert answer.json() in [{name: item[name] for name in answer.json()} for item in data_of(lines, "event")]


def test_the_lines_are_all_that_the_services_have_and_the_counts_those_of_an_erasure(trio, progress, lab):
    user, expected = person_with_data(trio, lab)
    person_with_data(trio, lab)  # somebody else
    lines, counts = lines_of(export(trio, user["id"]))
    assert counts == expected == trio.erase(user["id"], "?dry_run=true").json()["services"]
    kinds = {"user": "users", "attempt": "lab_attempts", "progress_event": "progress_events", "record": "user_performance", "event": "usage_events"}
    owner = dict.fromkeys(["user", "attempt", "progress_event"], "user-progress") | {"record": "performance-reporting", "event": "usage-analytics"}
    assert [line["kind"] for line in lines] == [kind for kind, table in kinds.items() for _ in range(counts[owner[kind]][table])]
    assert all(line["service"] == owner[line["kind"]] and set(line) == {"service", "kind", "data"} for line in lines)
    assert data_of(lines, "user") == [progress.get(f"/users/{user['id']}").json()]
    assert data_of(lines, "attempt") == exported(trio, "user-progress", "/attempts", user)
    assert data_of(lines, "record") == exported(trio, "performance-reporting", "/performance/records", user)
    assert data_of(lines, "event") == exported(trio, "usage-analytics", "/analytics/events", user)
    for log_id in {event["log_id"] for event in data_of(lines, "progress_event")}:
        history = progress.get(f"/api/progress/log/{log_id}/history", headers=trio.bearer(user["id"])).json()
        versions = [event for event in data_of(lines, "progress_event") if event["log_id"] == log_id]
        assert versions == [{"log_id": log_id, **event} for event in history]


def exported(trio: Trio, service: str, path: str, user: dict) -> list[dict]:
    answer = trio.of[service].get(f"{path}/export", params={"user_id": user["id"], "order": "timestamp"})
    return [json.loads(line) for line in answer.content.splitlines()]


def test_a_person_whose_user_was_deleted_long_ago_is_exported_too(trio, progress, lab):
    user, expected = person_with_data(trio, lab)
    assert progress.delete(f"/users/{user['id']}").status_code == 200
    lines, counts = lines_of(export(trio, user["id"]))
    assert not data_of(lines, "user") and len(data_of(lines, "attempt")) == expected["user-progress"]["lab_attempts"]
    assert counts == trio.erase(user["id"], "?dry_run=true").json()["services"]


@pytest.mark.parametrize("user_id", ["a b&user_id=c+d%/?#", "ü", "x'\"; --"])
def test_any_id_is_that_of_its_person_alone(trio, user_id):
    insert_events(trio, user_id, 3)
    insert_events(trio, user_id + "x", 2)
    lines, counts = lines_of(export(trio, user_id))
    assert [line["data"]["user_id"] for line in lines] == [user_id] * 3
    assert counts["usage-analytics"]["usage_events"] == 3


def test_somebody_of_whom_nothing_exists_is_not_found(trio):
    answer = export(trio, "nobody-at-all")
    assert (answer.status_code, answer.json()) == (404, {"detail": "User not found"})


def test_event_data_is_exported_byte_for_byte(trio, lab, progress):
    user, data = new_user(progress), '{"z":1.0,"a":12345678901234567890123,  "e":"\\u00e9\\/"}'
    body = f'{{"user_id":"{user["id"]}","lab_type":"{lab["lab_type"]}","event_type":"start","event_data":{data}}}'
    trio.of["usage-analytics"].post("/analytics/event", content=body, headers={"Content-Type": "application/json"})
    assert f'"event_data":{data},' in export(trio, user["id"]).text


class TestRights:
    def test_a_token_with_the_scope_privacy_is_required(self, trio, progress):
        path = "/privacy/people/anybody"
        assert refused(progress.get(path), MISSING)
        for scope in (None, "progress:any", "admin", "privacy:any"):
            answer = progress.get(path, headers=trio.bearer("anybody", scope=scope))
            assert (answer.status_code, answer.json()) == (403, {"message": "The token lacks the scope privacy"})

    def test_the_answer_to_head_ends_with_its_header(self, trio, progress):
        user = new_user(progress)
        with Wire(trio.daemons["user-progress"].url) as wire:
            token = f"Authorization: {trio.bearer()['Authorization']}"
            wire.request("HEAD", f"/privacy/people/{user['id']}", token, "Connection: close")
            assert wire.answer("HEAD").status == 200 and wire.rest() == b""

    def test_http_1_0_is_refused(self, trio):
        url = httpx.URL(trio.daemons["user-progress"].url)
        with socket.create_connection((url.host, url.port), timeout=10) as connection:
            token = trio.bearer()["Authorization"]
            connection.sendall(f"GET /privacy/people/x HTTP/1.0\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode())
            assert connection.recv(100).split()[1] == b"505"


class TestSize:
    def test_a_large_export_is_complete_and_takes_bounded_memory(self, trio):
        insert_events(trio, "large", MANY)
        daemon = trio.daemons["user-progress"]
        held = lambda: metrics.samples(daemon.url).of("process_private_memory_bytes")
        before, most, count = held(), 0, 0
        path = f"{daemon.url}/privacy/people/large"
        with httpx.Client(headers=trio.bearer(), timeout=60, **WITHOUT_TLS) as client, client.stream("GET", path) as answer:
            for line in answer.iter_lines():
                count += 1
                if count % 2000 == 0:
                    most = max(most, held())
        assert count == MANY + 1 and json.loads(line)["counts"]["usage-analytics"]["usage_events"] == MANY
        print(f"{MANY} events: {(most - before) / 2**20:.1f} MiB more private memory")
        assert most - before < 24 * 2**20


class TestFaults:
    @pytest.mark.parametrize("away", SERVICES[1:])
    def test_one_service_away_is_503_before_the_first_byte(self, trio, lab, away):
        user, _ = person_with_data(trio, lab)
        trio.daemons[away].kill()
        try:
            answer = export(trio, user["id"])
            assert (answer.status_code, answer.json()) == (503, {"detail": f"{away} does not answer"})
            assert "retry-after" in answer.headers
        finally:
            trio.start(away).ready()
        assert lines_of(export(trio, user["id"]))

    @pytest.mark.parametrize("dies", ["user-progress", "usage-analytics"])
    def test_an_export_that_breaks_later_is_cut_and_never_ends_as_if_it_were_whole(self, trio, dies):
        insert_events(trio, f"cut {dies}", 6000, 4000)  # more than what lies in the buffers of connections
        url = f"{trio.daemons['user-progress'].url}/privacy/people/cut%20{dies}"
        headers = {**trio.bearer(), "Accept-Encoding": "identity"}
        seen = b""
        try:
            with httpx.Client(headers=headers, timeout=60, **WITHOUT_TLS) as client, client.stream("GET", url) as answer:
                assert answer.status_code == 200, answer.read()
                with pytest.raises(httpx.TransportError):
                    for chunk in answer.iter_raw(1000):
                        if not seen:
                            trio.daemons[dies].kill()
                        seen += chunk
            assert seen and b'"kind":"end"' not in seen
        finally:
            trio.start(dies).ready()
