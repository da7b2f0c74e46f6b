"""A database of the original is taken as it is, and the original goes on working with it."""

import pytest

from harness.original import described, run
from harness.samples import attempt_body, new_attempt, new_lab, new_user, token

# The tables as the original's ORM makes them.
TABLES = """
CREATE TABLE users (id VARCHAR NOT NULL, username VARCHAR, full_name VARCHAR, email VARCHAR,
    created_at TIMESTAMP WITHOUT TIME ZONE, last_active TIMESTAMP WITHOUT TIME ZONE, PRIMARY KEY (id));
CREATE UNIQUE INDEX ix_users_username ON users (username);
CREATE UNIQUE INDEX ix_users_email ON users (email);
CREATE INDEX ix_users_id ON users (id);
CREATE TABLE labs (id VARCHAR NOT NULL, name VARCHAR, description TEXT, lab_type VARCHAR, difficulty VARCHAR,
    created_at TIMESTAMP WITHOUT TIME ZONE, updated_at TIMESTAMP WITHOUT TIME ZONE, PRIMARY KEY (id));
CREATE UNIQUE INDEX ix_labs_name ON labs (name);
CREATE INDEX ix_labs_lab_type ON labs (lab_type);
CREATE TABLE lab_attempts (id SERIAL NOT NULL, user_id VARCHAR, lab_type VARCHAR, completion_status BOOLEAN,
    time_spent INTEGER, errors_encountered VARCHAR[], timestamp TIMESTAMP WITHOUT TIME ZONE, PRIMARY KEY (id));
CREATE INDEX ix_lab_attempts_user_id ON lab_attempts (user_id);
"""

ROWS = """
INSERT INTO users VALUES ('full', 'ada', 'Ada L', 'ada@example.com', '2025-04-19 08:30:38.538812', '2025-04-19 08:30:38.538812'),
    ('bare', NULL, NULL, NULL, NULL, NULL), ('odd id/%', 'odd', '', 'not an address', 'epoch', '9999-12-31 23:59:59.999999');
INSERT INTO labs VALUES ('lab', 'Filesystem Lab', 'd', 'filesystem', 'beginner', '2025-04-19 08:31:38', NULL),
    ('bare', NULL, NULL, 'bare-type', NULL, NULL, NULL), ('none', 'No type', NULL, NULL, NULL, NULL, NULL);
INSERT INTO lab_attempts (user_id, lab_type, completion_status, time_spent, errors_encountered, timestamp) VALUES
    ('full', 'filesystem', true, 300, '{permission_denied,file_not_found}', '2025-04-19 08:32:45.855898'),
    ('full', 'gone-type', NULL, NULL, NULL, NULL), ('full', NULL, false, 7, '{NULL,"a,b"}', '2025-04-19 08:32:46'),
    ('full', 'bare-type', true, NULL, '{}', '2025-04-19 08:32:47'), (NULL, NULL, NULL, NULL, NULL, NULL);
"""

NAMES = ("users", "labs", "lab_attempts")

# What the original's ORM sends, by the columns that it names.
STATEMENTS = """
INSERT INTO users (id, username, full_name, email, created_at, last_active) VALUES ('{t}', '{t}', NULL, '{t}@example.com', now(), now());
SELECT id, username, full_name, email, created_at, last_active FROM users WHERE email = '{t}@example.com' LIMIT 1;
UPDATE users SET full_name = 'x', last_active = now() WHERE id = '{t}';
INSERT INTO labs (id, name, description, lab_type, difficulty, created_at, updated_at) VALUES ('{t}', '{t}', 'd', '{t}', 'd', now(), now());
UPDATE labs SET description = 'e', updated_at = now() WHERE id = '{t}';
INSERT INTO lab_attempts (user_id, lab_type, completion_status, time_spent, errors_encountered, timestamp)
    VALUES ('{t}', '{t}', true, 5, ARRAY['e']::varchar[], now()) RETURNING id;
SELECT id, user_id, lab_type, completion_status, time_spent, errors_encountered, timestamp FROM lab_attempts WHERE user_id = '{t}';
UPDATE lab_attempts SET time_spent = 6 WHERE user_id = '{t}';
DELETE FROM lab_attempts WHERE user_id = '{t}';
DELETE FROM labs WHERE id = '{t}';
DELETE FROM users WHERE id = '{t}';
"""


@pytest.fixture
def database_name(postgres) -> str:
    name = postgres.create_database()
    run(postgres, name, TABLES)
    run(postgres, name, ROWS)
    return name


@pytest.fixture
def client(postgres, database_name, start_daemon):
    with start_daemon(DATABASE_URL=postgres.url(database_name)).ready().client() as client:
        yield client


