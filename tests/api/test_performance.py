"""Performance records and the reports on them."""

import json
import random
from contextlib import closing

import pytest

from harness import exchange, reports
from harness.samples import created, detail, faults, new_lab, new_record, new_user, record_body

JSON = {"Content-Type": "application/json"}


def report(performance, lab: dict) -> dict:
    return created(performance.get(f"/performance/lab/{lab['lab_type']}"))


class TestRecords:
    def test_the_document_s_request_gets_the_document_s_answer(self, performance, someone, lab):
        body = {**record_body(someone, lab), "lab_id": lab["id"], "score": 85, "errors_made": 3}
        record = created(performance.post("/performance/record", json=body))
        assert list(record) == [
            "user_id",
            "lab_type",
            "completion_time",
            "success",
            "errors",
            "resources_used",
            "id",
            "timestamp",
        ]
        assert (record["errors"], record["resources_used"]) == ([], {})

    def test_the_answer_is_what_is_stored(self, performance, someone, lab, cursor_of):
        record = new_record(
            performance, someone, lab, errors=["b", "é", "b"], resources_used={"mem": 1, "cpu": 2}
        )
        cursor = cursor_of("performance-reporting")
        cursor.execute(
            "SELECT user_id, lab_type, completion_time, success, errors, resources_used,"
            " to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
            " FROM user_performance WHERE id = %s",
            [record["id"]],
        )
        stored = cursor.fetchone()
        assert stored[:6] == tuple(list(record.values())[:6])
        assert stored[6].replace(".000000", "") == record["timestamp"]

    @pytest.mark.parametrize(
        ("sent", "answered"),
        [
            ("{}", "{}"),
            ('{"z":1,"a":2,"m":-3}', '{"z":1,"a":2,"m":-3}'),
            ('{"big":12345678901234567890}', '{"big":12345678901234567890}'),
            ('{"é":1,"\U0001f600":2,"":3}', '{"é":1,"\U0001f600":2,"":3}'),
            ('{"cpu":"5","mem":2.0,"on":true}', '{"cpu":5,"mem":2,"on":1}'),
            ("null", "null"),
        ],
    )
    def test_resources_come_back_as_they_were_sent(self, services, performance, someone, lab, sent, answered):
        body = json.dumps(record_body(someone, lab))[:-1] + f',"resources_used":{sent}}}'
        url = services["performance-reporting"]
        record = exchange.request(url, "POST", "/performance/record", JSON, body.encode())
        assert record.status == 200 and f'"resources_used":{answered},"id"' in record.text

    def test_null_lists_and_objects_stay_null(self, performance, someone, lab):
        record = new_record(performance, someone, lab, errors=None, resources_used=None)
        assert (record["errors"], record["resources_used"]) == (None, None)

    def test_an_update_replaces_all_but_id_and_time(self, performance, someone, lab):
        record = new_record(performance, someone, lab, errors=["e"], resources_used={"cpu": 1})
        body = record_body(someone, lab, completion_time=1, success=False)
        changed = created(performance.put(f"/performance/record/{record['id']}", json=body))
        assert changed == {**record, **body, "errors": [], "resources_used": {}}
        assert report(performance, lab)["total_attempts"] == 1

    def test_a_deleted_record_is_gone(self, performance, someone, lab):
        record = new_record(performance, someone, lab)
        path = f"/performance/record/{record['id']}"
        message = f"Performance record {record['id']} deleted"
        assert performance.delete(path).json() == {"status": "success", "message": message}
        for again in (performance.delete(path), performance.put(path, json=record_body(someone, lab))):
            assert (again.status_code, detail(again)) == (404, "Performance record not found")
        assert performance.get(f"/performance/lab/{lab['lab_type']}").status_code == 404

    def test_an_unknown_user_is_reported_before_an_unknown_lab_type(self, performance, someone, lab):
        nobody, nowhere = {"id": "nope"}, {"lab_type": "nope"}
        number = new_record(performance, someone, lab)["id"]
        for method, path in (("POST", "/performance/record"), ("PUT", f"/performance/record/{number}")):
            for user, of, said in (
                (nobody, nowhere, "User not found"),
                (someone, nowhere, "Lab type not found"),
            ):
                answer = performance.request(method, path, json=record_body(user, of))
                assert (answer.status_code, detail(answer)) == (404, said)

    def test_all_faults_are_reported_at_once_in_declared_order(self, performance):
        body = {
            "success": "maybe",
            "errors": [1, "a", None],
            "resources_used": {"cpu": 1.5},
            "completion_time": 2**31,
        }
        got = faults(performance.put("/performance/record/x", json=body))
        assert got == [
            ("int_parsing", ("path", "performance_id")),
            ("missing", ("body", "user_id")),
            ("missing", ("body", "lab_type")),
            (got[3][0], ("body", "completion_time")),
            ("bool_parsing", ("body", "success")),
            ("string_type", ("body", "errors", 0)),
            ("string_type", ("body", "errors", 2)),
            ("int_from_float", ("body", "resources_used", "cpu")),
        ]

    def test_a_request_sent_again_under_its_key_is_recorded_once(self, performance, someone, lab):
        headers, body = {"Idempotency-Key": f"key-{lab['id']}"}, record_body(someone, lab)
        answers = [performance.post("/performance/record", json=body, headers=headers) for _ in range(3)]
        assert {(a.status_code, a.text) for a in answers} == {(200, answers[0].text)}
        assert report(performance, lab)["total_attempts"] == 1


