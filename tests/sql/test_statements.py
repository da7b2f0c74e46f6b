"""Every statement that the daemons list is what it is declared as, and finds what it needs by an index.

Each is prepared with the declared types on a database as its daemon makes it, its answer's names and types are compared
member by member, and it is explained on analyzed tables of a million rows under the settings of the sessions that run
it: none reads a table that grows from its beginning to its end, nor sorts all of it.
"""

import os
import re
import subprocess
import time
import urllib.request

import psycopg2
import pytest
from service import BUILT, listing, prepare

SERVICES = ["user-progress", "performance-reporting", "usage-analytics"]
ROWS = int(os.environ.get("STATEMENT_ROWS", "1000000"))
MUCH = 0.2  # of the rows: a statement that sorts more sorts everything

# The statements are the same in every build, and a million rows take their time.
pytestmark = pytest.mark.skipif(os.environ.get("VARIANT", "release") != "release", reason="shown on the release build")

# Tables that hold a bounded number of rows, however long the service runs.
SMALL = {"schema_version", "write_slots", "usage_state", "performance_state", "attempt_state", "lab_statistics", "upkeep_turns", "pg_sequence", "pg_depend", "pg_class", "pg_attribute", "pg_index"}

# What a member may be made of (common/pg/column.c), and a value to explain with.
TYPES = {
    "text": ({"text", "character varying", "json", "name", "character"}, "'v5'"),
    "json": ({"json", "text", "character varying"}, "'{}'"),
    "bigint": ({"bigint", "integer", "smallint"}, "5"),
    "boolean": ({"boolean"}, "true"),
    "double precision": ({"double precision"}, "5"),
    "timestamp with time zone": (
        {"timestamp with time zone", "timestamp without time zone"},
        "(now() - interval '5 minutes')",
    ),
    "text[]": ({"text[]", "character varying[]"}, "'{v5}'"),
    "timestamp with time zone[]": (set(), "ARRAY[now() - interval '2 days', now() - interval '1 day', now()]"),
}
VALUES = {  # of parameters by their names
    "limit": "100", "skip": "0", "order": "'-timestamp'", "look_at": "100", "lead": "'lab_type'", "rest": "'kind'",
    "slot": "'6f1c2d1e-0000-4000-8000-000000000000'", "request": "'00'", "interval": "'hour'", "zone": "'Europe/Berlin'", "by": "'lab_type'",
    "figures": "'{events,users,sessions,peak_sessions,p50,p90}'",
}  # fmt: skip

# How a column of a table is filled in row n, by its type.
FILL = {
    "bool": "n % 2 = 0",
    "int2": "n % 30000",
    "int4": "n",
    "int8": "n",
    "float8": "n",
    "numeric": "n",
    "text": "'v' || n",
    "varchar": "'v' || n",
    "json": "'{}'",
    "jsonb": "'{}'",
    "timestamp": "now()::timestamp - n * interval '1 minute'",
    "timestamptz": "now() - n * interval '1 minute'",
    "date": "current_date - n % 9999",
    "bytea": "'x'",
    "uuid": "gen_random_uuid()",
    "xid8": "n::text::xid8",
    "_text": "ARRAY['v' || n]",
    "_int8": "ARRAY[n]",
    "_varchar": "ARRAY['v' || n]",
}

INDEXES = """
SELECT pg_get_indexdef(indexrelid)
  FROM pg_index
 WHERE indrelid = %s::regclass
   AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""


def make_schema(service: str, dsn: dict) -> None:
    """As the daemon does, to the last step that follows while it serves."""
    url = f"postgresql://{dsn['user']}@/{dsn['dbname']}?host={dsn['host']}&port={dsn['port']}"
    settings = {**os.environ, "DATABASE_URL": url, "PORT": "0", "BIND_ADDRESS": "127.0.0.1"}
    daemon = subprocess.Popen(
        [BUILT / service], env=settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        address = daemon.stdout.readline().split()[-1]
        until = time.monotonic() + 60
        while not is_made(address):
            assert time.monotonic() < until, f"{service} did not make its schema"
            time.sleep(0.1)
    finally:
        daemon.terminate()
        daemon.wait(30)


def is_made(address: str) -> bool:
    """Whether the daemon has connections that found its schema, and no step of it is left."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        shown = answer.read().decode()
    up = re.search(r'^database_connections\{lane="append"\} (\d+)', shown, re.M)
    left = re.search(r"^database_schema_steps_waiting (\d+)", shown, re.M)
    return int(up[1]) > 0 and (not left or int(left[1]) == 0)