def test_rows_of_the_original_are_answered(client):
    assert client.get("/users/full").text == (
        '{"username":"ada","full_name":"Ada L","email":"ada@example.com","id":"full",'
        '"created_at":"2025-04-19T08:30:38.538812","last_active":"2025-04-19T08:30:38.538812"}'
    )
    assert client.get("/users/odd%20id%2F%25").json()["last_active"] == "9999-12-31T23:59:59.999999"
    (lab,) = client.get("/labs/type/filesystem").json()
    assert (lab["created_at"], lab["updated_at"]) == ("2025-04-19T08:31:38", None)


def test_nulls_of_the_original_are_answered_as_nulls(client):
    bare = client.get("/users/bare").json()
    assert bare == {
        "username": None,
        "full_name": None,
        "email": None,
        "id": "bare",
        "created_at": None,
        "last_active": None,
    }
    assert {user["id"] for user in client.get("/users/").json()} == {"full", "bare", "odd id/%"}
    assert {lab["id"] for lab in client.get("/labs/").json()} == {"lab", "bare", "none"}
    assert client.get("/labs/none").json()["lab_type"] is None


def test_attempts_of_the_original_are_answered_with_their_nulls(client):
    attempts = {attempt["id"]: attempt for attempt in client.get("/progress/full").json()}
    assert set(attempts) == {1, 2, 3, 4}
    assert attempts[1]["lab_name"] == "Filesystem Lab"
    assert [
        attempts[2][n] for n in ("completion_status", "time_spent", "errors_encountered", "timestamp")
    ] == [None] * 4
    assert (attempts[2]["lab_name"], attempts[2]["lab_difficulty"]) == ("gone-type", "unknown")
    assert attempts[3]["errors_encountered"] == [None, "a,b"]
    stats = client.get("/progress/stats/full").json()
    assert (stats["total_attempts"], stats["successful_attempts"]) == (4, 2)
    assert stats["success_rate"] == 0.5


def test_rows_of_the_original_with_nulls_can_be_changed_and_deleted(client):
    whole = {"username": token(), "email": f"{token()}@example.com"}
    assert client.put("/users/bare", json=whole).json()["username"] == whole["username"]
    user, lab = client.get("/users/full").json(), client.get("/labs/lab").json()
    assert client.put("/progress/lab-attempt/2", json=attempt_body(user, lab)).json()["time_spent"] == 300
    for path in ("/progress/lab-attempt/3", "/labs/none", "/users/odd%20id%2F%25"):
        assert client.delete(path).status_code == 200


def test_new_rows_follow_the_ids_of_the_original(client):
    assert new_attempt(client, new_user(client), new_lab(client))["id"] == 6


def test_the_tables_are_only_added_to(postgres, database_name, start_daemon):
    columns, indexes = described(postgres, database_name, *NAMES)
    with start_daemon(DATABASE_URL=postgres.url(database_name)).settled().client() as client:
        assert client.get("/users/full").status_code == 200
    columns_after, indexes_after = described(postgres, database_name, *NAMES)
    assert columns <= columns_after and indexes <= indexes_after
    assert all(nullable == "YES" or default for *_, nullable, _, default in columns_after - columns)


def test_the_statements_of_the_original_work_while_the_service_runs_and_after(
    postgres, database_name, start_daemon
):
    daemon = start_daemon(DATABASE_URL=postgres.url(database_name)).ready()
    with daemon.client() as client:
        new_attempt(client, new_user(client), new_lab(client))
        run(postgres, database_name, STATEMENTS.replace("{t}", token()))
    daemon.stop()
    run(postgres, database_name, STATEMENTS.replace("{t}", token()))


def test_rows_that_others_write_are_seen_at_once(postgres, database_name, client):
    run(
        postgres,
        database_name,
        "INSERT INTO users (id, username) VALUES ('psql', 'from psql');\nDELETE FROM users WHERE id = 'full'",
    )
    assert client.get("/users/psql").json()["username"] == "from psql"
    assert client.get("/users/full").status_code == 404


def test_a_fresh_database_gets_the_tables_of_the_original(postgres, fresh):
    daemon = fresh().settled()
    name = postgres.create_database()
    run(postgres, name, TABLES)
    columns, indexes = described(postgres, name, *NAMES)
    columns_made, indexes_made = described(postgres, daemon.database, *NAMES)
    assert columns <= columns_made
    assert {i[:2] for i in indexes} - {("users", "ix_users_id")} <= {i[:2] for i in indexes_made}
    run(postgres, daemon.database, STATEMENTS.replace("{t}", token()))


def test_several_daemons_may_start_at_once_on_an_empty_database(postgres, start_daemon):
    url = postgres.url(postgres.create_database())
    daemons = [start_daemon(DATABASE_URL=url) for _ in range(3)]
    for daemon in daemons:
        with daemon.ready().client() as client:
            new_user(client)
            assert client.get("/readyz").status_code == 200
    with daemons[0].client() as client:
        assert len(client.get("/users/").json()) == 3
