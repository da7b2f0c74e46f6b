"""`user-progress verify` finds changes that were made without the log."""

from contextlib import closing

import pytest

from harness.daemon import Daemon
from harness.progress_log import entries, logged, verify
from harness.samples import new_user

pytestmark = pytest.mark.usefixtures("log")


@pytest.fixture
def manipulated(fresh, issuer, postgres):
    """manipulated(sql): what verify says after it, on a log of 3 entries; the second has 150 versions."""
    daemon = fresh(**issuer.settings)
    with daemon.client(headers=issuer.bearer()) as client:
        owner = new_user(client)["id"]
        assert [logged(client, owner, date="2025-04-19", n=0) for _ in range(3)] == [1, 2, 3]
        client.delete("/api/progress/log/3")
    with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as own:
        own.execute(
            "INSERT INTO progress_events (log_id, version, type, user_id, date, members, recorded_at)"
            " SELECT 2, v, 'updated', %s, '2025-04-19', '{\"n\":1}', clock_timestamp() + v * interval '1 ms'"
            " FROM generate_series(2, 150) AS v",
            [owner],
        )
    assert verify(daemon) == (0, ["153 events of 3 entries replayed, 0 differences"])

    def manipulate(sql: str) -> tuple[int, list[str]]:
        with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as own:
            own.execute("SET session_replication_role = replica; " + sql)
        status, lines = verify(daemon)
        return status, lines[:-1]

    return manipulate


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        (
            "UPDATE progress_logs SET members = '{\"n\":1}' WHERE log_id = 1",
            (1, 1, "the state is not what the event left"),
        ),
        (
            "UPDATE progress_logs SET date = '2025-04-20' WHERE log_id = 2",
            (2, 150, "the state is not what the event left"),
        ),
        (
            "UPDATE progress_logs SET recorded_at = now() WHERE log_id = 3",
            (3, 2, "the state is not what the event left"),
        ),
        (
            "UPDATE progress_logs SET version = 1 WHERE log_id = 3",
            (3, 1, "the state is not what the event left"),
        ),
        ("DELETE FROM progress_logs WHERE log_id = 2", (2, 1, "the entry has no state")),
        (
            "UPDATE progress_logs SET user_id = 'x' WHERE log_id = 1",
            (1, 1, "is of another user than the state"),
        ),
        (
            "INSERT INTO progress_logs SELECT 9, version, user_id, date, members, recorded_at FROM progress_logs WHERE log_id = 1",
            (9, 0, "the state has no events"),
        ),
        (
            "DELETE FROM progress_events WHERE log_id = 2 AND version = 7",
            (2, 8, "does not follow the version before it"),
        ),
        (
            "DELETE FROM progress_events WHERE log_id = 2 AND version = 150",
            (2, 149, "is the last event, but the state is of another version"),
        ),
        ("DELETE FROM progress_events WHERE log_id = 1", (1, 0, "the state has no events")),
        (
            "UPDATE progress_events SET type = 'created' WHERE log_id = 2 AND version = 100",
            (2, 100, "creates what is there"),
        ),
        (
            "UPDATE progress_events SET type = 'updated' WHERE log_id = 1",
            (1, 1, "is the first one, but creates nothing"),
        ),
        (
            "UPDATE progress_events SET recorded_at = '2020-01-01' WHERE log_id = 2 AND version = 101",
            (2, 101, "is not later than the version before it"),
        ),
        (
            "UPDATE progress_events SET members = '{\"n\":-1}' WHERE log_id = 1",
            (1, 1, "the state is not what the event left"),
        ),
    ],
)
def test_verify_finds_what_was_manipulated(manipulated, sql, found):
    status, lines = manipulated(sql)
    assert status == 1 and "entry {}, version {}: {}".format(*found) in lines, lines


def test_verify_says_when_the_database_cannot_be_read(daemon):
    away = Daemon(
        "user-progress",
        daemon.log,
        {"DATABASE_URL": "postgresql://127.0.0.1:1/x", "REPORT_TIMEOUT_MS": "300"},
    )
    assert verify(away) == (2, [])
