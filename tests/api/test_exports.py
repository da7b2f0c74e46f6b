"""Exports of what was recorded: one moment's rows, of any number, whole or noticed to be broken off."""

import csv
import gzip
import io
import json
import random
import socket
import subprocess
import threading
import time
from contextlib import closing
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from psycopg2.extras import Json

from harness import exchange, metrics
from harness.lists import EPOCH, LISTS, as_query, filled, whole
from harness.samples import faults
from harness.wait import until
from harness.wire import Wire

MANY = 60_000  # rows: more than the buffers between a service and a reader hold


@pytest.fixture(scope="module", params=LISTS, ids=lambda of: of.service)
def of(request):
    return request.param


@pytest.fixture(scope="module")
def daemon(postgres, of, user_progress, tmp_path_factory):
    with filled(postgres, of, user_progress, tmp_path_factory.mktemp("exports"), 300, WORKERS="1") as daemon:
        yield daemon


@pytest.fixture(scope="module")
def client(daemon):
    with daemon.client() as client:
        yield client


@pytest.fixture
def cursor(postgres, daemon):
    with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
        yield cursor


@pytest.fixture
def many(cursor, of):
    """So many rows that an export of them is under way for a while."""
    cursor.execute(f"INSERT INTO {of.table} (user_id, lab_type, timestamp) SELECT 'many', repeat('x', 200), now()"
                   " FROM generate_series(1, %s)", [MANY])  # fmt: skip
    yield MANY
    cursor.execute(f"DELETE FROM {of.table} WHERE user_id = 'many'")


def export(client, of, **query):
    def once():
        answer = client.get(f"{of.path}/export", params=query)
        return answer if answer.status_code != 503 else None

    return until(once, "a free export")


def lines(answer) -> list[dict]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.parametrize("order", ["id", "timestamp"])
def test_an_export_is_the_whole_list(client, of, order):
    answer = export(client, of, order=order)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert lines(answer) == whole(client, of.path, order=order, limit=1000)


def test_json_that_was_sent_in_several_lines_is_in_one_line(client, cursor, of):
    """Byte for byte save the line ends: JSON means the same with spaces there."""
    names = [name for name, value in of.others.items() if isinstance(value, Json)]
    sent = {name: '["a\\n" ,\r\n\t"b",\n"\\r"\n]' if name == "errors" else '{"a\\n" :\r\n\t1,\n"\\r": 2\n}' for name in names}
    cursor.execute(f"INSERT INTO {of.table} ({', '.join(['user_id', *names])}) VALUES ({', '.join(['%s'] * (len(names) + 1))})",
                   ["pretty", *sent.values()])  # fmt: skip
    try:
        answer = export(client, of, user_id="pretty", end="line")
        item, _ = (json.loads(line) for line in answer.text.removesuffix("\n").split("\n"))
        assert all(text.replace("\r", " ").replace("\n", " ") in answer.text for text in sent.values())
        assert [item] == whole(client, of.path, user_id="pretty")
        (row,) = csv.DictReader(io.StringIO(export(client, of, user_id="pretty", format="csv").text, newline=""))
        assert {name: row[name] for name in names} == sent
    finally:
        cursor.execute(f"DELETE FROM {of.table} WHERE user_id = 'pretty'")


def test_filters_are_those_of_the_list(client, of):
    random_ = random.Random(11)
    choices = {"user_id": ["u1", "", "ü/%?&=", "nobody"], "lab_type": ["l1", "l2"], of.special: of.values,
               "from": [EPOCH, EPOCH + timedelta(days=20)], "to": [EPOCH + timedelta(days=21)]}  # fmt: skip
    for _ in range(12):
        names = random_.sample(list(choices), random_.randrange(1, 4))
        query = as_query({name: random_.choice(choices[name]) for name in names})
        order = random_.choice(["id", "timestamp"])
        assert lines(export(client, of, order=order, **query)) == whole(client, of.path, order=order, limit=1000, **query), query


