"""Deletion by age: what is counted and deleted, in which order, who may do it, and what the reports show of what is left."""

import os
import random
import threading
import time
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta, timezone

import httpx
import pytest
from psycopg2.extras import execute_values

from harness import metrics
from harness.clocks import same_day
from harness.daemon import WITHOUT_TLS, Daemons, database_of
from harness.lists import EPOCH, LISTS, fill, filled, rows_of
from harness.samples import created, faults, new_lab, new_user, token
from harness.series import PATHS, answer
from harness.tokens import MISSING, refused
from harness.wait import until

PATH = "/admin/retention"
SLICE = 10_000  # rows of one transaction
MANY = int(os.environ.get("RETENTION_ROWS", "25000"))  # old rows of the tests of size
DAY = timedelta(days=1)


@pytest.fixture(scope="module", params=LISTS, ids=lambda of: of.service)
def of(request):
    return request.param


@pytest.fixture(scope="module")
def daemon(postgres, of, user_progress, issuer, tmp_path_factory):
    directory = tmp_path_factory.mktemp("retention")
    with filled(postgres, of, user_progress, directory, 0, **issuer.settings) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def admin(issuer):
    return issuer.bearer("dpo@example.com", scope="privacy admin")


@pytest.fixture(scope="module")
def client(daemon, admin):
    with daemon.client(headers=admin) as client:
        yield client


@pytest.fixture
def cursor(postgres, daemon, of):
    with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {of.table}")
        yield cursor


def insert_many(cursor, of, count: int, since: datetime, every: timedelta) -> None:
    """Rows of twenty users and four lab types at equal distances, not in the order of their ids."""
    cursor.execute(
        f"INSERT INTO {of.table} (user_id, lab_type, timestamp)"
        f" SELECT 'u' || n %% 20, 'l' || n %% 4, {'timezone(%s, ' if of.naive else '('}%s::timestamptz + (n * 7919 %% %s) * %s::interval)"
        " FROM generate_series(1, %s) AS n",
        [*(["UTC"] if of.naive else []), since, count, every, count],
    )


def call(client, before: datetime | str, **members) -> dict:
    before = before.isoformat() if isinstance(before, datetime) else before
    return created(client.post(PATH, json={"before": before, **members}, timeout=90))


def is_old(row: dict, before: datetime) -> bool:
    return row["timestamp"] is not None and row["timestamp"] < before


def by_lab(rows: list[dict]) -> dict:
    return dict(Counter(row["lab_type"] if row["lab_type"] is not None else "null" for row in rows))


def shown(at: datetime) -> str:
    return at.astimezone(timezone.utc).replace(tzinfo=None).isoformat() + "Z"


class TestRights:
    def test_a_token_is_required_even_where_the_other_calls_are_open(self, daemon):
        with daemon.client() as stranger:
            assert refused(stranger.post(PATH, json={"before": "2024-01-01"}), MISSING)

    @pytest.mark.parametrize("scope", [None, "", "progress:any", "privacy", "administrator admins", "Admin"])
    def test_the_token_must_have_the_scope_admin(self, daemon, issuer, cursor, of, scope):
        fill(cursor, of, 10)
        body = {"before": "2026-01-01", "dry_run": False}
        with daemon.client(headers=issuer.bearer(scope=scope)) as other:
            answer = other.post(PATH, json=body)
        assert (answer.status_code, answer.json()) == (403, {"message": "The token lacks the scope admin"})
        assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="admin"'
        assert len(rows_of(cursor, of)) == 10

    def test_it_is_not_offered_where_no_tokens_are_configured(self, api, performance, usage, of):
        client = dict(zip((one.service for one in LISTS), (api, performance, usage)))[of.service]
        answer = client.post(PATH, json={"before": "2024-01-01"})
        assert (answer.status_code, answer.json()) == (503, {"message": "Authentication is not configured"})