class TestReports:
    def test_a_lab_without_records_is_distinguished_from_no_lab(self, performance, lab):
        for lab_type, said in (
            (lab["lab_type"], "No records found for lab type"),
            ("nope", "Lab type not found"),
        ):
            answer = performance.get(f"/performance/lab/{lab_type}")
            assert (answer.status_code, detail(answer)) == (404, said)

    def test_a_user_without_records_has_an_empty_report(self, performance, api):
        user = new_user(api)
        assert performance.get(f"/performance/user/{user['id']}").json() == {
            "user_id": user["id"],
            "username": user["username"],
            "performance_by_lab": {},
        }
        answer = performance.get("/performance/user/nope")
        assert (answer.status_code, detail(answer)) == (404, "User not found")

    def test_five_most_frequent_errors_are_shown_ties_by_first_appearance(self, performance, someone, lab):
        for errors in (["z", "y"], ["x", "x"], None, ["w", "v", "u"], ["u"], ["t"] * 3, []):
            new_record(performance, someone, lab, errors=errors)
        assert report(performance, lab)["common_errors"] == ["t", "x", "u", "z", "y"]

    def test_the_name_shown_is_that_of_the_oldest_lab_of_the_type(self, performance, api, someone):
        oldest = new_lab(api)
        newest = new_lab(api, lab_type=oldest["lab_type"], difficulty="advanced")
        new_record(performance, someone, oldest)
        mine = f"/performance/user/{someone['id']}"
        for lab in (oldest, newest):
            assert report(performance, oldest)["lab_name"] == lab["name"]
            shown = performance.get(mine).json()["performance_by_lab"][oldest["lab_type"]]
            assert (shown["lab_name"], shown["lab_difficulty"]) == (lab["name"], lab["difficulty"])
            api.delete(f"/labs/{lab['id']}")
        shown = performance.get(mine).json()["performance_by_lab"][oldest["lab_type"]]
        assert (shown["lab_name"], shown["lab_difficulty"]) == (oldest["lab_type"], "unknown")

    def test_a_report_writes_nothing(self, performance, someone, lab, cursor_of):
        new_record(performance, someone, lab)
        cursor = cursor_of("performance-reporting")
        count = "SELECT (SELECT count(*) FROM lab_statistics), (SELECT count(*) FROM user_performance)"
        cursor.execute(count)
        before = cursor.fetchone()
        report(performance, lab)
        performance.get(f"/performance/user/{someone['id']}")
        cursor.execute(count)
        assert cursor.fetchone() == before

    def test_rates_and_averages_are_printed_as_floats_and_those_of_nothing_as_zero(
        self, performance, someone, lab, services, cursor_of
    ):
        url = f"{services['performance-reporting']}"
        for seconds, success in ((295, True), (296, False), (-1, False)):
            new_record(performance, someone, lab, completion_time=seconds, success=success)
        text = exchange.request(url, "GET", f"/performance/lab/{lab['lab_type']}").text
        assert '"success_rate":0.3333333333333333,"avg_completion_time":196.66666666666666,' in text
        cursor_of("performance-reporting").execute(
            "UPDATE user_performance SET completion_time = NULL, success = NULL WHERE lab_type = %s",
            [lab["lab_type"]],
        )
        text = exchange.request(url, "GET", f"/performance/lab/{lab['lab_type']}").text
        assert '"success_rate":0.0,"avg_completion_time":0,' in text.replace('rate":0,', 'rate":0.0,')