def as_csv(item: dict) -> list[str]:
    def cell(value) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return json.dumps(value)
        return value if isinstance(value, str) else json.dumps(value)

    return [cell(value) for value in item.values()]


def test_csv_has_the_same_values_and_a_header(client, of):
    answer, items = export(client, of, format="csv"), whole(client, of.path, order="id", limit=1000)
    assert answer.headers["content-type"].startswith("text/csv") and answer.text.count("\r\n") == len(items) + 1
    table = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert table[0] == list(items[0])
    for row, item in zip(table[1:], items, strict=True):
        cells = as_csv(item)
        for got, wanted, value in zip(row, cells, item.values()):
            assert got == wanted or json.loads(got) == value
    empty = {line.partition(",")[0] for line in answer.text.split("\r\n")[1:] if line}
    assert '""' in empty and "" in empty


def test_what_a_spreadsheet_would_compute_is_guarded_where_that_is_asked_for(client, cursor, of):
    names = ["=1+1", "+1", "-1", "@x", "\ttab", "plain", 'a"=,\r\n']
    for name in names:
        cursor.execute(f"INSERT INTO {of.table} (user_id, lab_type) VALUES (%s, 'sheet')", [name])
    try:
        for spreadsheet, mark in (("true", "'"), ("false", "")):
            text = export(client, of, format="csv", lab_type="sheet", spreadsheet=spreadsheet).text
            got = [row[0] for row in list(csv.reader(io.StringIO(text, newline="")))[1:]]
            assert got == [mark + name if name[0] in "=+-@\t" else name for name in names]
    finally:
        cursor.execute(f"DELETE FROM {of.table} WHERE lab_type = 'sheet'")


def test_a_number_of_json_is_never_guarded(client, cursor, of):
    names = [name for name, value in of.others.items() if isinstance(value, Json)]
    if not names:
        pytest.skip("its lists are of strings alone")
    cursor.execute(f"INSERT INTO {of.table} (user_id, {names[0]}) VALUES ('-1', '-1')")
    try:
        text = export(client, of, user_id="-1", format="csv", spreadsheet="true").text
        (row,) = csv.DictReader(io.StringIO(text, newline=""))
        assert (row["user_id"], row[names[0]]) == ("'-1", "-1")
    finally:
        cursor.execute(f"DELETE FROM {of.table} WHERE user_id = '-1'")