class TestInput:
    def test_before_must_be_a_day_ago(self, client):
        now = datetime.now(timezone.utc)
        for before in (now, now + DAY, now - DAY + timedelta(minutes=5)):
            assert faults(client.post(PATH, json={"before": before.isoformat()})) == [("value_error", ("body", "before"))]
        assert call(client, now - DAY - timedelta(seconds=5))["dry_run"] is True

    @pytest.mark.parametrize(
        "body, fault",
        [({}, "missing"), ({"before": None}, "string_type"), ({"before": 1700000000}, "string_type"), ({"before": "yesterday"}, "value_error")],
        ids=str,
    )  # fmt: skip
    def test_before_is_a_time(self, client, body, fault):
        assert faults(client.post(PATH, json=body)) == [(fault, ("body", "before"))]

    def test_limit_is_from_1_to_100000(self, client):
        for limit, fault in ((0, "greater_than_equal"), (100001, "less_than_equal")):
            assert faults(client.post(PATH, json={"before": "2024-01-01", "limit": limit})) == [(fault, ("body", "limit"))]

    def test_before_comes_back_as_it_was_understood(self, client):
        for text in ("2024-01-01", "2024-01-01T00:00:00", "2024-01-01T00:00:00Z", "2024-01-01T02:00:00+02:00"):
            assert call(client, text)["before"] == "2024-01-01T00:00:00Z"


class TestDryRun:
    def test_it_counts_what_is_older_and_changes_nothing(self, client, cursor, of):
        fill(cursor, of, 300)
        rows = rows_of(cursor, of)
        for before in (EPOCH, EPOCH + timedelta(seconds=10), EPOCH + 20 * DAY, datetime(2026, 1, 1, tzinfo=timezone.utc)):
            old = [row for row in rows if is_old(row, before)]
            times = [row["timestamp"] for row in old]
            assert call(client, before) == {
                "dry_run": True,
                "before": shown(before),
                "matched": len(old),
                "by_lab_type": by_lab(old),
                "oldest": shown(min(times)) if times else None,
                "newest": shown(max(times)) if times else None,
            }
        assert rows_of(cursor, of) == rows

    def test_its_counts_are_those_of_the_deletion(self, client, cursor, of):
        fill(cursor, of, 300)
        before = EPOCH + timedelta(days=20, microseconds=7)
        dry = call(client, before)
        done = call(client, before, dry_run=False)
        assert done == {
            "dry_run": False,
            "before": dry["before"],
            "deleted": dry["matched"],
            "remaining": False,
            "by_lab_type": dry["by_lab_type"],
        }
        assert list(done["by_lab_type"].values()) == sorted(done["by_lab_type"].values(), reverse=True)
        assert call(client, before)["matched"] == 0


