"""Reports on the times, errors, difficulty and resources of performance records. tests/sql/ compares their statements with
recomputations; this is about the calls."""

import pytest

from harness.samples import created, faults, new_lab, new_record, new_user, record_body

REPORTS = ["/performance/lab/{}/times", "/performance/lab/{}/errors", "/performance/difficulty", "/performance/resources"]


@pytest.fixture
def send(performance, lab):
    """send(user, time="…", **members): records an attempt at the test's lab."""

    def record(user, time=None, **members):
        item = record_body(user, lab, **members, **({"timestamp": time} if time else {}))
        answer = created(performance.post("/performance/records", json=[item]))
        return answer["items"][0]["id"]

    return record


def times(performance, lab, **query):
    return created(performance.get(f"/performance/lab/{lab['lab_type']}/times", params=query))


def errors(performance, lab, **query):
    return created(performance.get(f"/performance/lab/{lab['lab_type']}/errors", params=query))


def difficulty_of(performance, lab, **query):
    """The lab's row, and the list that it is in."""
    answer = created(performance.get("/performance/difficulty", params=query))
    [found] = [(row, name) for name in ("labs", "few") for row in answer[name] if row["lab_type"] == lab["lab_type"]]
    return found


def resources(performance, **query):
    return created(performance.get("/performance/resources", params=query))


class TestTimes:
    def test_percentiles_are_times_that_occurred_and_failures_are_told_apart(self, performance, someone, lab, send):
        for seconds in range(1, 11):
            send(someone, completion_time=seconds * 30, success=seconds % 2 == 0)
        answer = times(performance, lab)
        assert list(answer) == ["lab_type", "lab_name", "zone", "from", "to", "all", "successful", "histogram"]
        assert answer["lab_name"] == lab["name"] and answer["from"] is answer["to"] is None
        assert answer["all"] == {
            "count": 10, "min": 30, "p10": 30, "p25": 90, "p50": 150, "p75": 240, "p90": 270, "p95": 300, "p99": 300,
            "max": 300, "average": 165.0,
        }  # fmt: skip
        assert (answer["successful"]["count"], answer["successful"]["p50"]) == (5, 180)

    def test_the_histogram_has_at_most_twenty_equal_steps_and_shows_empty_ones(self, performance, someone, lab, send):
        for seconds in [-7, 0, 19, 20, 399]:
            send(someone, completion_time=seconds)
        steps = times(performance, lab)["histogram"]
        assert steps[:2] == [{"from": -7, "to": 20, "count": 3}, {"from": 20, "to": 40, "count": 1}]
        assert steps[-1] == {"from": 380, "to": 400, "count": 1}
        assert len(steps) == 20 and sum(step["count"] for step in steps) == 5

    def test_without_records_counts_are_0_and_the_rest_is_null(self, performance, lab):
        answer = times(performance, lab)
        figures = answer["all"]
        assert figures["count"] == 0 and answer["successful"] == figures and answer["histogram"] == []
        assert {value for name, value in figures.items() if name != "count"} == {None}

    def test_a_range_has_its_first_moment_and_not_its_last(self, performance, someone, lab, send):
        for second in range(3):
            send(someone, f"2025-04-19T08:00:0{second}Z", completion_time=second)
        answer = times(
            performance, lab, **{"from": "2025-04-19T10:00:00+02:00", "to": "2025-04-19T08:00:02", "zone": "Europe/Berlin"}
        )
        assert (answer["all"]["count"], answer["all"]["max"]) == (2, 1)
        assert (answer["from"], answer["to"]) == ("2025-04-19T10:00:00+02:00", "2025-04-19T10:00:02+02:00")
        assert answer["zone"] == "Europe/Berlin"


