"""Unusual databases: with other defaults, in another encoding, at the end of their ids, with old rows."""

import time
from contextlib import closing

import pytest

from harness import exchange, metrics
from harness.daemon import BACK_SECONDS
from harness.samples import attempt_body, event_body, new_attempt, new_lab, new_user, record_body
from harness.wait import until

ODD = {
    "standard_conforming_strings": "off",
    "TimeZone": "America/Lima",
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "bytea_output": "escape",
    "default_transaction_isolation": "serializable",
    "extra_float_digits": "0",
    "enable_indexscan": "off",
}

LAST = 2**31 - 1  # of an integer

# A service: the table with its ids, and a call that takes one.
TABLES = {
    "user-progress": ("lab_attempts", "/progress/lab-attempt", attempt_body),
    "performance-reporting": ("user_performance", "/performance/record", record_body),
    "usage-analytics": ("usage_events", "/analytics/event", event_body),
}


@pytest.fixture
def someone(api):
    return new_user(api), new_lab(api)


@pytest.fixture
def own(postgres, start_daemon, user_progress):
    """own(service, database): a daemon on it; User Progress' own users are the shared one's."""

    def start(service: str, database: str):
        return start_daemon(
            service, DATABASE_URL=postgres.url(database), USER_PROGRESS_SERVICE_URL=user_progress
        ).ready()

    return start


def test_a_database_with_odd_defaults_works(postgres, own):
    name = postgres.create_database()
    with closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
        for setting, value in ODD.items():
            cursor.execute(f'ALTER DATABASE "{name}" SET {setting} = %s', [value])
    with own("user-progress", name).client() as client:
        user, lab = new_user(client), new_lab(client, description="back\\slash 'quote'")
        attempt = new_attempt(client, user, lab, errors_encountered=["a\\b", "c'd"])
        assert attempt["lab_description"] == "back\\slash 'quote'"
        assert client.get(f"/progress/{user['id']}").json() == [attempt]
        assert client.get(f"/users/{user['id']}").json() == user
        stats = client.get(f"/progress/stats/{user['id']}").json()
        assert stats["total_attempts"] == 1


@pytest.mark.parametrize("service", ["performance-reporting", "usage-analytics"])
def test_the_other_services_work_on_odd_defaults_too(postgres, own, someone, service):
    name, (_, path, body_of) = postgres.create_database(), TABLES[service]
    user, lab = someone
    with closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
        for setting, value in ODD.items():
            cursor.execute(f'ALTER DATABASE "{name}" SET {setting} = %s', [value])
    with own(service, name).client() as client:
        made = client.post(path, json=body_of(user, lab))
        assert made.status_code == 200, made.text
        report = f"/performance/lab/{lab['lab_type']}" if service == "performance-reporting" else (
            f"/analytics/usage/lab/{lab['lab_type']}"
        )
        assert client.get(report).status_code == 200


CALLS = {
    "user-progress": ("/users/", "/progress/x", "/users/?limit=0"),
    "performance-reporting": ("/performance/user/x", "/performance/lab/x", "/users/"),
    "usage-analytics": ("/analytics/trends", "/analytics/usage/lab/x", "/labs/"),
}


@pytest.mark.parametrize("service", CALLS)
def test_on_a_database_in_another_encoding_every_call_but_livez_is_503_and_the_log_names_it_once(
    postgres, start_daemon, user_progress, service
):
    name = postgres.create_database(options="ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    daemon = start_daemon(service, DATABASE_URL=postgres.url(name), USER_PROGRESS_SERVICE_URL=user_progress)
    until(lambda: "LATIN1" in daemon.log_text(), "the encoding to be noticed")
    for path in ("/", "/docs", "/redoc", "/openapi.json", "/metrics", "/readyz", *CALLS[service]):
        answer = exchange.request(daemon.url, "GET", path)
        assert (answer.status, answer.headers.get("retry-after")) == (503, "1"), path
    _, path, _ = TABLES[service]
    assert exchange.request(daemon.url, "POST", path, body=b"{}").status == 503
    assert exchange.request(daemon.url, "GET", "/livez").status == 200
    assert daemon.log_text().count("LATIN1") == 1


@pytest.mark.parametrize("service", TABLES)
def test_the_end_of_the_ids_is_announced_and_widening_them_ends_it(postgres, own, someone, service):
    name, (table, path, body_of) = postgres.create_database(), TABLES[service]
    own(service, name).stop()
    with closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, LAST - 1])
        daemon = own(service, name).settled()  # a step that makes an index and a change of the table wait for each other
        used = lambda: metrics.samples(daemon.url).of("database_ids_used_percent")
        until(lambda: used() >= 99, "the ids to be looked at")
        assert "ids run out" in daemon.log_text() and table in daemon.log_text()
        with daemon.client() as client:
            own_ones = (new_user(client), new_lab(client)) if service == "user-progress" else someone
            body = body_of(*own_ones)
            assert client.post(path, json=body).json()["id"] == LAST
            refused = client.post(path, json=body)
            assert refused.status_code == 503 and "retry-after" in refused.headers
            assert "reached maximum value of sequence" in daemon.log_text()
            cursor.execute(f"ALTER TABLE {table} ALTER id TYPE bigint")
            cursor.execute(f"ALTER SEQUENCE {table}_id_seq AS bigint")
            since = time.monotonic()
            until(lambda: client.post(path, json=body).status_code == 200, "the first row after it", 30)
            assert time.monotonic() - since < BACK_SECONDS
            made = client.post(path, json=body)
            assert made.status_code == 200 and made.json()["id"] > LAST
            assert client.put(f"{path}/{made.json()['id']}", json=body).status_code == 200
            assert client.delete(f"{path}/{made.json()['id']}").status_code == 200


def test_a_keyed_call_that_meets_a_column_of_another_type_is_answered_as_one_without_a_key(postgres, own):
    name = postgres.create_database()
    with own("user-progress", name).settled().client() as client:

        def post(n: int):
            body = {"username": f"u{n}", "email": f"u{n}@example.com", "full_name": "U"}
            return client.post("/users/", json=body, headers={"Idempotency-Key": f"k{n}"})

        for n in range(8):  # until the statements are prepared
            assert post(n).status_code == 200
        with closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
            cursor.execute("ALTER TABLE users ALTER full_name TYPE text")
        made = [post(n) for n in range(8, 16)]
        assert [answer.status_code for answer in made] == [200] * 8
        assert all("retry-after" not in answer.headers for answer in made)
        again = post(8)
        assert again.json() == made[0].json() and again.headers["idempotency-replayed"] == "true"


def test_rows_kept_for_a_day_are_deleted_on_an_existing_schema_too(postgres, own):
    name = postgres.create_database()
    own("user-progress", name).stop()
    with closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO write_slots SELECT gen_random_uuid(), n, now() - n * interval '12 hours'"
            " FROM generate_series(1, 6) n"
        )
        cursor.execute(
            "INSERT INTO idempotency_keys (key, request, status, created_at)"
            " SELECT 'k' || n, '', 200, now() - n * interval '12 hours' FROM generate_series(1, 6) n"
        )
        daemon = own("user-progress", name)
        assert exchange.request(daemon.url, "GET", "/users/x").status == 404

        def left(table: str, of: str) -> int:
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {of} < now() - interval '1 day'")
            return cursor.fetchone()[0]

        until(lambda: left("write_slots", "at") + left("idempotency_keys", "created_at") == 0, "the old rows to go")
        cursor.execute("SELECT count(*) FROM idempotency_keys")
        assert cursor.fetchone()[0] in (1, 2)
