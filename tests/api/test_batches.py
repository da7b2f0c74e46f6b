"""Many items in one request: each judged by itself, the good ones stored in one transaction, each client id once."""

import gzip
import json
import random
import threading
from datetime import datetime, timedelta, timezone

import pytest

from harness import exchange
from harness.batches import JSON, LINES, body_of, counts, has_index, rows, send, statuses
from harness.lists import LISTS
from harness.samples import event_body, new_lab, token
from harness.wait import until

SINGLE = {"user-progress": "/progress/lab-attempt", "performance-reporting": "/performance/record", "usage-analytics": "/analytics/event"}


@pytest.fixture(scope="module", params=LISTS, ids=lambda of: of.service)
def of(request):
    return request.param


@pytest.fixture(scope="module")
def url(services, of) -> str:
    return services[of.service]


@pytest.fixture
def cursor(cursor_of, of, url):
    cursor = cursor_of(of.service)
    until(lambda: has_index(cursor, of), "the index of client ids")
    return cursor


def as_lines(items: list) -> bytes:
    return b"\r\n\n".join(json.dumps(item).encode() for item in items)


def test_the_document_s_example_is_answered_as_it_says(services, cursor_of, someone, lab):
    of = LISTS[2]
    until(lambda: has_index(cursor_of(of.service), of), "the index of client ids")
    start = event_body(someone, lab, client_id=f"{token()}:start")
    answer = send(services[of.service], of, [
        {**start, "event_data": {"session_id": "s1"}, "timestamp": "2025-04-19T08:39:43.599Z"},
        start,
        {"user_id": "nobody", "lab_type": lab["lab_type"], "event_type": "start"},
        {"user_id": someone["id"], "lab_type": lab["lab_type"]},
    ])  # fmt: skip
    body = answer.json()
    id_ = body["items"][0]["id"]
    assert answer.status == 207 and body.pop("received_at").endswith("Z")
    assert body == {
        "received": 4, "stored": 1, "duplicates": 1, "failed": 2,
        "items": [
            {"index": 0, "status": "stored", "id": id_},
            {"index": 1, "status": "duplicate", "id": id_},
            {"index": 2, "status": "failed", "code": 404, "detail": "User not found"},
            {"index": 3, "status": "failed", "code": 422, "detail": "Field required",
             "errors": [{"type": "missing", "loc": ["body", 3, "event_type"], "msg": "Field required"}]},
        ],
    }  # fmt: skip


def bad_items(of, user: dict, lab: dict) -> list:
    good = body_of(of, user, lab)
    wrong = [{**good, name: value} for name in good for value in (None, 5, "x", [], {"a": "b" * 200, "c" * 200: {}})]
    return [
        *wrong, {}, [], None, 5, "text", {**good, "user_id": "nobody"}, {**good, "lab_type": "no lab"},
        {**good, "user_id": "x" * 3000}, {**good, "lab_type": "y" * 300},
        *({name: value for name, value in good.items() if name != absent} for absent in good),
    ]  # fmt: skip


def test_what_fails_is_told_what_the_single_call_is_told(url, of, cursor, someone, lab):
    items = bad_items(of, someone, lab)
    answer = send(url, of, items)
    for item, outcome in zip(items, answer.json()["items"], strict=True):
        single = exchange.request(url, "POST", SINGLE[of.service], JSON, json.dumps(item).encode())
        if single.status == 200:
            assert outcome["status"] == "stored", item
            continue
        assert (outcome["status"], outcome["code"]) == ("failed", single.status), item
        if single.status == 422:
            faults = [{**fault, "loc": ["body", outcome["index"], *fault["loc"][1:]]} for fault in single.json()["detail"]]
            shown = [{k: v for k, v in fault.items() if k != "input"} for fault in faults[:10]]
            for fault in shown:
                fault["loc"] = [part[:100] if isinstance(part, str) else part for part in fault["loc"]]
            assert outcome["errors"] == shown and outcome["detail"] == shown[0]["msg"]
        else:
            assert outcome["detail"] == single.json()["detail"]


