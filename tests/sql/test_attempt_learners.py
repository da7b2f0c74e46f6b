"""Who is at risk equals a recomputation from the raw attempts and users, whoever wrote them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

import histories

AT = datetime(2025, 4, 19, 12)
DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
UNKNOWN = 2**63 - 1  # days since an attempt without a time
AROUND = [AT - 7 * DAY + INSTANT * n for n in (-1, 0, 1)]
MORE = [AT + DAY, AT, AT - DAY - INSTANT, AT - 6 * DAY, AT - 30 * DAY, AT.replace(microsecond=0) - 400 * DAY]
VALUES = {
    "user_id": ["ann", "bob", "bob", "Äpfel", "gone", None],
    "lab_type": ["filesystem", "network", "", None],
    "completion_status": [None, True, False, False],
    "time_spent": [7],
    "errors_encountered": ["NULL", "'{a,b}'", "'{NULL,\"é\\\\\"}'", f"'{{{','.join(['e' * 300] + list('abcdefghijkl'))}}}'"],
    "timestamp": ["NULL", "'-infinity'", *(f"'{at}'" for at in AROUND + MORE)],
}  # fmt: skip
KNOWN = f"""
INSERT INTO users (id, username, email, created_at) VALUES
    ('ann', 'Ann', 'a@b.co', '{AROUND[0]}'), ('bob', 'Bob', 'b@b.co', '{AROUND[1]}'),
    ('Äpfel', NULL, 'c@b.co', '{AROUND[0]}'), ('cy', 'Cy', 'd@b.co', '{AROUND[2]}'), ('dan', 'Dan', 'e@b.co', NULL),
    ('eve', 'Eve', 'f@b.co', '{AT - 99 * DAY}'), ('eva', 'Eva', 'g@b.co', '{AT - 99 * DAY + INSTANT}');
"""


def naive(time):
    return time and time.isoformat()



def standings(attempts):
    """Of a user's attempts: of each lab type whose last attempt failed, these failures, and whether it was never completed."""
    for lab in {a["lab_type"] for a in attempts} - {None}:
        of, streak = [a for a in attempts if a["lab_type"] == lab], []
        for a in reversed(of):
            if a["completion_status"]:
                break
            streak.append(a)
        if streak:
            yield lab, streak, len(streak) == len(of)


def judged(user, attempts, days, failures):
    """The row that the statement answers for a user; none if there is no reason."""
    of, last = list(standings(attempts)), attempts[-1]["timestamp"]
    failing = sorted((-len(streak), lab.encode(), streak) for lab, streak, _ in of if len(streak) >= failures)
    reasons = [
        {"reason": "failing", "lab_type": lab.decode(), "failures_in_a_row": -count, "since": naive(streak[-1]["timestamp"]),
         "last_errors": [e[:200] for e in streak[0]["errors_encountered"] or [] if e is not None][:10]}
        for count, lab, streak in failing
    ]  # fmt: skip
    unfinished = sorted((lab for lab, _, never in of if never), key=str.encode)
    since = None
    if unfinished and (last is None or last <= AT - days * DAY):
        since = (AT - last) // DAY if last else None
        reasons.append({"reason": "inactive", "days": since, "unfinished": unfinished})
        since = UNKNOWN if since is None else since
    most = -failing[0][0] if failing else 0
    return (*user[:2], last, reasons, len(reasons), most, since or 0) if reasons else None


def in_order(rows):
    return sorted(rows, key=lambda row: (-row[4], -row[5], -row[6], row[0].encode()))


def raw(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, username, created_at FROM users")
        users = cursor.fetchall()
        cursor.execute(
            "SELECT user_id, lab_type, completion_status, errors_encountered,"
            " CASE WHEN isfinite(timestamp) THEN timestamp END AS timestamp"
            " FROM lab_attempts ORDER BY coalesce(timestamp, '-infinity'), id"
        )
        names = [column.name for column in cursor.description]
        return users, [dict(zip(names, row)) for row in cursor.fetchall()]


def expected(connection, days, failures):
    users, attempts = raw(connection)
    of = {user[0]: [a for a in attempts if a["user_id"] == user[0]] for user in users}
    at_risk = [judged(user, of[user[0]], days, failures) for user in users if of[user[0]]]
    never = [
        (*user[:2], None, [{"reason": "never", "days": age}], 1, 0, age)
        for user in users
        if not of[user[0]] and user[2] and user[2] < AT - days * DAY
        for age in [(AT - user[2]) // DAY]
    ]
    return in_order(row for row in at_risk if row), in_order(never)


def answered(service, connection, name, days, failures, limit, after=(None, None, None, None)):
    rows = service.call(connection, name, AT.replace(tzinfo=UTC), days, failures, *after, limit)
    return [(*row[:3], json.loads(row[3]), *row[4:]) for row in rows]


def pages(service, connection, name, days, failures, limit):
    """All rows, page by page."""
    after, rows = (None, None, None, None), []
    while page := answered(service, connection, name, days, failures, limit, after):
        rows += page
        after = (*page[-1][4:7], page[-1][0])
    return rows


def check(service, connection):
    for days, failures, limit in ((7, 2, 1000), (7, 3, 1), (365, 1, 2)):
        at_risk, never = expected(connection, days, failures)
        assert pages(service, connection, "list_at_risk", days, failures, limit) == at_risk
        assert pages(service, connection, "list_never", days, failures, limit) == never


def history(seed):
    print("seed", seed)
    return histories.History(seed, "lab_attempts", VALUES, "attempt_fold", "attempt_rebuild")


@pytest.fixture
def service(database):
    made = database("user-progress")
    made.install()
    histories.run(made.connect(), KNOWN)
    return made


@pytest.mark.parametrize("seed", range(4))
def test_who_is_at_risk_equals_a_recomputation_after_every_step(service, seed):
    histories.one_after_the_other(service, history(seed), check, 60)


@pytest.mark.parametrize("seed", range(100, 102))
def test_who_is_at_risk_equals_a_recomputation_while_transactions_overlap(service, seed):
    histories.overlapping(service, history(seed), check, 60)


def test_who_is_at_risk_is_exact_while_others_write_and_fold(service):
    histories.all_at_once(service, history, check, 25, "attempt_fold", "EXISTS (SELECT FROM attempt_learners)")


def test_a_completed_attempt_takes_failing_away_at_once(service):
    connection = service.connect()
    histories.run(connection, "INSERT INTO lab_attempts (user_id, lab_type, completion_status, timestamp)"
                              " SELECT 'ann', 'sql', false, now() FROM generate_series(1, 3)")  # fmt: skip
    for fold in ("", "SELECT attempt_fold(1, 1)"):
        if fold:
            histories.run(connection, fold)
        assert [row[0] for row in answered(service, connection, "list_at_risk", 7, 3, 9)] == ["ann"]
    histories.run(connection, "INSERT INTO lab_attempts (user_id, lab_type, completion_status, timestamp)"
                              " VALUES ('ann', 'sql', true, now())")  # fmt: skip
    assert answered(service, connection, "list_at_risk", 7, 3, 9) == []
