"""Progress logs of any size: what is asked of them takes bounded memory, and the time that it needs."""

import json
import threading

import pytest

from harness.daemon import VARIANT, WRAPPER
from harness.exchange import difference
from harness.samples import new_user
from harness.wait import until

ENTRIES = 3000
TEXT = 20_000  # characters in each entry
NAMES = 7

FILL = """
    INSERT INTO progress_events (log_id, version, type, user_id, date, members, recorded_at)
    SELECT nextval('progress_log_id_seq'), 1, 'created', %s, date '2025-01-01' + n * 37 %% 500,
           json_build_object('n', n, 'of_' || n %% %s, n / 4.0, 'text', repeat('x', %s)), now()
      FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def large_log(fresh, issuer, postgres):
    """A daemon with little memory, its database, and a user whose log is larger than that memory."""
    daemon = fresh(MEMORY_LIMIT=str(24 << 20), WORKERS="1", **issuer.settings)
    with daemon.client(headers=issuer.bearer()) as log:
        user = new_user(log)["id"]
        connection = postgres.connect(daemon.database)
        with connection.cursor() as cursor:
            cursor.execute(FILL, (user, NAMES, TEXT, ENTRIES))
        yield log, connection, user
        connection.close()


@pytest.mark.skipif(VARIANT != "release" or bool(WRAPPER), reason="sanitizers need more memory than the limit")
def test_the_summary_of_a_log_that_is_larger_than_the_memory_is_exact(large_log):
    log, _, user = large_log
    sums: dict[str, list[float]] = {}
    for n in range(1, ENTRIES + 1):
        sums.setdefault("average_n", []).append(n)
        sums.setdefault(f"average_of_{n % NAMES}", []).append(n / 4)
    answer = log.get(f"/api/progress/summary/{user}")
    assert answer.status_code == 200, answer.text
    summary = answer.json()
    expected = {
        "user_id": user,
        "log_count": ENTRIES,
        "first_date": "2025-01-01",
        "last_date": "2026-05-15",
        **{name: sum(numbers) / len(numbers) for name, numbers in sums.items()},
    }
    assert difference(expected, summary, {}) is None
    assert list(summary) == list(expected), "names are in the order in which they first appeared"


def test_deleting_a_whole_log_may_take_longer_than_a_short_request(large_log):
    log, connection, user = large_log
    answers = []
    deleting = threading.Thread(
        target=lambda: answers.append(log.delete(f"/api/progress/user/{user}/logs", timeout=60)), daemon=True
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [own] = cursor.fetchone()
        cursor.execute("SELECT FROM progress_logs WHERE user_id = %s LIMIT 1 FOR UPDATE", (user,))
        deleting.start()

        def waits_for_long():
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
                " AND clock_timestamp() - query_start > interval '3 seconds'",
                (own,),
            )
            return cursor.fetchone() is not None or answers

        until(waits_for_long, "a deletion that waits longer than a request may take")
    deleting.join()
    assert json.loads(answers[0].text) == {
        "message": "All progress logs for user deleted",
        "deleted_log_count": ENTRIES,
    }
    assert log.get(f"/api/progress/{user}").json() == {"progress_logs": []}