FORMS = {
    "array": lambda items: (JSON, json.dumps(items).encode()),
    "lines": lambda items: (LINES, as_lines(items)),
    "gzip": lambda items: ({**JSON, "Content-Encoding": "gzip"}, gzip.compress(json.dumps(items).encode())),
    "lines in gzip": lambda items: ({**LINES, "Content-Encoding": "gzip"}, gzip.compress(as_lines(items) + b"\n")),
    "without a type": lambda items: ({}, b"\xef\xbb\xbf " + json.dumps(items).encode()),
}


def test_the_rows_are_those_of_single_calls_in_every_form_and_size_of_batches(url, of, cursor, api, someone):
    names = ", ".join(["user_id", of.special, *(f"{name}::text" for name in of.others)])
    random_, wanted = random.Random(5), None
    for form in [None, *FORMS, "cut"]:
        lab = new_lab(api)
        items = [body_of(of, someone, lab, **{of.special: of.values[n % len(of.values)]}) for n in range(30)]
        for n, item in enumerate(items):
            item |= {"errors": [f"e{n}"], "errors_encountered": [f'"{n}\\'], "event_data": {"n": n, "ü": [1.0]}}
        if form is None:
            for item in items:
                assert exchange.request(url, "POST", SINGLE[of.service], JSON, json.dumps(item).encode()).status == 200
        elif form == "cut":
            left = list(items)
            while left:
                part = [left.pop(0) for _ in range(min(len(left), random_.randrange(1, 9)))]
                assert counts(send(url, of, part)) == (len(part), 0, 0)
        else:
            headers, body = FORMS[form](items)
            answer = exchange.request(url, "POST", of.path, headers, body)
            assert answer.status == 200 and statuses(answer) == ["stored"] * len(items)
        got = rows(cursor, of, lab, names)
        wanted = wanted or got
        assert got == wanted, form


def test_ids_rise_with_the_index_whatever_the_client_ids_are(url, of, cursor, someone, lab):
    names = random.Random(2).sample(range(10**6), 3000)
    items = [body_of(of, someone, lab, **({"client_id": f"{token()}{name}"[-64:]} if name % 3 else {})) for name in names]
    answer = send(url, of, items)
    ids = [item["id"] for item in answer.json()["items"]]
    assert ids == sorted(set(ids)) and [id_ for (id_,) in rows(cursor, of, lab)] == ids


def test_a_client_id_is_stored_once_and_names_the_same_item_for_as_long_as_it_is_there(url, of, cursor, api, someone, lab):
    mine = body_of(of, someone, lab, client_id=token())
    first = send(url, of, [mine]).json()["items"][0]
    again = send(url, of, [{**mine, "event_data": {"other": 1}, "errors": ["other"]}])
    assert (again.status, statuses(again), again.json()["items"][0]["id"]) == (200, ["duplicate"], first["id"])
    other = send(url, of, [{**mine, "lab_type": new_lab(api)["lab_type"]}])
    assert (other.status, other.json()["items"][0]["code"]) == (422, 409)
    assert other.json()["items"][0]["detail"].startswith("client_id is another ")
    cursor.execute(f"DELETE FROM {of.table} WHERE client_id = %s", [mine["client_id"]])
    assert statuses(send(url, of, [mine])) == ["stored"]


def test_of_two_with_one_client_id_the_first_that_is_good_is_stored(url, of, cursor, api, someone, lab):
    mine = body_of(of, someone, lab, client_id=token())
    answer = send(url, of, [{**mine, "user_id": "nobody"}, mine, mine, {**mine, "lab_type": new_lab(api)["lab_type"]}])
    assert statuses(answer) == ["failed", "stored", "duplicate", "failed"] and answer.json()["items"][3]["code"] == 409
    assert answer.json()["items"][1]["id"] == answer.json()["items"][2]["id"]


