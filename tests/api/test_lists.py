"""Lists of what was recorded: filters, orders, pages that follow one another."""

import random
import threading
from contextlib import closing
from datetime import timedelta

import pytest

from harness import exchange
from harness.lists import EPOCH, LISTS, as_query, fill, filled, in_order, pages, passes, rows_of, whole
from harness.samples import created, detail, faults, new_attempt, new_event, new_lab, new_record, new_user
from harness.wire import Wire

ORDERS = ["-timestamp", "timestamp", "id"]
ROWS = 400
EARLIEST = f"{2**64 - 210866803200000000:016x}"  # what PostgreSQL can hold, in microseconds from 1970


@pytest.fixture(scope="module", params=LISTS, ids=lambda of: of.service)
def of(request):
    return request.param


@pytest.fixture(scope="module")
def daemon(postgres, of, user_progress, tmp_path_factory):
    with filled(postgres, of, user_progress, tmp_path_factory.mktemp("lists"), ROWS) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def client(daemon):
    with daemon.client() as client:
        yield client


@pytest.fixture
def cursor(postgres, daemon):
    with closing(postgres.connect(daemon.database)) as connection, connection.cursor() as cursor:
        yield cursor


def ids(items: list[dict]) -> list[int]:
    return [item["id"] for item in items]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [1000, 37, 1])
def test_the_pages_of_an_order_one_after_the_other_are_the_sorted_table(client, cursor, of, order, limit):
    limited = {} if limit > 1 else {"user_id": "u1", "lab_type": "l1"}
    wanted = [row for row in in_order(rows_of(cursor, of), order) if passes(row, limited)]
    assert ids(whole(client, of.path, order=order, limit=limit, **limited)) == ids(wanted)


def test_every_combination_of_filters_is_the_same_filter_over_all_rows(client, cursor, of):
    rows, random_ = rows_of(cursor, of), random.Random(7)
    choices = {
        "user_id": ["u1", "u2", "", "ü/%?&=", "nobody"],
        "lab_type": ["l1", "l2", "none"],
        of.special: of.values,
        "client_id": [row["client_id"] for row in rows if row["client_id"]][:3],
        "from": [EPOCH, EPOCH + timedelta(seconds=7), EPOCH + timedelta(days=20)],
        "to": [EPOCH + timedelta(days=21), EPOCH + timedelta(days=39, microseconds=1)],
    }
    for _ in range(60):
        names = random_.sample(list(choices), random_.randrange(1, 4))
        filters = {name: random_.choice(choices[name]) for name in names}
        order = random_.choice(ORDERS)
        wanted = [row for row in in_order(rows, order) if passes(row, filters)]
        got = whole(client, of.path, order=order, limit=random_.choice([1000, 13]), **as_query(filters))
        assert ids(got) == ids(wanted), (filters, order)


def test_items_are_what_the_table_has(client, cursor, of):
    rows = {row["id"]: row for row in rows_of(cursor, of)}
    shown = {item["id"]: item for item in whole(client, of.path, limit=1000)}
    assert shown.keys() == rows.keys()
    for id_, row in rows.items():
        item = shown[id_]
        assert list(item)[-2:] == ["client_id", "received_at"]
        for name, value in row.items():
            wanted = of.shown(value) if name in ("timestamp", "received_at") else value
            assert item[name] == wanted, (id_, name)


def test_a_list_shows_the_latest_hundred_unless_the_query_says_otherwise(client, cursor, of):
    assert ids(next(pages(client, of.path))) == ids(in_order(rows_of(cursor, of), "-timestamp"))[:100]


def follow(client, of, page):
    link = page.headers["link"]
    return client.get(of.path + link[1 : link.index(">")])


def test_the_link_of_a_page_leads_to_the_next_one_with_the_same_filters(client, of):
    first = client.get(f"{of.path}?user_id=u1&limit=3&lab_type=l1&user_id=%C3%BC%2F%25%3F%26%3D")
    link = first.headers["link"]
    assert link.startswith("<?") and link.endswith('>; rel="next"')
    second = created(follow(client, of, first))
    whole_list = whole(client, of.path, user_id="ü/%?&=", lab_type="l1", limit=1000)
    assert first.json()["items"] + second["items"] == whole_list[:6]


def test_the_link_has_what_counts_of_the_query_and_nothing_else(client, of):
    page = client.get(f"{of.path}?other=%22&limit=7&user_id=u2&=&&user%5Fid=u1&lim%69t=1")
    assert page.headers["link"] == f'<?user%5Fid=u1&lim%69t=1&cursor={page.json()["next"]}>; rel="next"'


