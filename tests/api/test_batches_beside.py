"""Batches where a daemon has settings of its own, is killed, or has no User Progress that answers as this one does."""

import random
import threading
from contextlib import closing

import pytest

from harness.batches import body_of, counts, has_index, rows, send, statuses
from harness.daemon import SERVICES
from harness.fake import Asked, Fake, Line
from harness.lists import LISTS
from harness.wait import until

OTHERS = [of for of in LISTS if of.service in SERVICES[1:]]  # that ask User Progress, which shows what they store


@pytest.fixture(params=OTHERS, ids=lambda of: of.service)
def of(request):
    return request.param


def test_a_scoped_token_stores_its_own_user_s_items_alone(beside, of, user_progress, issuer, someone, lab):
    settings = {"AUTH_REQUIRED": "on", "AUTH_SUBJECT_SCOPED": "on", **issuer.settings}
    daemon = beside(of.service, user_progress, **settings).ready()
    items = [body_of(of, someone, lab), body_of(of, {"id": "other"}, lab)]
    mine = {"Authorization": f"Bearer {issuer.token(someone['id'])}"}
    answer = send(daemon.url, of, items, headers=mine)
    assert statuses(answer) == ["stored", "failed"] and answer.json()["items"][1]["code"] == 403


def test_a_kill_leaves_all_of_a_batch_or_nothing(postgres, beside, of, user_progress, someone, lab):
    random_ = random.Random(9)
    for attempt in range(4):
        daemon = beside(of.service, user_progress).ready()
        with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
            until(lambda: has_index(cursor, of), "the index of client ids")
            items = [body_of(of, someone, lab, client_id=f"k{attempt}:{n}") for n in range(6000)]
            answers = []

            def deliver() -> None:
                try:
                    answers.append(send(daemon.url, of, items))
                except OSError:
                    pass

            thread = threading.Thread(target=deliver)
            thread.start()
            thread.join(random_.random() * 0.4)
            daemon.kill()
            thread.join()
            until(lambda: no_transaction_is_open(cursor, daemon.database), "the end of the killed daemon's transaction")
            stored = len(rows(cursor, of, lab))
            assert stored == (6000 if answers else stored) and stored in (0, 6000)


def no_transaction_is_open(cursor, database: str) -> bool:
    cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
                   " AND backend_type = 'client backend'", [database])  # fmt: skip
    return cursor.fetchone()[0] == 0


def test_while_user_progress_is_away_nothing_is_stored(beside, of, someone, lab):
    daemon = beside(of.service, "http://127.0.0.1:9").ready()
    answer = send(daemon.url, of, [body_of(of, someone, lab), {}])
    assert (answer.status, answer.json()["detail"]) == (503, "User Progress Service unavailable")
    assert answer.headers["retry-after"]


def original(line: Line, asked: Asked) -> None:
    """A User Progress without /lookup: it knows every user but `nobody`, and every lab type."""
    kind, name = asked.path[1:].partition("/")[0], asked.path.rpartition("/")[2]
    if asked.path == "/":
        line.answer(200, {"status": "ok"})
    elif kind == "users" and name != "nobody":
        line.answer(200, {"id": name, "username": name})
    elif kind == "labs":
        line.answer(200, [{"id": "l", "lab_type": name, "name": "Lab", "created_at": "2025-04-19T08:30:38.538812"}])
    else:
        line.answer(404, {"detail": "Not Found"})


@pytest.mark.parametrize("settings,most", [({}, 500), ({"INGEST_PLAIN_LOOKUPS": "4"}, 4)], ids=["by default", "as set"])
def test_the_original_user_progress_is_asked_for_so_many_names_and_no_more(beside, of, settings, most):
    with Fake(original) as fake:
        daemon = beside(of.service, fake.url, LOOKUP_TIMEOUT_MS="60000", INGEST_TIMEOUT_MS="60000", **settings).ready()
        users = [{"id": f"u{n}"} for n in range(most - 2)] + [{"id": "nobody"}]
        items = [body_of(of, user, {"lab_type": "t"}) for user in users]
        answer = send(daemon.url, of, items + items)
        assert (answer.status, counts(answer)) == (207, (2 * most - 4, 0, 2))
        assert len([asked for asked in fake.asked if asked.method == "GET" and asked.path != "/"]) == most
        before = len(fake.asked)
        answer = send(daemon.url, of, [*items, body_of(of, {"id": "one more"}, {"lab_type": "t"})])
        assert (answer.status, answer.json()["detail"]) == (503, "User Progress Service unavailable")
        assert answer.headers["retry-after"]
        assert not [asked for asked in fake.asked[before:] if asked.method == "GET"]
