"""Answers of any length: they are sent in parts, complete or visibly cut off, and take bounded memory however
slow their reader is."""

import gzip
import http.client
import json
import socket
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from harness import exchange
from harness.daemon import BUSY_SECONDS, VARIANT, WITHOUT_TLS, WRAPPER
from harness.metrics import samples
from harness.wait import until
from harness.wire import Wire

KIB = 1024
MIB = 1024 * KIB
ATTEMPTS = 200_000
STREAMED = 3_000  # attempts whose list is longer than one part
PATH = "/progress/fat"

measures_memory = pytest.mark.skipif(
    VARIANT != "release" or bool(WRAPPER), reason="sanitizers keep what was freed"
)


def fill(server, database: str, count: int) -> None:
    """A user `fat` with that many attempts at one lab, and a user `thin` with none."""
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO users (id, username, email, created_at)"
            " VALUES ('fat', 'fat', 'f@x.org', now()), ('thin', 'thin', 't@x.org', now());"
            "INSERT INTO labs (id, name, description, lab_type, difficulty, created_at)"
            " VALUES ('l', 'Files', 'about files', 'files', 'hard', now());"
            "INSERT INTO lab_attempts (user_id, lab_type, completion_status, time_spent, errors_encountered, timestamp)"
            " SELECT 'fat', 'files', n %% 2 = 0, n %% 500, ARRAY['e' || n, 'permission_denied'],"
            "        timestamp '2025-04-19' + n * interval '1 second' FROM generate_series(1, %s) AS n;"
            "ANALYZE lab_attempts",
            [count],
        )


def rows_of(server, database: str) -> list[dict]:
    """The list of `fat` as it follows from the tables."""
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id, lab_type, completion_status, time_spent, errors_encountered, id,"
            " to_char(timestamp, 'YYYY-MM-DD\"T\"HH24:MI:SS') FROM lab_attempts ORDER BY id"
        )
        names = ("user_id", "lab_type", "completion_status", "time_spent", "errors_encountered", "id", "timestamp")
        lab = {"lab_name": "Files", "lab_description": "about files", "lab_difficulty": "hard"}
        return [{**dict(zip(names, row)), **lab} for row in cursor.fetchall()]


@pytest.fixture
def streaming(fresh, postgres):
    daemon = fresh()
    fill(postgres, daemon.database, STREAMED)
    return daemon


def private(daemon) -> int:
    rollup = Path(f"/proc/{daemon.pid}/smaps_rollup").read_text()
    return KIB * sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_"))


def reader_that_never_reads(daemon, path: str = PATH, version: str = "HTTP/1.1", headers: str = "") -> socket.socket:
    """Asks, waits for an answer and leaves it where it is; a small window keeps most of it where it comes from."""
    where = urlsplit(daemon.url)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect((where.hostname, where.port))
    reader.sendall(f"GET {path} {version}\r\nHost: h\r\n{headers}\r\n".encode())
    assert reader.recv(1, socket.MSG_PEEK)
    return reader


def value_of(daemon, name: str, **labels: str) -> float:
    return samples(daemon.url).of(name, **labels)


def test_a_long_list_is_what_the_rows_are(streaming, postgres):
    with Wire(streaming.url) as wire:
        wire.request("GET", PATH)
        answer = wire.answer()
        assert answer.headers["transfer-encoding"] == "chunked"
        assert json.loads(answer.body) == rows_of(postgres, streaming.database)
        wire.request("GET", "/progress/thin")
        assert wire.answer().body == b"[]", "the connection goes on after it"


def test_a_short_list_has_its_length(streaming, postgres):
    with closing(postgres.connect(streaming.database)) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM lab_attempts WHERE id > 100")
    with Wire(streaming.url) as wire:
        wire.request("GET", PATH)
        answer = wire.answer()
        assert int(answer.headers["content-length"]) == len(answer.body)
        assert json.loads(answer.body) == rows_of(postgres, streaming.database)


def test_a_long_list_over_http_1_0_ends_with_its_connection(streaming, postgres):
    with Wire(streaming.url) as wire:
        wire.request("GET", PATH, version="HTTP/1.0")
        answer = wire.answer()
        assert "transfer-encoding" not in answer.headers and "content-length" not in answer.headers
        assert json.loads(answer.body) == rows_of(postgres, streaming.database)


def test_a_long_list_is_compressed_while_it_is_sent(streaming, postgres):
    with Wire(streaming.url) as wire:
        wire.request("GET", PATH, "Accept-Encoding: gzip")
        answer = wire.answer()
        assert answer.headers["content-encoding"] == "gzip"
        assert json.loads(gzip.decompress(answer.body)) == rows_of(postgres, streaming.database)
        assert len(answer.body) < STREAMED * 40