class Model:
    """Random work on a service of the test's own, and the reports held against the raw rows."""

    def __init__(self, client, cursor, truth, chance: random.Random):
        self.client, self.cursor, self.chance = client, cursor, chance
        self.users = [new_user(truth) for _ in range(3)]
        labs = [new_lab(truth) for _ in range(2)]
        self.labs = {lab["lab_type"]: lab for lab in labs}
        self.ids: list[int] = []

    def body(self) -> dict:
        chance = self.chance
        return record_body(
            chance.choice(self.users),
            chance.choice(list(self.labs.values())),
            completion_time=chance.choice([0, 1, 7, 300, 2**31 - 1, -(2**31), chance.randrange(10**6)]),
            success=chance.random() < 0.6,
            errors=chance.choice(
                [None, [], [chance.choice("abcdefgh") for _ in range(chance.randint(1, 5))]]
            ),
        )

    def step(self) -> None:
        what = self.chance.random()
        if what < 0.55 or not self.ids:
            self.ids.append(created(self.client.post("/performance/record", json=self.body()))["id"])
        elif what < 0.75:
            path = f"/performance/record/{self.chance.choice(self.ids)}"
            created(self.client.put(path, json=self.body()))
        elif what < 0.88:
            number = self.ids.pop(self.chance.randrange(len(self.ids)))
            created(self.client.delete(f"/performance/record/{number}"))
        else:
            self.write_as_others_do()

    def write_as_others_do(self) -> None:
        values = self.chance.choice(
            [
                "NULL, NULL, NULL, NULL, now()",
                "1, NULL, 'null', NULL, NULL",
                "5, true, '{\"a\":1}', '{}', now() - interval '1 year'",
                '5, true, \'["a",1,null,["b"],"c"]\', \'null\', now()',
                "5, false, '\"a\"', NULL, 'epoch'",
            ]
        )
        user, lab = self.chance.choice([*self.users, {"id": None}]), self.chance.choice([*self.labs, None])
        self.cursor.execute(
            "INSERT INTO user_performance (user_id, lab_type, completion_time, success, errors, resources_used,"
            f" timestamp) VALUES (%s, %s, {values})",
            [user["id"], lab],
        )

    def check(self) -> None:
        self.cursor.execute(reports.RECORDS)
        records = [reports.Record(*row) for row in self.cursor.fetchall()]
        for lab in self.labs.values():
            answer = self.client.get(f"/performance/lab/{lab['lab_type']}")
            expected = reports.performance_of_lab(records, lab)
            assert (answer.json() if answer.status_code == 200 else None) == expected
        for user in self.users:
            got = created(self.client.get(f"/performance/user/{user['id']}"))
            expected = reports.performance_of_user(records, user, self.labs)
            assert got == expected


@pytest.mark.parametrize("seed", range(3))
def test_reports_equal_a_recomputation_from_the_raw_rows_after_every_step(api, beside, postgres, seed):
    daemon = beside("performance-reporting", str(api.base_url)).ready()
    with (
        daemon.client() as client,
        closing(postgres.connect(daemon.database)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SET timezone = 'UTC'")
        model = Model(client, cursor, api, random.Random(seed))
        for _ in range(60):
            model.step()
            model.check()