class TestErrors:
    def test_errors_are_ranked_as_the_lab_s_report_ranks_them(self, performance, api, lab, send):
        ann, bob = new_user(api), new_user(api)
        send(ann, errors=["b", "a", "b"], success=False)
        send(bob, errors=["b"])
        send(bob, errors=["a", "c"], success=False)
        send(bob, errors=[])
        answer = errors(performance, lab)
        assert (answer["attempts"], answer["attempts_with_errors"], answer["more"]) == (4, 3, 0)
        rows = [(r["error"], r["occurrences"], r["attempts"], r["users"], r["share"], r["success_rate"]) for r in answer["errors"]]
        assert rows == [("b", 3, 2, 2, 0.5, 0.5), ("a", 2, 2, 2, 0.5, 0.0), ("c", 1, 1, 1, 0.25, 0.0)]
        report = created(performance.get(f"/performance/lab/{lab['lab_type']}"))
        assert report["common_errors"] == [row[0] for row in rows]

    def test_what_is_beyond_the_limit_is_counted(self, performance, someone, lab, send):
        send(someone, errors=["a", "b", "c"])
        answer = errors(performance, lab, limit=1)
        assert [row["error"] for row in answer["errors"]] == ["a"] and answer["more"] == 2
        assert faults(performance.get(f"/performance/lab/{lab['lab_type']}/errors?limit=1001"))

    def test_an_error_of_any_length_is_counted(self, performance, someone, lab, send):
        send(someone, errors=["x" * 9000, "short"])
        assert [len(row["error"]) for row in errors(performance, lab)["errors"]] == [9000, 5]

    def test_without_records_there_are_no_errors(self, performance, lab):
        answer = errors(performance, lab)
        assert (answer["attempts"], answer["attempts_with_errors"], answer["errors"], answer["more"]) == (0, 0, [], 0)


class TestDifficulty:
    def test_first_tries_and_those_who_gave_up_are_counted(self, performance, api, lab, send):
        first, third, gave_up = (new_user(api) for _ in range(3))
        send(first, "2025-01-01T00:00:00Z", completion_time=10)
        send(first, "2025-01-02T00:00:00Z", completion_time=99, success=False)
        for day, passed in [(1, False), (3, True), (2, False)]:
            send(third, f"2025-01-0{day}T00:00:00Z", completion_time=day * 10, success=passed, errors=["e"])
        send(gave_up, "2025-01-01T00:00:00Z", success=False)
        row, name = difficulty_of(performance, lab, min_users=3)
        assert name == "labs"
        assert row == {
            "lab_type": lab["lab_type"], "lab_name": lab["name"], "lab_difficulty": lab["difficulty"], "users": 3,
            "solved": 2, "solved_first": 1, "first_try_rate": 1 / 3, "solve_rate": 2 / 3,
            "average_attempts_to_solve": 2.0, "gave_up": 1, "p50_time_to_solve": 10, "top_error": "e",
        }  # fmt: skip
        row, _ = difficulty_of(performance, lab, min_users=3, to="2025-01-15")
        assert row["gave_up"] == 0

    def test_lab_types_of_few_users_are_shown_and_not_ranked(self, performance, someone, lab, send):
        send(someone)
        assert difficulty_of(performance, lab)[1] == "few"
        assert difficulty_of(performance, lab, min_users=1)[1] == "labs"

    def test_the_hardest_comes_first(self, performance, api):
        user, easy, hard = new_user(api), new_lab(api), new_lab(api)
        new_record(performance, user, easy)
        new_record(performance, user, hard, success=False)
        labs = created(performance.get("/performance/difficulty?min_users=1"))["labs"]
        place = [row["lab_type"] for row in labs].index
        assert place(hard["lab_type"]) < place(easy["lab_type"])
        rates = [(row["first_try_rate"], row["lab_type"].encode()) for row in labs]
        assert rates == sorted(rates)

    def test_a_deleted_lab_is_shown_by_its_type(self, performance, api, someone):
        lab = new_lab(api)
        new_record(performance, someone, lab)
        api.delete(f"/labs/{lab['id']}")
        row, _ = difficulty_of(performance, lab)
        assert (row["lab_name"], row["lab_difficulty"]) == (lab["lab_type"], None)