def test_head_of_a_long_list_that_is_compressed_tells_no_length(streaming):
    """The only length that it may tell is that of what GET sends (RFC 9110, section 8.6)."""
    with Wire(streaming.url) as wire:
        wire.request("HEAD", PATH, "Accept-Encoding: gzip")
        answer = wire.answer("HEAD")
        assert answer.status == 200 and not {"content-length", "transfer-encoding"} & set(answer.headers)
        assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
        assert answer.headers["connection"] == "close" and wire.closed()


def test_head_of_a_long_list_tells_its_length(streaming):
    length = len(exchange.request(streaming.url, "GET", PATH).body)
    with Wire(streaming.url) as wire:
        wire.request("HEAD", PATH)
        assert wire.answer("HEAD").headers["content-length"] == str(length)
        wire.request("HEAD", "/progress/thin")
        assert wire.answer("HEAD").headers["content-length"] == "2"


def test_the_log_and_the_metrics_have_the_bytes_that_were_sent(streaming):
    before = value_of(streaming, "http_response_body_bytes_total")
    body = exchange.request(streaming.url, "GET", PATH).body
    assert value_of(streaming, "http_response_body_bytes_total") - before >= len(body)
    until(lambda: f'"bytes":{len(body)}' in streaming.log_text(), "the line of the request")


def test_an_answer_that_fails_on_the_way_is_visibly_cut_off(own_postgres, start_daemon):
    daemon = start_daemon(DATABASE_URL=own_postgres.url(name := own_postgres.create_database())).ready()
    fill(own_postgres, name, 50_000)
    readers = [reader_that_never_reads(daemon, version=version) for version in ("HTTP/1.1", "HTTP/1.1", "HTTP/1.0")]
    own_postgres.kill()
    for reader, cut in zip(readers, (http.client.IncompleteRead, http.client.IncompleteRead, ConnectionResetError)):
        response = http.client.HTTPResponse(reader)
        response.begin()
        assert response.status == 200
        with pytest.raises(cut):
            response.read()
        reader.close()
    until(lambda: value_of(daemon, "http_answers_cut_total") == 3, "the cut answers to be counted")


def test_a_client_that_leaves_ends_its_answer(fresh, postgres):
    streaming = fresh()
    fill(postgres, streaming.database, 50_000)
    names = [f"reader {n}" * 20 for n in range(5)]
    readers = [reader_that_never_reads(streaming, headers=f"User-Agent: {name}\r\n") for name in names]
    for reader in readers:
        reader.close()
    until(lambda: value_of(streaming, "http_requests_in_flight") == 0, "the answers to end")
    entries = [json.loads(line) for line in streaming.log_text().splitlines() if line.startswith("{")]
    asked = [entry for entry in entries if entry["event"] == "request" and entry["route"] == "/progress/{user_id}"]
    assert sorted(entry["user_agent"] for entry in asked) == names, "what is logged of a request outlives its connection"


def test_a_reader_that_reads_nothing_is_cut_off(fresh, postgres):
    daemon = fresh(WRITE_TIMEOUT_MS="500")
    fill(postgres, daemon.database, 50_000)
    reader = reader_that_never_reads(daemon)
    until(lambda: value_of(daemon, "http_connections_late_total", awaited="reader") == 1, "the watchdog")
    until(lambda: value_of(daemon, "http_requests_in_flight") == 0, "the answer to end")
    reader.close()


