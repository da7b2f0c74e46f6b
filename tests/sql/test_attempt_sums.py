"""A user's statistics equal a recomputation from the raw attempts, whoever wrote them."""

import pytest

import histories

USERS = ["ann", "bob", None]
VALUES = {
    "user_id": USERS,
    "lab_type": ["filesystem", "network", "none left", None],
    "completion_status": [None, True, False],
    "time_spent": [None, 0, 7, -5, 2**31 - 1],
    "errors_encountered": ["NULL", "'{a,b}'"],
    "timestamp": ["NULL", "now()"],
}
KNOWN = """
INSERT INTO users (id, username, email) VALUES ('ann', 'Ann', 'a@b.co'), ('bob', 'Bob', 'b@b.co'), ('cy', 'Cy', 'c@b.co');
INSERT INTO labs (id, name, lab_type, created_at)
VALUES ('1', 'Filesystem Lab', 'filesystem', now()), ('2', 'Network Lab', 'network', now());
"""
NAMES = {"filesystem": "Filesystem Lab", "network": "Network Lab"}


def statistics(rows, user):
    """Rows as the statement answers them, in the order of the first attempts."""
    answer = []
    for lab in dict.fromkeys(row[1] for row in rows if row[0] == user):
        of = [row for row in rows if row[:2] == (user, lab)]
        done, spent = sum(bool(row[2]) for row in of), sum(row[3] or 0 for row in of)
        answer.append((user.capitalize(), lab, NAMES.get(lab, lab), len(of), done, spent))
    return answer or [(user.capitalize(), None, None, None, None, None)]


def check(service, connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id, lab_type, completion_status, time_spent FROM lab_attempts ORDER BY id")
        rows = cursor.fetchall()
    for user in ["ann", "bob", "cy"]:
        assert service.call(connection, "sum_attempts", user) == statistics(rows, user)
    assert service.call(connection, "sum_attempts", "nobody") == []


def history(seed):
    return histories.History(seed, "lab_attempts", VALUES, "attempt_fold", "attempt_rebuild")


@pytest.fixture
def service(database):
    made = database("user-progress")
    made.install()
    histories.run(made.connect(), KNOWN)
    return made


@pytest.mark.parametrize("seed", range(6))
def test_statistics_equal_a_recomputation_after_every_step(service, seed):
    histories.one_after_the_other(service, history(seed), check, 120)


@pytest.mark.parametrize("seed", range(100, 102))
def test_statistics_equal_a_recomputation_while_transactions_overlap(service, seed):
    histories.overlapping(service, history(seed), check, 150)


def test_statistics_are_exact_while_others_write_and_fold(service):
    histories.all_at_once(service, history, check, 100, "attempt_fold", "EXISTS (SELECT FROM attempt_sums)")