def fill(cursor) -> None:
    """A million rows in each table that grows, past its triggers and constraints between tables."""
    cursor.execute("SET session_replication_role = replica; SET maintenance_work_mem = '256MB'")
    cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    for (table,) in cursor.fetchall():
        if table in SMALL:
            continue
        for constraint in named(cursor, "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass", table):
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        indexes = named(cursor, INDEXES, table)
        for index in indexes:  # made again of all rows at once, which takes a fraction of the time
            cursor.execute(f"DROP INDEX {index.split(' ON ')[0].split()[-1]}")
        fill_table(cursor, table, ROWS)
        for index in indexes:
            cursor.execute(index)
    cursor.execute("VACUUM ANALYZE")


def fill_table(cursor, table: str, rows: int) -> None:
    cursor.execute(
        "SELECT attname, typname FROM pg_attribute JOIN pg_type t ON t.oid = atttypid"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        [table],
    )
    columns = cursor.fetchall()
    names = ", ".join(f'"{name}"' for name, _ in columns)
    values = ", ".join(FILL[type_name] for _, type_name in columns)
    cursor.execute(f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE SELECT {values} FROM generate_series(1, {rows}) n")


def named(cursor, query: str, table: str) -> list[str]:
    cursor.execute(query, [table])
    return [name for (name,) in cursor.fetchall()]


def execute(statement: dict, values: list[str]) -> str:
    return f"EXECUTE {statement['name']}{'(' + ', '.join(values) + ')' if values else ''}"


def describe(dsn: dict, statement: dict) -> list[tuple[str, str]]:
    """The names and types of the columns that a statement answers."""
    script = f"{prepare(statement)};\n{execute(statement, ['NULL'] * len(statement['parameters']))} \\gdesc\n"
    done = subprocess.run(
        ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", dsn["host"], "-p", dsn["port"], "-U", dsn["user"], dsn["dbname"]],
        input=script,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise AssertionError(f"{statement['name']}: {done.stderr}")
    lines = [line.split("|", 1) for line in done.stdout.splitlines() if "|" in line]
    return [(name, kind.split("(")[0]) for name, kind in lines]


def differences(dsn: dict, statement: dict) -> list[str]:
    """How what it answers differs from what it is declared to."""
    expected = [("n", "bigint")] * statement["set"] + [(c["name"], c["type"]) for c in statement["row"]]
    found = describe(dsn, statement)
    if len(found) != len(expected):
        return [f"{statement['name']}: {len(found)} columns and not {len(expected)}"]
    return [
        f"{statement['name']}: {name} {kind} is read as {wanted} {declared}"
        for (name, kind), (wanted, declared) in zip(found, expected)
        if name != wanted or kind not in TYPES[declared][0]
    ]


def sample(parameter: dict, is_set: bool) -> str:
    kind = parameter["type"]
    if parameter["name"] in VALUES:
        return VALUES[parameter["name"]]
    if is_set or kind not in TYPES:
        return f"ARRAY[{TYPES[kind.removesuffix('[]')][1]}]::{kind}"
    return f"{TYPES[kind][1]}::{kind}"


def nodes(plan: dict):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def slow_steps(cursor, statement: dict, given: dict | None = None) -> list[str]:
    """The steps of its plan that take longer the more rows there are; parameters that are not given are samples."""
    given = given or {}
    values = [given.get(p["name"], sample(p, statement["set"])) for p in statement["parameters"]]
    cursor.execute("DEALLOCATE ALL")
    cursor.execute(prepare(statement))
    cursor.execute(f"EXPLAIN (FORMAT JSON) {execute(statement, values)}")
    found = []
    for node in nodes(cursor.fetchone()[0][0]["Plan"]):
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] not in SMALL:
            found.append(f"{statement['name']} reads all of {node['Relation Name']}")
        if node["Node Type"] == "Sort" and node["Plans"][0]["Plan Rows"] > MUCH * ROWS:
            found.append(f"{statement['name']} sorts {node['Plans'][0]['Plan Rows']} rows")
    return found


# Those that read everything because everything is what they are asked for, and why that is borne.
READS_ALL = {
    "count_users": "the total of a list, which X-Total-Count tells",
    "count_labs": "the total of a list, which X-Total-Count tells",
    "list_at_risk": "a row for each user and lab type, of which all decide who comes first: docs/what-the-data-say.md",
    "list_never": "every user who never tried a lab is compared with the others",
    "find_starts": "it reads no table, and finds fewer starts than the planner expects",
    "count_running": "the erasures that are not complete, hardly ever any",
    "end_erasures": "the erasures that are not complete, hardly ever any",
    "forget_requester": "a receipt names hardly anybody who is erased, and there are few",
    "find_receipt": "each receipt has a salt of its own, and there are few",
    "find_events_noted": "notes that are not folded, which are few",
    **{f"match_old_{rows}": "a dry run counts all that is old" for rows in ("events", "records", "attempts")},
    "next_orphans": "the command verify looks at every entry, and hardly any entry has no event",
}


@pytest.fixture(scope="module", params=SERVICES)
def filled(request, postgres):
    """A service's statements, and its database with a million rows in each table."""
    name = f"statements_{request.param.replace('-', '_')}"
    admin = psycopg2.connect(dbname="postgres", **postgres)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    dsn = {"dbname": name, **postgres}
    make_schema(request.param, dsn)
    connection = psycopg2.connect(**dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        fill(cursor)
        cursor.execute("RESET ALL")
        yield (*listing(request.param), dsn, cursor)
    connection.close()
    with admin.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()


def test_every_statement_answers_what_it_is_declared_to(filled):
    _, statements, dsn, _ = filled
    assert len(statements) > 6
    assert not [difference for statement in statements for difference in differences(dsn, statement)]


def test_no_statement_reads_or_sorts_a_table_that_grows_from_end_to_end(filled):
    kinds, statements, _, cursor = filled
    found = []
    for statement in statements:
        if statement["name"] not in READS_ALL:
            cursor.execute("RESET ALL; " + kinds[statement["kind"]])
            found += slow_steps(cursor, statement)
    assert not found


FILTERS = ["user_id", "seek_lab", "client_id", "seek_from", "seek_to", "lab_type", "from", "to", "kind", "passed", "id"]


@pytest.mark.parametrize("order", ["-timestamp", "timestamp", "id"])
def test_a_page_of_a_list_is_found_by_an_index_in_each_order_and_by_each_filter(filled, order):
    kinds, statements, _, cursor = filled
    lists = [s for s in statements if any(p["name"] == "look_at" for p in s["parameters"])]
    assert lists
    found = []
    for statement in lists:
        names = {p["name"] for p in statement["parameters"]}
        cursor.execute("RESET ALL; " + kinds[statement["kind"]])
        for kept in [None, *names & set(FILTERS)]:
            nothing = {name: "NULL" for name in names & {*FILTERS, "at"} if name != kept}
            found += slow_steps(cursor, statement, {**nothing, "order": f"'{order}'"})
    assert not found


def bad(sql: str, *row: tuple[str, str], parameters=()) -> dict:
    columns, given = ([{"name": n, "type": t} for n, t in list_of] for list_of in (row, parameters))
    return {"name": "bad", "kind": "report", "set": False, "sql": sql, "row": columns, "parameters": given}


@pytest.mark.parametrize(
    "statement",
    [
        bad("SELECT 1::numeric AS total", ("total", "bigint")),
        bad("SELECT 1 AS b, 2 AS a", ("a", "bigint"), ("b", "bigint")),
        bad("SELECT 1 AS a", ("a", "text")),
        bad("SELECT 1 AS a, 2 AS b", ("a", "bigint")),
        bad("SELECT now()::date AS day", ("day", "timestamp with time zone")),
    ],
    ids=["numeric", "order", "type", "count", "date"],
)
def test_what_differs_from_its_declaration_is_found(filled, statement):
    assert differences(filled[2], statement)


def test_what_reads_or_sorts_everything_is_found(filled):
    _, _, _, cursor = filled
    cursor.execute("RESET ALL")
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        " AND reltuples > 1000 AND relname <> ALL (%s) ORDER BY relname LIMIT 1",
        [list(SMALL)],
    )
    (table,) = cursor.fetchone()
    assert slow_steps(cursor, bad(f"SELECT * FROM {table} WHERE ctid IS NULL OR length(tableoid::text) = 99"))
    assert slow_steps(cursor, bad(f"SELECT * FROM {table} ORDER BY md5(({table}.*)::text)"))