def test_a_link_is_followed_however_many_parameters_came(client, of):
    """Those after the 64th are not read, and neither would be a cursor after so many."""
    for many in ("a=&", "limit=2&"):
        first = client.get(f"{of.path}?{many * 63}limit=1&limit=nothing")
        second = created(follow(client, of, first))
        assert ids(first.json()["items"] + second["items"]) == ids(created(client.get(f"{of.path}?limit=2"))["items"])


def raw(daemon, target: str, *headers: str):
    """The answer to a target whose bytes are sent as they are."""
    with Wire(daemon.url) as wire:
        wire.request("GET", target.encode().decode("latin-1"), *headers)
        return wire.answer()


def test_a_page_is_answered_however_much_the_client_sent(daemon, of):
    many = [f"X-{n}: {'x' * 1000}" for n in range(30)]
    quotes = '"' * 8000
    assert raw(daemon, f"{of.path}?limit=1&other={quotes}", *many).json()["next"]
    assert raw(daemon, f"{of.path}?limit=1&user_id={quotes}&user_id=u1", *many).json()["next"]


def test_a_link_that_would_be_too_long_to_be_followed_is_left_out(daemon, cursor, of):
    name = "\u00fc" * 1250  # 7,500 bytes if it is percent-encoded
    values = [(name, name), (name, name)]
    cursor.executemany(f"INSERT INTO {of.table} (user_id, lab_type) VALUES (%s, %s)", values)
    try:
        for filters, linked in ((f"user_id={name}", True), (f"user_id={name}&lab_type={name}", False)):
            answer = raw(daemon, f"{of.path}?limit=1&{filters}")
            assert answer.status == 200 and answer.json()["next"] and ("link" in answer.headers) == linked
    finally:
        cursor.execute(f"DELETE FROM {of.table} WHERE user_id = %s", [name])


@pytest.mark.parametrize(
    "change",
    [{"order": "id"}, {"user_id": "u2"}, {"lab_type": "l1"}, {"from": "2025-04-19"}, {"zone": "Europe/Berlin"}, {"client_id": ""}],
    ids=str,
)  # fmt: skip
def test_a_cursor_belongs_to_the_query_it_came_from(client, of, change):
    cursor = created(client.get(of.path, params={"limit": 1}))["next"]
    answer = client.get(of.path, params={"cursor": cursor, **change})
    assert faults(answer) == [("value_error", ("query", "cursor"))]
    assert detail(answer)[0]["msg"] == "cursor belongs to another query"
    assert created(client.get(of.path, params={"cursor": cursor, "limit": 7}))["items"]


def test_any_bytes_as_a_cursor_are_a_page_or_a_fault(client, of, daemon):
    good, random_ = created(client.get(of.path, params={"limit": 1}))["next"], random.Random(3)
    for n in range(300):
        if n % 3 == 0:
            text = bytes(random_.randrange(256) for _ in range(random_.randrange(70)))
        else:
            text = bytearray(good.encode())
            text[random_.randrange(len(text))] = random_.choice(b"0123456789abcdef" + (b"\0\xff g" if n % 3 == 2 else b""))
        sent = "".join(f"%{byte:02x}" for byte in text)
        answer = exchange.request(daemon.url, "GET", f"{of.path}?limit=1&cursor={sent}")
        assert answer.status in (200, 422), text
        if answer.status == 422:
            assert answer.json()["detail"][0]["loc"] == ["query", "cursor"]


@pytest.mark.parametrize("place", ["7fffffffffffffff" * 2, "8000000000000000" + "7fffffffffffffff", EARLIEST + "0" * 16,
                                   "0" * 16 + "8000000000000001"])  # fmt: skip
@pytest.mark.parametrize("order", ORDERS)
def test_a_cursor_at_the_largest_id_works(client, of, place, order):
    hash_ = created(client.get(of.path, params={"limit": 1, "order": order}))["next"][2:18]
    assert client.get(of.path, params={"order": order, "cursor": f"01{hash_}{place}"}).status_code == 200


@pytest.mark.parametrize("order", ORDERS)
def test_while_others_write_no_row_comes_twice_and_none_that_stayed_is_missed(postgres, client, daemon, cursor, of, order):
    there, stop = set(ids(rows_of(cursor, of))), threading.Event()
    connection = postgres.connect(daemon.database)

    def write() -> None:
        with closing(connection), connection.cursor() as writer:
            for n in range(10**6):
                if stop.is_set():
                    return
                fill(writer, of, 5, seed=hash(order) % 10**6 + 1000 + n)
                writer.execute(f"DELETE FROM {of.table} WHERE NOT id = ANY (%s) AND id %% 3 = 0", [list(there)])

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(3):
            got = ids(whole(client, of.path, order=order, limit=11))
            assert len(got) == len(set(got)) and there <= set(got)
    finally:
        stop.set()
        thread.join()
        cursor.execute(f"DELETE FROM {of.table} WHERE NOT id = ANY (%s)", [list(there)])


