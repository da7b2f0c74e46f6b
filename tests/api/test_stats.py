"""A user's attempts and statistics equal a recomputation from the raw rows."""

import random

import pytest

from harness.samples import attempt_body, created, new_attempt, new_lab, new_user


def expected_lab(lab_type: str, rows: list[dict], names: dict) -> dict:
    done = sum(row["completion_status"] for row in rows)
    return {
        "lab_type": lab_type,
        "lab_name": names[lab_type],
        "attempts": len(rows),
        "successful_attempts": done,
        "average_time": sum(row["time_spent"] for row in rows) / len(rows),
        "success_rate": done / len(rows),
    }


def expected_stats(user: dict, rows: list[dict], names: dict) -> dict:
    types = dict.fromkeys(row["lab_type"] for row in rows)
    done = sum(row["completion_status"] for row in rows)
    return {
        "user_id": user["id"],
        "username": user["username"],
        "total_attempts": len(rows),
        "successful_attempts": done,
        "success_rate": done / len(rows),
        "average_time_per_attempt": sum(row["time_spent"] for row in rows) / len(rows),
        "labs_attempted": [expected_lab(t, [r for r in rows if r["lab_type"] == t], names) for t in types],
    }


def same(got, expected) -> bool:
    """Equal, order of members and the difference of 1 and 1.0 included."""
    return repr(got) == repr(expected)


@pytest.mark.parametrize("seed", range(6))
def test_statistics_follow_every_change(api, seed):
    chance = random.Random(seed)
    labs = [new_lab(api) for _ in range(3)]
    users = [new_user(api) for _ in range(2)]
    names = {lab["lab_type"]: lab["name"] for lab in labs}
    model: dict[int, dict] = {}
    for _ in range(30):
        user, lab = chance.choice(users), chance.choice(labs)
        members = {"time_spent": chance.randrange(-5, 10**9), "completion_status": chance.random() < 0.5}
        step = chance.random()
        if step < 0.6 or not model:
            made = new_attempt(api, user, lab, **members)
            model[made["id"]] = made
        elif step < 0.85:
            key = chance.choice(list(model))
            model[key] = created(
                api.put(f"/progress/lab-attempt/{key}", json=attempt_body(user, lab, **members))
            )
        else:
            key = chance.choice(list(model))
            assert api.delete(f"/progress/lab-attempt/{key}").status_code == 200
            del model[key]
        for user in users:
            rows = [row for row in model.values() if row["user_id"] == user["id"]]
            assert api.get(f"/progress/{user['id']}").json() == rows
            if rows:
                assert same(
                    api.get(f"/progress/stats/{user['id']}").json(), expected_stats(user, rows, names)
                )


def test_statistics_of_a_user_without_attempts_are_integer_zeros(api):
    user = new_user(api)
    assert api.get(f"/progress/stats/{user['id']}").text == (
        f'{{"user_id":"{user["id"]}","username":"{user["username"]}","total_attempts":0,"successful_attempts":0,'
        '"success_rate":0,"average_time_per_attempt":0,"labs_attempted":[]}'
    )
    assert api.get(f"/progress/{user['id']}").text == "[]"


def test_an_average_beyond_32_bits_of_sum_is_exact(api):
    user, lab = new_user(api), new_lab(api)
    for time_spent in (2**31 - 1, 2**31 - 1, 2**31 - 2):
        new_attempt(api, user, lab, time_spent=time_spent)
    stats = api.get(f"/progress/stats/{user['id']}").json()
    assert stats["average_time_per_attempt"] == (3 * 2**31 - 4) / 3


def test_an_absent_user_has_neither_attempts_nor_statistics(api):
    for path in ("/progress/nope", "/progress/stats/nope"):
        answer = api.get(path)
        assert (answer.status_code, answer.text) == (404, '{"detail":"User not found"}')
