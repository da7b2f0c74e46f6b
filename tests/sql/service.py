"""A service's database as SQL tests have it: with its schema, and the statements as the daemon prepares them."""

import json
import os
import re
import subprocess
from pathlib import Path

import psycopg2

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "build" / os.environ.get("VARIANT", "release") / "bin"


def listing(service: str) -> tuple[dict[str, str], list[dict]]:
    """The settings of each kind's sessions, and the statements, as the daemon tells them."""
    done = subprocess.run([BUILT / service, "--statements"], check=True, capture_output=True, text=True)
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = {o["kind"]: o["session"] for o in objects if "session" in o}
    return kinds, [o for o in objects if "sql" in o]


def prepare(statement: dict) -> str:
    types = ", ".join(p["type"] for p in statement["parameters"])
    return f"PREPARE {statement['name']}{f'({types})' if types else ''} AS {statement['sql']}"


def array(values):
    """The array literal of a list of texts: the type is then that of the parameter."""
    quoted = ['"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' if v is not None else "NULL" for v in values]
    return "{" + ",".join(quoted) + "}"


def schema_text(folder):
    """A schema as its daemon embeds it: one file, or those of a folder in the order of their names."""
    files = sorted([*folder.glob("schema.sql"), *folder.glob("schema/*.sql")])
    return "".join(file.read_text() for file in files)


class Service:
    """One service's database: connections have its statements prepared, with generic plans as the daemons have."""

    def __init__(self, name, dsn):
        self.name, self.dsn = name, dsn
        own = {n for file in (ROOT / name).glob("*.sql") for n in re.findall(r"^-- name: (\w+)", file.read_text(), re.M)}
        self.statements = [s for s in listing(name)[1] if s["name"] in own]
        self.open = []

    def install(self):
        """As the daemon does it: the first part in one transaction, then each step by itself."""
        text = (ROOT / "common/pg/schema.sql").read_text() + schema_text(ROOT / self.name)
        first, *steps = re.split(r"^-- step: (.*)$", text, flags=re.MULTILINE)
        connection = psycopg2.connect(**self.dsn)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'; SET client_min_messages = error;")
            cursor.execute("BEGIN;" + first + ";COMMIT")
            for step, sql in zip(steps[::2], steps[1::2]):
                kind, *names = step.split()
                cursor.execute("SELECT to_regclass(%s) IS NOT NULL", names)
                if kind == "index" and cursor.fetchone()[0]:
                    continue
                cursor.execute(sql)
                while kind == "slice" and cursor.fetchone()[0]:
                    cursor.execute(sql)
        connection.close()

    def connect(self, autocommit=True):
        connection = psycopg2.connect(**self.dsn)
        self.open.append(connection)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'; SET jit = off; SET plan_cache_mode = force_generic_plan; SET lock_timeout = '20s'")
            for statement in self.statements:
                cursor.execute(prepare(statement))
        connection.autocommit = autocommit
        return connection

    def call(self, connection, name, *params):
        with connection.cursor() as cursor:
            holes = ", ".join(["%s"] * len(params))
            params = [array(p) if isinstance(p, list) else p for p in params]
            cursor.execute(f"EXECUTE {name}({holes})" if params else f"EXECUTE {name}", params)
            return cursor.fetchall()

    def close(self):
        for connection in self.open:
            connection.close()