def test_a_slow_reader_of_an_answer_that_is_made_at_once_gets_all_of_it(fresh):
    """It takes more than 64 KiB of it within WRITE_TIMEOUT_MS, and the whole takes longer than that."""
    daemon = fresh(WRITE_TIMEOUT_MS="2000", INGEST_LIMIT="60000")
    where, body = urlsplit(daemon.url), b"[" + b",".join([b"{}"] * 60000) + b"]"
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        reader.connect((where.hostname, where.port))
        reader.sendall(b"POST /attempts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        response = http.client.HTTPResponse(reader)
        response.begin()
        got, since = [], time.monotonic()
        while part := response.read(1 << 20):
            got.append(part)
            time.sleep(0.25)  # this is what makes it slow
        assert response.status == 422 and time.monotonic() - since > 2
        assert json.loads(b"".join(got))["failed"] == 60000


def test_slow_readers_hold_no_connection_of_the_database(fresh, postgres):
    daemon = fresh(REPORT_CONNECTIONS="1", WORKERS="1")
    fill(postgres, daemon.database, 50_000)
    readers = [reader_that_never_reads(daemon) for _ in range(4)]
    assert exchange.request(daemon.url, "GET", "/progress/thin").status == 200
    for reader in readers:
        reader.close()


@measures_memory
def test_readers_of_a_users_200000_attempts_take_bounded_memory(fresh, postgres):
    daemon = fresh(WORKERS="2")
    fill(postgres, daemon.database, ATTEMPTS)
    idle = [reader_that_never_reads(daemon) for _ in range(20)]
    peak = private(daemon)
    with httpx.Client(base_url=daemon.url, timeout=60, headers={"Accept-Encoding": "identity"}, **WITHOUT_TLS) as client:
        lengths = [0] * 8
        streams = [client.stream("GET", PATH) for _ in lengths]
        parts = [stream.__enter__().iter_raw() for stream in streams]
        while any(parts):
            for n, reader in enumerate(parts):
                part = next(reader, None) if reader else None
                if part is None:
                    parts[n] = None
                else:
                    lengths[n] += len(part)
            if sum(lengths) % 7 == 0:
                peak = max(peak, private(daemon))
                since = time.monotonic()
                assert client.get("/livez").status_code == 200
                assert time.monotonic() - since < BUSY_SECONDS
    assert len(set(lengths)) == 1 and lengths[0] > ATTEMPTS * 200
    assert peak < 64 * MIB
    for reader in idle:
        reader.close()


def post_slowly(daemon, body: bytes, sent: int) -> socket.socket:
    """A new user's body that is announced whole and sent in part."""
    where = urlsplit(daemon.url)
    client = socket.create_connection((where.hostname, where.port), 30)
    head = f"POST /users/ HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    client.sendall(head.encode())
    try:
        client.sendall(body[:sent])
    except (BrokenPipeError, ConnectionResetError):
        pass
    return client


SMALLEST = [
    b'{"username": "u", "email": "e@x.org", "free": [' + b"0," * 480_000 + b"0]}",  # ignored
    b"[" + b"0," * 480_000 + b"0]",  # printed again in the answer
    b'{"username": [' + b"{}," * 320_000 + b"{}]}",
    b"{" + b'"":0,' * 190_000 + b'"":0}',
]


@measures_memory
@pytest.mark.parametrize("body", SMALLEST, ids=["kept", "list", "member", "names"])
def test_sixteen_bodies_of_the_smallest_values_stay_within_the_limit(fresh, body):
    limit = 128 * MIB
    daemon = fresh(MEMORY_LIMIT=str(limit), WORKERS="2", BODY_LIMIT=str(2 * MIB))
    clients = [post_slowly(daemon, body, len(body) - 1) for _ in range(16)]
    for client in clients:
        client.sendall(body[-1:])
    peak = 0
    for client in clients:
        response = http.client.HTTPResponse(client)
        response.begin()
        assert response.status in (422, 400, 200, 503)
        response.read()
        peak = max(peak, private(daemon))
        client.close()
    assert peak < limit + 16 * MIB
    until(lambda: value_of(daemon, "service_memory_held_bytes") < 8 * MIB, "what was held to be given back")


@measures_memory
def test_unfinished_bodies_stay_within_the_limit_and_others_are_served(fresh):
    limit = 64 * MIB
    daemon = fresh(MEMORY_LIMIT=str(limit), WORKERS="2")
    body = b'{"username":"' + b"x" * (960 * KIB) + b'"}'
    clients = [post_slowly(daemon, body, len(body) - 10) for _ in range(300)]
    until(lambda: value_of(daemon, "service_memory_refused_total") > 0, "the limit to be reached")
    assert private(daemon) < limit + 16 * MIB
    assert exchange.request(daemon.url, "GET", "/livez").status == 200
    assert exchange.request(daemon.url, "GET", "/users/nobody").status == 404
    small = exchange.request(daemon.url, "POST", "/users/", body=b'{"username":"u","email":"u@example.com"}')
    assert small.status == 200
    clients[-1].sendall(body[-10:])
    response = http.client.HTTPResponse(clients[-1])
    response.begin()
    assert response.status == 503 and response.headers["retry-after"]
    for client in clients:
        client.close()
    until(lambda: value_of(daemon, "service_memory_held_bytes") < 8 * MIB, "what was held to be given back")


@measures_memory
def test_one_request_that_names_a_fat_lab_1600_times_stays_within_the_limit(fresh, postgres):
    daemon = fresh(WORKERS="2", MEMORY_LIMIT=str(64 * MIB))
    with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO labs (id, name, description, lab_type, difficulty, created_at)"
            " SELECT 'l', 'Fat', string_agg(md5(n::text), ''), 'fat', 'hard', now() FROM generate_series(1, 8000) AS n"
        )
    body = json.dumps({"lab_types": ["fat"] * 1600}).encode()
    peak = 0
    for _ in range(4):
        answer = exchange.request(daemon.url, "POST", "/lookup", body=body)
        assert answer.status in (200, 413, 503)
        peak = max(peak, private(daemon))
    assert peak < 64 * MIB + 16 * MIB