def test_senders_of_the_same_client_ids_in_any_order_store_each_once(url, of, cursor, someone, lab):
    mark = token()[:8]
    items = [body_of(of, someone, lab, client_id=f"{mark}:{n}") for n in range(1500)]
    answers = []

    def deliver(seed: int) -> None:
        mine = list(items)
        random.Random(seed).shuffle(mine)
        for at in range(0, len(mine), 700):
            answers.append(send(url, of, mine[at : at + 700]))

    threads = [threading.Thread(target=deliver, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {200}
    assert sum(answer.json()["stored"] for answer in answers) == len(items)
    ids = {item["id"] for answer in answers for item in answer.json()["items"]}
    assert len(rows(cursor, of, lab)) == len(items) and ids == {id_ for (id_,) in rows(cursor, of, lab)}


def test_a_told_time_is_kept_and_its_arrival_beside_it(url, of, cursor, someone, lab):
    answer = send(url, of, [body_of(of, someone, lab, timestamp="2025-04-19T10:39:43.599123+02:00"), body_of(of, someone, lab)])
    assert statuses(answer) == ["stored"] * 2
    (told, arrived), (now, none) = rows(cursor, of, lab, "timestamp, received_at")
    assert told.replace(tzinfo=timezone.utc) == datetime(2025, 4, 19, 8, 39, 43, 599123, timezone.utc)
    assert of.shown(arrived) == answer.json()["received_at"] and none is None
    assert abs(now.replace(tzinfo=timezone.utc) - datetime.now(timezone.utc)) < timedelta(minutes=1)


def test_times_that_cannot_be_and_client_ids_that_are_none_are_faults(url, of, someone, lab):
    ahead = (datetime.now(timezone.utc) + timedelta(seconds=3612)).isoformat()
    items = [
        *({"timestamp": value} for value in (ahead, "1969-12-31T23:59:59Z", "yesterday", 1745051983, "")),
        *({"client_id": value} for value in ("", "x" * 65, "a b", "ü", 5)),
    ]
    answer = send(url, of, [body_of(of, someone, lab, **item) for item in items])
    assert answer.status == 422 and counts(answer) == (0, 0, len(items))
    for item, outcome in zip(items, answer.json()["items"]):
        (fault,) = outcome["errors"]
        assert fault["loc"] == ["body", outcome["index"], next(iter(item))]
    first = answer.json()["items"][0]["detail"]
    assert first.startswith("timestamp is 36") and first.endswith(" s ahead of this service's clock")
    soon = (datetime.now(timezone.utc) + timedelta(seconds=200)).isoformat()
    assert statuses(send(url, of, [body_of(of, someone, lab, timestamp=soon, client_id=None)])) == ["stored"]


def test_a_time_after_the_bound_by_less_than_a_second_is_a_fault(url, of, someone, lab):
    told = [datetime.now(timezone.utc) + timedelta(seconds=300, milliseconds=100 * n) for n in range(-10, 30)]
    answer = send(url, of, [body_of(of, someone, lab, timestamp=time.isoformat()) for time in told])
    latest = datetime.fromisoformat(answer.json()["received_at"].removesuffix("Z") + "+00:00") + timedelta(seconds=300)
    assert statuses(answer) == ["failed" if time > latest else "stored" for time in told]
    assert {"failed", "stored"} == set(statuses(answer))


def test_atomic_stores_all_or_nothing(url, of, cursor, api, someone, lab):
    good = [body_of(of, someone, lab, client_id=token()) for _ in range(3)]
    taken = body_of(of, someone, new_lab(api), client_id=token())
    assert send(url, of, [taken]).status == 200
    for bad, code in (({}, 422), ({**good[0], "user_id": "nobody"}, 404), ({**taken, "lab_type": lab["lab_type"]}, 409)):
        answer = send(url, of, [*good, bad], "?atomic=true")
        assert answer.status == 422 and statuses(answer) == ["not_stored"] * 3 + ["failed"]
        assert (answer.json()["stored"], answer.json()["items"][3]["code"]) == (0, code)
        assert not any("id" in item for item in answer.json()["items"])
    answer = send(url, of, [taken, *good, {**taken, "lab_type": lab["lab_type"]}], "?atomic=true")
    assert answer.status == 422 and statuses(answer) == ["duplicate", *["not_stored"] * 3, "failed"]
    assert rows(cursor, of, lab) == []
    answer = send(url, of, [*good, good[0]], "?atomic=1")
    assert answer.status == 200 and counts(answer) == (3, 1, 0) and len(rows(cursor, of, lab)) == 3


def test_items_failed_lists_the_failed_alone(url, of, someone, lab):
    answer = send(url, of, [body_of(of, someone, lab), {}, body_of(of, someone, lab)], "?items=failed")
    assert answer.status == 207 and counts(answer) == (2, 0, 1)
    assert [item["index"] for item in answer.json()["items"]] == [1]


def test_a_bad_line_is_its_own_fault_and_a_bad_byte_in_an_array_spoils_all(url, of, cursor, someone, lab):
    good = json.dumps(body_of(of, someone, lab)).encode()
    answer = exchange.request(url, "POST", of.path, LINES, good + b"\n{]\n\n" + b"[" * 70 + b"]" * 70 + b"\r\n" + good)
    assert answer.status == 207 and statuses(answer) == ["stored", "failed", "failed", "stored"]
    assert answer.json()["items"][1]["errors"][0]["type"] == "json_invalid" and answer.json()["items"][2]["code"] == 400
    before = rows(cursor, of, lab)
    for spoiled in (b"[%b,{]]", b"[%b", b"[%b,]", b"[%b]x", b"[%b %b]", b"%b", b" ", b"[,%b]", b"[%b}"):
        body = spoiled.replace(b"%b", good)
        answer = exchange.request(url, "POST", of.path, JSON, body)
        whole = exchange.request(url, "POST", SINGLE[of.service], JSON, body) if spoiled != b"%b" else None
        assert answer.status == 422, spoiled
        wanted = whole.json()["detail"][0] if whole else {"type": "list_type", "loc": ["body"]}
        assert {k: v for k, v in answer.json()["detail"][0].items() if k in wanted and k != "input"} == {
            k: v for k, v in wanted.items() if k != "input"
        }, spoiled
    for unreadable in (b"[" + good + b',{"a":"\xff"}]', b"[" * 66 + b"]" * 66):
        assert exchange.request(url, "POST", of.path, JSON, unreadable).status == 400
    assert exchange.request(url, "POST", of.path, LINES, good + b"\n\xff").status == 400
    assert rows(cursor, of, lab) == before


def test_what_is_empty_is_no_failure(url, of):
    for headers, body in ((JSON, b""), (JSON, b" [ ] "), (LINES, b""), (LINES, b"\n\r\n \n")):
        answer = exchange.request(url, "POST", of.path, headers, body)
        assert answer.status == 200 and answer.json()["items"] == [] and counts(answer) == (0, 0, 0)


def test_other_types_and_codings_are_415_and_damage_is_400(url, of):
    assert exchange.request(url, "POST", of.path, {"Content-Type": "text/csv"}, b"a,b").status == 415
    answer = exchange.request(url, "POST", of.path, {**JSON, "Content-Encoding": "br"}, b"x")
    assert (answer.status, answer.headers["accept-encoding"]) == (415, "gzip")
    packed = gzip.compress(b"[]")
    for damaged in (packed[:-1], packed + b"x", packed + packed, b"x" + packed):
        assert exchange.request(url, "POST", of.path, {**JSON, "Content-Encoding": "gzip"}, damaged).status == 400


def test_limits_are_of_items_and_bytes_on_the_wire_and_expanded(url, of, someone, lab):
    too_many = exchange.request(url, "POST", of.path, JSON, b"[" + b"0," * 10000 + b"0]")
    assert too_many.status == 422
    assert (too_many.json()["detail"][0]["type"], too_many.json()["detail"][0]["loc"]) == ("too_long", ["body"])
    for headers, body in (
        (JSON, b" " * (8 << 20) + b"x"),
        ({**JSON, "Content-Encoding": "gzip"}, gzip.compress(b"[" + b" " * (8 << 20) + b"]", 9)),
        ({**LINES, "Content-Encoding": "gzip"}, gzip.compress(b"\n" * (64 << 20), 9)),
    ):
        assert exchange.request(url, "POST", of.path, headers, body).status == 413
    padded = json.dumps([body_of(of, someone, lab)]).encode() + b" " * (3 << 20)
    assert exchange.request(url, "POST", of.path, JSON, padded).status == 200
    assert exchange.request(url, "POST", SINGLE[of.service], JSON, padded).status == 413
    large = body_of(of, someone, lab, ignored="x" * (1 << 20))
    answer = send(url, of, [large, body_of(of, someone, lab)])
    assert answer.status == 207 and answer.json()["items"][0]["code"] == 413


def test_an_item_that_is_too_large_still_spoils_the_body_where_a_smaller_one_would(url, of, cursor, someone, lab):
    good = json.dumps(body_of(of, someone, lab)).encode()
    text, line = b"x" * (1 << 20), b"\n" + good
    for headers, body, status in (
        (JSON, b"[" + text + b"," + good + b"]", 422),
        (JSON, b'["\xff' + text + b'",' + good + b"]", 400),
        (JSON, b"[" + b"[" * 70 + text + b"]" * 70 + b"," + good + b"]", 400),
        (LINES, b'"\xff' + text + b'"' + line, 400),
    ):
        assert exchange.request(url, "POST", of.path, headers, body).status == status, body[:80]
    assert rows(cursor, of, lab) == []
    answer = exchange.request(url, "POST", of.path, LINES, text + b"y" + line)
    assert answer.status == 207 and answer.json()["items"][0]["code"] == 413


def test_the_end_of_a_line_is_no_part_of_its_item_s_size(url, of, someone, lab):
    item = body_of(of, someone, lab, ignored="")
    item["ignored"] = "x" * ((1 << 20) - len(json.dumps(item)))
    line = json.dumps(item).encode()
    answer = exchange.request(url, "POST", of.path, LINES, line + b"\r\n" + line + b"\n" + line)
    assert len(line) == 1 << 20 and statuses(answer) == ["stored"] * 3


def test_under_a_key_a_batch_is_stored_once_however_often_it_is_sent(url, of, cursor, someone, lab):
    items, key = [body_of(of, someone, lab) for _ in range(20)] + [{}], {"Idempotency-Key": token()}
    first, again = (send(url, of, items, headers=key) for _ in range(2))
    assert first.status == again.status == 207 and first.body == again.body
    assert again.headers["idempotency-replayed"] == "true" and len(rows(cursor, of, lab)) == 20
    assert send(url, of, items[:3], headers=key).status == 422
    failed = send(url, of, [{}], headers={"Idempotency-Key": (retried := token())})
    assert failed.status == 422 and send(url, of, items, headers={"Idempotency-Key": retried}).status == 207


def test_an_answer_that_is_too_long_to_be_kept_lists_what_failed_alone(url, of, cursor, someone, lab):
    items = [body_of(of, someone, lab)] * 5000 + [{**body_of(of, someone, lab), "lab_type": []}] * 5000
    key = {"Idempotency-Key": token()}
    first, again = (send(url, of, items, headers=key) for _ in range(2))
    assert first.status == 207 and first.body == again.body and len(rows(cursor, of, lab)) == 5000
    assert {item["status"] for item in first.json()["items"]} == {"failed"} and counts(first) == (5000, 0, 5000)


def test_where_even_what_failed_is_too_long_to_be_kept_its_errors_are_left_out(url, of, cursor, someone, lab):
    items = [body_of(of, someone, lab)] + [{}] * 9999
    key = {"Idempotency-Key": token()}
    first, again = (send(url, of, items, headers=key) for _ in range(2))
    assert first.status == 207 and first.body == again.body and len(rows(cursor, of, lab)) == 1
    assert again.headers["idempotency-replayed"] == "true" and counts(first) == (1, 0, 9999)
    assert {json.dumps({**item, "index": 0}) for item in first.json()["items"]} == {
        json.dumps({"index": 0, "status": "failed", "code": 422, "detail": "Field required"})
    }
    nothing = send(url, of, [{}] * 9999, headers={"Idempotency-Key": token()})
    assert nothing.status == 422 and nothing.json()["items"][0]["errors"]


def test_where_that_is_too_long_too_what_is_wrong_is_cut_and_what_was_stored_stays(url, of, cursor, someone, lab):
    items = [body_of(of, someone, lab)] + [{**body_of(of, someone, lab), "timestamp": "2099-01-01T00:00:00Z"}] * 9999
    key = {"Idempotency-Key": token()}
    first, again = (send(url, of, items, headers=key) for _ in range(2))
    assert first.status == 207 and first.body == again.body and len(rows(cursor, of, lab)) == 1
    assert again.headers["idempotency-replayed"] == "true" and counts(first) == (1, 0, 9999)
    whole, short = (answer.json()["items"][-1]["detail"] for answer in (send(url, of, items[-1:]), first))
    assert len(whole) > len(short) == 40 and short.startswith("timestamp is ") and "ahead" in short