def test_an_export_goes_on_behind_an_id_and_tells_its_end(client, of):
    items = whole(client, of.path, order="id", limit=1000)
    behind = items[len(items) // 2]["id"]
    got = lines(export(client, of, after_id=behind, end="line"))
    rest = [item for item in items if item["id"] > behind]
    assert got == [*rest, {"end": True, "rows": len(rest), "last_id": rest[-1]["id"]}]
    nothing = lines(export(client, of, user_id="nobody", end="line"))
    assert nothing == [{"end": True, "rows": 0, "last_id": None}]
    for query in ({"order": "timestamp", "after_id": 1}, {"format": "csv", "end": "line"}, {"format": "xml"}, {"from": "x"}):
        assert faults(client.get(f"{of.path}/export", params=query))


def test_the_file_has_a_name_and_head_reads_nothing(client, of):
    for method in (client.get, client.head):
        answer = until(lambda: (a := method(f"{of.path}/export?format=csv&user_id=u1")).status_code == 200 and a, "an export")
        name = answer.headers["content-disposition"]
        assert name.startswith('attachment; filename="') and name.endswith('Z.csv"')
    assert answer.content == b"" and "content-length" not in answer.headers


@pytest.mark.parametrize("format", ["ndjson", "csv"])
def test_the_answer_to_head_ends_with_its_header(daemon, of, format):
    with Wire(daemon.url) as wire:
        wire.request("HEAD", f"{of.path}/export?format={format}", "Connection: close")
        assert wire.answer("HEAD").status == 200 and wire.rest() == b""


def test_http_1_0_cannot_be_told_of_an_end(daemon, of):
    with socket.create_connection((urlsplit(daemon.url).hostname, urlsplit(daemon.url).port)) as connection:
        connection.sendall(f"GET {of.path}/export HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 505 " in answer.split(b"\r\n", 1)[0] and b"proxy_http_version 1.1" in answer


def test_many_rows_arrive_whole_compressed_or_not(client, daemon, of, many):
    for coding in ("identity", "gzip"):
        answer = until(lambda: not_busy(exchange.request(daemon.url, "GET", f"{of.path}/export?user_id=many&end=line",
                                                         {"Accept-Encoding": coding})), "a free export")  # fmt: skip
        assert ("content-length" in answer.headers, answer.headers.get("content-encoding")) == (False, coding if coding == "gzip" else None)
        body = gzip.decompress(answer.body) if coding == "gzip" else answer.body
        *rows, end = body.splitlines()
        assert len(rows) == many and json.loads(end)["rows"] == many
        ids = [json.loads(row)["id"] for row in rows]
        assert ids == sorted(set(ids))


def not_busy(answer: exchange.Answer):
    return answer if answer.status != 503 else None


def test_all_rows_are_of_one_moment(postgres, client, daemon, of, many):
    stop = threading.Event()
    connection = postgres.connect(daemon.database)
    connection.autocommit = False

    def write_pairs() -> None:
        with closing(connection), connection.cursor() as writer:
            n = 0
            while not stop.is_set():
                n += 1
                for half in ("a", "b"):
                    writer.execute(f"INSERT INTO {of.table} (user_id, lab_type) VALUES ('many', %s)", [f"{half}{n}"])
                connection.commit()

    writer = threading.Thread(target=write_pairs)
    writer.start()
    try:
        got = [item["lab_type"] for item in lines(export(client, of, user_id="many"))]
    finally:
        stop.set()
        writer.join()
    halves = [name for name in got if len(name) < 100]
    assert {name[1:] for name in halves if name[0] == "a"} == {name[1:] for name in halves if name[0] == "b"}


def begun(url: str, path: str) -> tuple[HTTPConnection, object]:
    """An export whose first bytes have been read."""
    def begin():
        host = urlsplit(url)
        connection = HTTPConnection(host.hostname, host.port, timeout=30)
        connection.request("GET", path, headers={"Accept-Encoding": "identity"})
        response = connection.getresponse()
        if response.status == 200:
            return connection, response
        connection.close()

    connection, response = until(begin, "a free export")
    assert len(response.read(1000)) == 1000
    return connection, response


def rows_or_error(response) -> int | None:
    """How many rows came; None where the client was told that they are not all."""
    try:
        return response.read().count(b"\n")
    except (HTTPException, ConnectionError):
        return None


@pytest.mark.parametrize("breaks", ["the database", "the daemon"])
def test_an_export_that_is_broken_off_is_noticed(postgres, beside, of, user_progress, breaks):
    daemon = beside(of.service, user_progress, WORKERS="1").ready()
    with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {of.table} (user_id, lab_type) SELECT 'many', repeat('x', 200) FROM generate_series(1, %s)", [MANY])
        connection, response = begun(daemon.url, f"{of.path}/export?user_id=many")
        if breaks == "the daemon":
            daemon.kill()
        else:
            end_export(cursor, daemon)
        assert rows_or_error(response) is None
        connection.close()


def test_as_many_exports_run_at_once_as_there_are_connections_for_them(daemon, of, many):
    connection, _ = begun(daemon.url, f"{of.path}/export?user_id=many")
    refused = exchange.request(daemon.url, "GET", f"{of.path}/export")
    assert refused.status == 503 and refused.headers["retry-after"]
    assert exchange.request(daemon.url, "GET", of.path).status == 200
    connection.close()
    until(lambda: not_busy(exchange.request(daemon.url, "GET", f"{of.path}/export?user_id=nobody")), "the export of a reader that left to end")


def test_the_exports_that_run_and_the_age_of_the_oldest_are_to_be_seen(daemon, of, many):
    def shown() -> tuple[float, float]:
        found = metrics.samples(daemon.url)
        return found.of("exports_running"), found.of("exports_oldest_age_seconds")

    until(lambda: shown() == (0, 0), "the exports of other tests to end")
    since = time.monotonic()
    connection, _ = begun(daemon.url, f"{of.path}/export?user_id=many")
    until(lambda: shown()[1] > 0.5, "an export to grow old")
    running, age = shown()
    assert running == 1 and age <= time.monotonic() - since
    connection.close()
    until(lambda: shown() == (0, 0), "the export of a reader that left to end")


def test_curl_says_whether_an_export_is_whole(cursor, daemon, of, many, tmp_path):
    """Status 18 is CURLE_PARTIAL_FILE; the reader is slower than the service, so that the end is still to come."""
    got = tmp_path / "got"
    command = ["curl", "-sS", "-o", str(got), f"{daemon.url}{of.path}/export?user_id=many"]
    until(lambda: subprocess.run(command, check=True) and got.stat().st_size > 1000, "a free export")
    assert got.read_bytes().count(b"\n") == many
    got.unlink()
    slow = subprocess.Popen([*command, "--limit-rate", "1M"], stderr=subprocess.PIPE, text=True)
    until(lambda: got.exists() and got.stat().st_size > 1000, "the first rows")
    end_export(cursor, daemon)
    _, said = slow.communicate(timeout=60)
    assert slow.returncode == 18, said
    assert 0 < got.read_bytes().count(b"\n") < many


def end_export(cursor, daemon) -> None:
    cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND query LIKE 'FETCH%%'", [daemon.database])
    assert cursor.rowcount == 1


def test_a_scoped_token_exports_its_own_user_s_rows_alone(beside, user_progress, issuer, of):
    settings = {"AUTH_REQUIRED": "on", "AUTH_SUBJECT_SCOPED": "on", **issuer.settings}
    daemon = beside(of.service, user_progress, **settings).ready()
    with daemon.client(headers={"Authorization": f"Bearer {issuer.token('ann')}"}) as client:
        assert client.get(f"{of.path}/export?user_id=bob").status_code == client.get(f"{of.path}/export").status_code == 403
        assert export(client, of, user_id="ann").status_code == 200


LITTLE = {"MEMORY_LIMIT": str(32 << 20), "WORKERS": "1"}


def test_memory_of_an_export_does_not_grow_with_its_rows(postgres, user_progress, of, tmp_path):
    """Most of all as CSV, where a list of strings becomes JSON text first."""
    with filled(postgres, of, user_progress, tmp_path, 0, **LITTLE) as daemon:
        with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
            others = {"errors_encountered": "'{}'"} if of.service == "user-progress" else {}
            cursor.execute(f"INSERT INTO {of.table} ({', '.join(['user_id', 'timestamp', *others])})"
                           f" SELECT {', '.join(['%s', 'now()', *others.values()])} FROM generate_series(1, 90000)", ["many"])  # fmt: skip
        got = exchange.request(daemon.url, "GET", f"{of.path}/export?format=csv")
        assert got.status == 200 and got.body.count(b"\r\n") == 90001


@pytest.mark.parametrize("order", ["id", "timestamp"])
def test_rows_of_any_size_follow_one_another_in_little_memory(postgres, user_progress, order, tmp_path):
    """Where many small rows are followed by large ones, those that were fetched together do not fit."""
    of = next(of for of in LISTS if of.service == "usage-analytics")
    sizes = [20] * 1500 + [700_000] * 70 + [20] * 1500 + [50_000] * 900 + [700_000] * 70
    with filled(postgres, of, user_progress, tmp_path, 0, **LITTLE) as daemon:
        with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO usage_events (user_id, lab_type, event_type, event_data, timestamp)"
                           " SELECT 'u', 'l', 'view', json_build_object('x', repeat('x', size)), now() + n * interval '1 ms'"
                           " FROM unnest(%s) WITH ORDINALITY AS s (size, n)", [sizes])  # fmt: skip
        with closing(urlopen(f"{daemon.url}{of.path}/export?order={order}", timeout=60)) as rows:
            assert [len(json.loads(row)["event_data"]["x"]) for row in rows] == sizes