class TestDeletion:
    def test_exactly_the_older_rows_go_and_those_without_a_time_stay(self, client, cursor, of):
        fill(cursor, of, 300)
        chance = random.Random(3)
        for _ in range(4):
            rows = rows_of(cursor, of)
            times = sorted(row["timestamp"] for row in rows if row["timestamp"])
            edge = chance.choice(times[: len(times) // 2])
            before = edge + timedelta(microseconds=chance.choice([-1, 0, 1]))
            done = call(client, before, dry_run=False)
            old = [row for row in rows if is_old(row, before)]
            assert (done["deleted"], done["by_lab_type"], done["remaining"]) == (len(old), by_lab(old), False)
            assert rows_of(cursor, of) == [row for row in rows if not is_old(row, before)]

    def test_the_oldest_go_first_and_remaining_says_that_more_are_left(self, client, cursor, of):
        fill(cursor, of, 200)
        before = EPOCH + 30 * DAY
        while True:
            rows = rows_of(cursor, of)
            old = sorted((row for row in rows if is_old(row, before)), key=lambda row: (row["timestamp"], row["id"]))
            done = call(client, before, dry_run=False, limit=37)
            gone = old[:37]
            assert (done["deleted"], done["by_lab_type"], done["remaining"]) == (len(gone), by_lab(gone), len(old) > 37)
            assert {row["id"] for row in rows} - {row["id"] for row in gone} == {row["id"] for row in rows_of(cursor, of)}
            if not done["remaining"]:
                break

    def test_a_row_that_somebody_changes_is_left_for_later_and_not_waited_for(self, client, cursor, of, postgres, daemon):
        insert_many(cursor, of, 20, EPOCH, DAY)
        with closing(postgres.connect(daemon.database, autocommit=False)) as other, other.cursor() as holding:
            holding.execute(f"SELECT id FROM {of.table} ORDER BY timestamp LIMIT 1 FOR UPDATE")
            (held,) = holding.fetchone()
            done = call(client, EPOCH + 15 * DAY, dry_run=False)
            assert (done["deleted"], done["remaining"]) == (14, True)
            assert held in {row["id"] for row in rows_of(cursor, of)}
            other.rollback()
        assert call(client, EPOCH + 15 * DAY, dry_run=False)["deleted"] == 1

    def test_what_is_deleted_is_counted_in_the_metrics(self, client, cursor, of, daemon):
        fill(cursor, of, 50)
        count = lambda: metrics.samples(daemon.url).of("retention_deleted_rows_total")
        before = count()
        deleted = call(client, "2026-01-01", dry_run=False)["deleted"]
        assert deleted and count() == before + deleted


def test_users_labs_and_the_progress_log_have_no_age(postgres, issuer, admin, tmp_path):
    with Daemons(tmp_path) as daemons:
        name = database_of("user-progress", postgres)
        daemon = daemons.start(DATABASE_URL=postgres.url(name), **issuer.settings).settled()
        with daemon.client(headers=admin) as client, closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
            user, lab = new_user(client), new_lab(client)
            logged = client.post("/api/progress/log", json={"user_id": user["id"], "date": "1999-01-01", "n": 1})
            assert logged.status_code == 201
            cursor.execute("UPDATE users SET created_at = '2001-01-01'; UPDATE labs SET created_at = '2001-01-01'")
            assert call(client, datetime.now(timezone.utc) - DAY - timedelta(minutes=1), dry_run=False)["deleted"] == 0
            assert client.get(f"/users/{user['id']}").status_code == client.get(f"/labs/{lab['id']}").status_code == 200
            assert len(client.get(f"/api/progress/{user['id']}").json()["progress_logs"]) == 1


# Every report of a service. Those of the last days have something to show: the rows begin 150 days ago.
SHIFT = timedelta(days=(datetime.now(timezone.utc) - EPOCH).days - 150)
FROM, TO = (f"{EPOCH + SHIFT + days * DAY:%Y-%m-%d}" for days in (-18, 62))
RANGE = f"from={FROM}&to={TO}"
ACTIVE = "/analytics/active?days=400"
REPORTS = {
    "user-progress": ["/progress/stats/{user}", "/progress/{user}", "/attempts/at-risk?failures=1&inactive_days=1", "/attempts/at-risk?failures=3&inactive_days=90"],
    "performance-reporting": [
        "/performance/user/{user}", "/performance/lab/{lab}", f"/performance/lab/{{lab}}/times?{RANGE}",
        f"/performance/lab/{{lab}}/errors?{RANGE}", "/performance/difficulty", f"/performance/resources?{RANGE}",
    ],
    "usage-analytics": [
        "/analytics/usage/lab/{lab}?days=40000", "/analytics/trends?days=40000", "/analytics/trends?days=120", ACTIVE,
        f"/analytics/funnel?{RANGE}", f"/analytics/user/{{user}}?{RANGE}",
    ],
}  # fmt: skip


def copy_rows(postgres, of, source: str, target: str) -> None:
    with closing(postgres.connect(source)) as a, closing(postgres.connect(target)) as b, a.cursor() as old, b.cursor() as new:
        for table in ["users", "labs", of.table] if of.service == "user-progress" else [of.table]:
            old.execute(f"SELECT row_to_json(t)::text FROM {table} t ORDER BY id")
            execute_values(new, f"INSERT INTO {table} SELECT (json_populate_record(NULL::{table}, v::json)).* FROM (VALUES %s) AS r (v)", old.fetchall())


@pytest.mark.parametrize("seed", [1, 2])
def test_reports_are_those_of_a_world_that_never_had_what_was_deleted(postgres, of, user_progress, api, issuer, admin, tmp_path, seed):
    with Daemons(tmp_path) as daemons:
        names = [database_of(of.service, postgres) for _ in range(2)]
        start = lambda name: daemons.start(
            of.service, DATABASE_URL=postgres.url(name), USER_PROGRESS_SERVICE_URL=user_progress, **issuer.settings
        ).settled()
        first = start(names[0])
        with first.client(headers=admin) as client, closing(postgres.connect(names[0])) as connection, connection.cursor() as cursor:
            owner = client if of.service == "user-progress" else api
            users, labs = [new_user(owner)["id"] for _ in range(4)], [new_lab(owner)["lab_type"] for _ in range(3)]
            fill(cursor, of, 600, seed)
            cursor.execute(f"UPDATE {of.table} SET timestamp = timestamp + %s", [SHIFT])
            for column, old, new in [("user_id", f"u{n + 1}", users[n]) for n in range(2)] + [("lab_type", f"l{n + 1}", labs[n]) for n in range(3)]:
                cursor.execute(f"UPDATE {of.table} SET {column} = %s WHERE {column} = %s", [new, old])
            before = EPOCH + SHIFT + timedelta(days=11 * seed, microseconds=3)
            assert call(client, before, dry_run=False)["deleted"] > 50
            paths = [path.format(user=user, lab=lab) for path in REPORTS[of.service] for user in users[:2] for lab in labs]
            second = start(names[1])
            copy_rows(postgres, of, *names)
            left = rows_of(cursor, of)
            with second.client(headers=admin) as never:
                for path in dict.fromkeys(paths):
                    one, other = same_day("UTC", lambda: (timeless(client.get(path)), timeless(never.get(path))))
                    assert one == other, path
                    assert path != ACTIVE or any(one["active"])
            query = {"from": FROM, "to": TO, "zone": "Europe/Berlin", "interval": "week", "by": "lab_type"}
            series = created(client.get(PATHS[of.service], params=query))
            bounds = [datetime.fromisoformat(series[name]) for name in ("from", "to")]
            assert series == answer(of, left, query, *bounds)
            assert series["data_since"] == shown(min(row["timestamp"] for row in left if row["timestamp"]))


def timeless(answer: httpx.Response) -> dict | list:
    """An answer without the moment at which it was given."""
    shown = created(answer)
    return {name: value for name, value in shown.items() if name != "at"} if isinstance(shown, dict) else shown


class TestSize:
    def test_a_kill_in_the_middle_leaves_whole_transactions(self, postgres, of, user_progress, issuer, admin, tmp_path):
        with filled(postgres, of, user_progress, tmp_path, 0, **issuer.settings) as daemon:
            with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
                insert_many(cursor, of, MANY, EPOCH, timedelta(seconds=1))
                ids = lambda: {row["id"] for row in rows_of(cursor, of)}
                all_ids = [row["id"] for row in sorted(rows_of(cursor, of), key=lambda row: (row["timestamp"], row["id"]))]
                caller = threading.Thread(target=self.call_in_vain, args=(daemon.url, admin))
                caller.start()
                until(lambda: len(ids()) < MANY, "the first transaction")
                daemon.kill()
                caller.join()
                gone = len(all_ids) - len(ids())
                assert gone % SLICE == 0 or gone == MANY
                assert ids() == set(all_ids[gone:])

    def call_in_vain(self, url: str, headers: dict) -> None:
        try:
            httpx.post(url + PATH, json={"before": "2026-01-01", "dry_run": False}, headers=headers, timeout=60, **WITHOUT_TLS)
        except httpx.TransportError:
            pass

    def test_the_call_answers_at_its_time_limit_what_it_has_deleted(self, postgres, of, user_progress, issuer, admin, tmp_path):
        settings = {**issuer.settings, "RETENTION_TIMEOUT_MS": "50"}
        with filled(postgres, of, user_progress, tmp_path, 0, **settings) as daemon, daemon.client(headers=admin) as client:
            with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
                insert_many(cursor, of, MANY, EPOCH, timedelta(seconds=1))
                deleted, since, answers = 0, time.monotonic(), 0
                while deleted < MANY:
                    done = call(client, "2026-01-01", dry_run=False)
                    deleted, answers = deleted + done["deleted"], answers + 1
                    assert done["deleted"] % SLICE == 0 or deleted == MANY
                    assert done["remaining"] is (deleted < MANY)
                    assert sum(done["by_lab_type"].values()) == done["deleted"]
                print(f"{of.service}: {MANY} rows in {answers} calls, {time.monotonic() - since:.1f} s")
                assert rows_of(cursor, of) == [] and answers > 1


# Of every turn, also of those that begin and end between two looks.
NOTE_TURNS = """
CREATE TABLE turns (at timestamptz);
CREATE FUNCTION note_turn() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    AS $$ BEGIN INSERT INTO public.turns VALUES (NEW.at); RETURN NULL; END $$;
CREATE TRIGGER note_turn AFTER INSERT OR UPDATE ON upkeep_turns FOR EACH ROW EXECUTE FUNCTION note_turn()
"""


class TestUpkeep:
    def test_daemons_delete_what_is_older_and_do_not_double(self, postgres, of, user_progress, tmp_path):
        with Daemons(tmp_path) as daemons:
            name = database_of(of.service, postgres)
            settings = {"DATABASE_URL": postgres.url(name), "USER_PROGRESS_SERVICE_URL": user_progress}
            daemons.start(of.service, **settings).settled()
            now = datetime.now(timezone.utc)
            with closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
                insert_many(cursor, of, MANY, now - 40 * DAY, timedelta(seconds=1))
                insert_many(cursor, of, 50, now - 29 * DAY, timedelta(minutes=1))
                cursor.execute(NOTE_TURNS)
                pair = [daemons.start(of.service, **settings, RETENTION_DAYS="30") for _ in range(2)]
                left = until(lambda: self.look(cursor, of), "the old rows to be gone", 60)
                cursor.execute("SELECT at FROM turns ORDER BY at")
                turns = [at for (at,) in cursor.fetchall()]
                assert left == 50 and len(turns) >= -(-MANY // SLICE)
                assert all(later - earlier >= timedelta(seconds=1) for earlier, later in zip(turns, turns[1:]))
                deleted = lambda: sum(metrics.samples(daemon.url).of("retention_deleted_rows_total") for daemon in pair)
                until(lambda: deleted() == MANY, "each row to be counted once")

    def look(self, cursor, of) -> int:
        """The rows that are left once the old ones are gone; until then no turn deletes more than its share."""
        cursor.execute(f"SELECT (SELECT count(*) FROM {of.table}), (SELECT count(*) FROM turns)")
        left, turns = cursor.fetchone()
        assert left >= MANY + 50 - turns * SLICE
        return left if left <= 50 else 0

    def test_an_item_that_would_be_deleted_at_once_is_not_taken(self, postgres, of, user_progress, api, tmp_path):
        with filled(postgres, of, user_progress, tmp_path, 0, RETENTION_DAYS="30") as daemon, daemon.client() as client:
            owner = client if of.service == "user-progress" else api
            item = {"user_id": new_user(owner)["id"], "lab_type": new_lab(owner)["lab_type"], "event_type": "start",
                    "completion_status": True, "time_spent": 1, "completion_time": 1, "success": True}  # fmt: skip
            now = datetime.now(timezone.utc)
            old, young = [{**item, "client_id": token(), "timestamp": (now - days * DAY).isoformat()} for days in (31, 29)]
            shown = client.post(of.path, json=[old, young]).json()["items"]
            assert [one["status"] for one in shown] == ["failed", "stored"]
            assert shown[0]["errors"] == [
                {"type": "value_error", "loc": ["body", 0, "timestamp"], "msg": "timestamp is older than the 30 days that are kept"}
            ]