class TestResources:
    def test_amounts_are_summed_by_name_and_other_values_ignored(self, performance, someone, lab, send, cursor_of):
        send(someone, resources_used={"cpu": 5, "mem": 12345678901234567890})
        send(someone, resources_used={"cpu": 8})
        send(someone, resources_used={})
        cursor = cursor_of("performance-reporting")
        cursor.execute(
            "INSERT INTO user_performance (lab_type, resources_used, timestamp) VALUES (%s, %s, now())",
            [lab["lab_type"], '{"cpu": 0.5, "mem": "much", "disk": null}'],
        )
        cursor.connection.commit()
        try:
            answer = resources(performance, lab_type=lab["lab_type"])
        finally:  # no list may show what no call can store
            cursor.execute("DELETE FROM user_performance WHERE lab_type = %s AND user_id IS NULL", [lab["lab_type"]])
            cursor.connection.commit()
        assert (answer["records"], answer["with_resources"], answer["more"], answer["ignored"]) == (4, 3, 0, 2)
        assert answer["resources"] == [
            {"name": "cpu", "count": 3, "min": 0.5, "p50": 5, "p95": 8, "max": 8, "average": 4.5, "sum": 13.5},
            {"name": "mem", "count": 1, "min": 12345678901234567890, "p50": 12345678901234567890,
             "p95": 12345678901234567890, "max": 12345678901234567890, "average": 1.2345678901234567e19,
             "sum": 12345678901234567890},
        ]  # fmt: skip

    def test_a_lab_type_that_nobody_knows_has_no_records(self, performance):
        answer = resources(performance, lab_type="nobody knows it")
        assert (answer["records"], answer["with_resources"], answer["resources"]) == (0, 0, [])

    @pytest.mark.parametrize("amounts,printed", [
        ([99], "99.0"), ([0, 0], "0.0"), ([1, 2], "1.5"), ([10**15], "1000000000000000.0"), ([10**16], "1e+16"),
        ([-3 * 10**15, -(10**15), 1], "-1333333333333333.0"), ([1] + [0] * 19, "0.05"),
    ], ids=str)  # fmt: skip
    def test_an_average_is_printed_as_those_of_other_reports(self, performance, someone, lab, send, amounts, printed):
        for amount in amounts:
            send(someone, resources_used={"cpu": amount})
        answer = performance.get("/performance/resources", params={"lab_type": lab["lab_type"]})
        assert f'"average":{printed},' in answer.text

    def test_by_default_the_last_30_days_count(self, performance):
        assert resources(performance, to="2025-03-31")["from"] == "2025-03-01T00:00:00+00:00"

    def test_a_range_of_more_than_400_days_is_refused(self, performance):
        answer = performance.get("/performance/resources?from=2024-01-01&to=2025-02-04T00:00:00Z")
        assert answer.status_code == 200
        answer = performance.get("/performance/resources?from=2024-01-01&to=2025-02-04T00:00:01Z")
        assert faults(answer) == [("value_error", ("query", "from"))]


@pytest.mark.parametrize("path", REPORTS[:2])
def test_a_lab_type_that_does_not_exist_is_not_found(performance, path):
    answer = performance.get(path.format("no-such-type"))
    assert (answer.status_code, answer.json()) == (404, {"detail": "Lab type not found"})


@pytest.mark.parametrize("path", REPORTS)
def test_a_range_that_is_empty_or_of_no_zone_is_refused(performance, lab, path):
    path = path.format(lab["lab_type"])
    assert faults(performance.get(f"{path}?from=2025-01-01&to=2025-01-01")) == [("value_error", ("query", "to"))]
    assert faults(performance.get(f"{path}?zone=FOO5")) == [("value_error", ("query", "zone"))]


def test_reports_about_all_users_require_a_token_for_all(beside, user_progress, issuer, lab):
    settings = {"AUTH_REQUIRED": "on", "AUTH_SUBJECT_SCOPED": "on", **issuer.settings}
    daemon = beside("performance-reporting", user_progress, **settings).ready()
    mine, every = issuer.token("ann"), issuer.token("ann", scope="progress:any")
    with daemon.client() as client:
        for path in REPORTS:
            path = path.format(lab["lab_type"])
            assert client.get(path).status_code == 401
            assert client.get(path, headers={"Authorization": f"Bearer {mine}"}).status_code == 403
            assert client.get(path, headers={"Authorization": f"Bearer {every}"}).status_code == 200