def fill_many(cursor, of, lab: str, value, minutes: int) -> None:
    """More rows of a lab type and a value than are read for a page."""
    cursor.execute(
        f"INSERT INTO {of.table} (user_id, lab_type, {of.special}, timestamp)"
        " SELECT 'many', %s, %s, '2020-01-01'::timestamptz + %s * interval '1 minute' + n * interval '1 s'"
        " FROM generate_series(1, 45000) n",
        [lab, value, minutes],
    )


@pytest.fixture
def many(cursor, of):
    """45,000 rows of a lab type and a value, and at the same times as many of another lab type and another value."""
    fill_many(cursor, of, "many", of.values[0], 0)
    fill_many(cursor, of, "many more", of.values[-1], 0)
    yield
    cursor.execute(f"DELETE FROM {of.table} WHERE user_id = 'many'")
    cursor.execute(f"VACUUM {of.table}")  # a page of the next test would walk over all that is dead


def test_rare_rows_among_many_are_all_on_one_page_in_each_order(client, cursor, of):
    rare = {of.special: of.values[-1]}
    cursor.execute(f"CREATE TEMPORARY TABLE put_aside AS SELECT * FROM {of.table}; DELETE FROM {of.table}")
    try:
        for part in range(3):
            fill_many(cursor, of, "many", of.values[0], part * 1000)
            cursor.execute(f"INSERT INTO {of.table} (user_id, lab_type, {of.special}, timestamp) VALUES ('many', %s, %s, %s)",
                           [("many", "few", "many")[part], of.values[-1], f"2020-01-0{part + 1}"])  # fmt: skip
        rows = rows_of(cursor, of)
        recent = {"from": sorted(row["timestamp"] for row in rows)[-50]}
        for filters in (rare, {"lab_type": "few"}, {**rare, "lab_type": "many"}, {**rare, "user_id": "many"}, {**rare, "lab_type": "none"}, recent, {**recent, "lab_type": "many"}):
            few = [row for row in rows if passes(row, filters)]
            for order in ORDERS:
                (page,) = pages(client, of.path, order=order, **as_query(filters))
                assert ids(page) == ids(in_order(few, order)), (filters, order)
    finally:
        cursor.execute(f"DELETE FROM {of.table}; INSERT INTO {of.table} SELECT * FROM put_aside; DROP TABLE put_aside")
        cursor.execute(f"VACUUM {of.table}")


def test_a_page_reads_a_bounded_number_of_rows_in_each_order(client, cursor, of, many):
    """What no index leads to: the page is short, and the next one goes on where this one stopped."""
    none = {"lab_type": "many", of.special: of.values[-1]}
    some = {"user_id": "many", of.special: of.values[-1]}
    wanted = [row for row in rows_of(cursor, of) if passes(row, some)]
    for order in ORDERS:
        got = list(pages(client, of.path, order=order, limit=1000, **as_query(none)))
        assert len(got) >= 3 and not any(got), order
        assert ids(whole(client, of.path, order=order, limit=1000, **as_query(some))) == ids(in_order(wanted, order)), order


def test_a_page_of_large_items_is_shorter_and_none_of_them_is_lost(usage, api):
    user, lab = new_user(api), new_lab(api)
    made = [new_event(usage, user, lab, event_data={"n": n, "x": "x" * 300_000}) for n in range(12)]
    got = list(pages(usage, "/analytics/events", user_id=user["id"], order="id", limit=1000))
    assert len(got) > 2 and ids(item for page in got for item in page) == ids(made)


@pytest.mark.parametrize("name,value,fault", [
    ("limit", "0", "greater_than_equal"), ("limit", "1001", "less_than_equal"), ("limit", "x", "int_parsing"),
    ("order", "time", "literal_error"), ("from", "1745051983", "value_error"), ("from", "2025-02-30", "value_error"),
    ("from", "", "value_error"), ("to", "2025-04-19T08:39:43.1234567Z", "value_error"), ("zone", "FOO5", "value_error"),
    ("zone", "+02:00", "value_error"), ("zone", "posix/UTC", "value_error"), ("zone", "localtime", "value_error"),
    ("zone", "", "value_error"),
])  # fmt: skip
def test_an_unknown_parameter_is_a_fault(client, of, name, value, fault):
    assert faults(client.get(of.path, params={name: value})) == [(fault, ("query", name))]


def test_all_that_is_wrong_with_a_range_is_said_at_once(client, of):
    query = {"from": "", "to": "1745051983", "zone": "posix/UTC"}
    assert faults(client.get(of.path, params=query)) == [("value_error", ("query", name)) for name in query]


def test_an_empty_range_is_a_fault(client, of):
    for to in ("2025-04-19", "2025-04-18"):
        assert faults(client.get(of.path, params={"from": "2025-04-19T00:00:00", "to": to})) == [("value_error", ("query", "to"))]


# A day of the zone, and when it begins there: midnight twice, no midnight, a day that was skipped, half an hour.
DAYS = [
    ("UTC", "2025-04-19", "2025-04-19T00:00:00Z"),
    ("Europe/Berlin", "2025-04-19", "2025-04-18T22:00:00Z"),
    ("Asia/Kolkata", "2025-04-19", "2025-04-18T18:30:00Z"),
    ("America/Havana", "2025-11-02", "2025-11-02T04:00:00Z"),
    ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00:00Z"),
    ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),
    ("America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z"),
    ("Australia/Lord_Howe", "2025-04-06", "2025-04-05T13:00:00Z"),
]


@pytest.mark.parametrize("zone,day,begins", DAYS)
def test_a_date_is_the_first_moment_of_that_day_in_the_zone(client, cursor, of, zone, day, begins):
    cursor.execute(
        f"INSERT INTO {of.table} (user_id, timestamp) VALUES ('day', %s::timestamptz - interval '1 microsecond'), ('day', %s)"
        " RETURNING id",
        [begins, begins],
    )
    before, after = (id_ for (id_,) in cursor.fetchall())
    try:
        of_day = {"user_id": "day", "zone": zone}
        assert ids(whole(client, of.path, **of_day, **{"from": day})) == [after]
        assert ids(whole(client, of.path, **of_day, to=day)) == [before]
    finally:
        cursor.execute(f"DELETE FROM {of.table} WHERE user_id = 'day'")


@pytest.mark.parametrize("zone,begins", [("CET", "2025-06-30T22:00:00Z"), ("EET", "2025-06-30T21:00:00Z"),
                                         ("MET", "2025-06-30T22:00:00Z"), ("WET", "2025-06-30T23:00:00Z")])  # fmt: skip
def test_a_zone_whose_name_is_also_an_abbreviation_has_its_summer_time(client, cursor, of, zone, begins):
    cursor.execute("SELECT count(*) FROM pg_timezone_names WHERE name IN (%s, 'posix/' || %s)", [zone, zone])
    if cursor.fetchone() != (2,):
        pytest.skip("this PostgreSQL does not know the zone")
    test_a_date_is_the_first_moment_of_that_day_in_the_zone(client, cursor, of, zone, "2025-07-01", begins)


@pytest.mark.parametrize("moment", ["2025-04-19T08:39:44Z", "2025-04-19T10:39:44%2B02:00", "2025-04-19T10:39:44+02:00",
                                    "2025-04-19%2004:39:44-04:00", "2025-04-19T08:39:44", "2025-04-19T08:39:44.000000"])  # fmt: skip
def test_a_moment_may_have_any_offset_and_an_unescaped_plus(client, of, moment):
    wanted = ids(whole(client, of.path, **{"from": "2025-04-19T08:39:44Z"}, limit=1000))
    answer = client.get(f"{of.path}?limit=1000&from={moment}")
    assert ids(answer.json()["items"]) == wanted


def test_an_unknown_user_or_lab_type_has_an_empty_list(client, of):
    for query in ({"user_id": "nobody"}, {"lab_type": "nothing"}, {"client_id": "never-sent"}):
        assert created(client.get(of.path, params=query)) == {"items": [], "next": None}


def test_a_row_of_a_single_call_is_listed_as_it_was_answered(api, performance, usage):
    user, lab = new_user(api), new_lab(api)
    for client, made, path in (
        (api, new_attempt(api, user, lab), "/attempts"),
        (performance, new_record(performance, user, lab), "/performance/records"),
        (usage, new_event(usage, user, lab), "/analytics/events"),
    ):
        (item,) = whole(client, path, user_id=user["id"])
        assert item == {**made, "client_id": None, "received_at": None}


def test_a_scoped_token_gives_access_only_to_the_list_of_its_own_user(beside, user_progress, issuer, of):
    settings = {"AUTH_REQUIRED": "on", "AUTH_SUBJECT_SCOPED": "on", **issuer.settings}
    daemon = beside(of.service, user_progress, **settings).ready()
    mine, any_user = issuer.token("ann"), issuer.token("ann", scope="x progress:any")
    with daemon.client() as client:
        def status(query: str, token: str) -> int:
            return client.get(of.path + query, headers={"Authorization": f"Bearer {token}"}).status_code

        assert client.get(of.path).status_code == 401
        assert status("?user_id=ann", mine) == 200
        assert status("?user_id=bob", mine) == status("", mine) == 403
        assert status("?user_id=bob", any_user) == status("", any_user) == 200
