"""The role of a service has what its statements need and nothing more; the schema belongs to another role.

The command `schema` makes the three databases as their owners and grants; then every statement that the daemons list,
and every slice of their upkeep, is run as the service's role: as it is, and with each of its privileges taken away.
"""

import os
import re
import subprocess
from contextlib import closing, contextmanager

import psycopg2
import pytest
from psycopg2 import errors
from service import BUILT, ROOT, listing, prepare, schema_text
from test_statements import execute, fill_table, sample

SERVICES = ["user-progress", "performance-reporting", "usage-analytics"]
PASSWORD = "only-for-tests"

pytestmark = pytest.mark.skipif(os.environ.get("VARIANT", "release") != "release", reason="shown on the release build")


def database_of(service: str) -> str:
    return "roles_" + service.replace("-", "_")


def role_of(service: str) -> str:
    return database_of(service) + "_role"


def owner_of(service: str) -> str:
    return database_of(service) + "_owner"


# Tables that get a few rows, so that what is done for a row is done.
FILLED = {
    "user-progress": ["users", "labs", "lab_attempts"],
    "performance-reporting": ["user_performance"],
    "usage-analytics": ["usage_events"],
}


class Cluster:
    """A server with a database of each service, made by its owner."""

    def __init__(self, dsn: dict):
        self.dsn = dsn

    @contextmanager
    def cursor(self, database: str, **other):
        with closing(psycopg2.connect(**{**self.dsn, "dbname": database, **other})) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor

    def as_role(self, service: str, database: str | None = None):
        return self.cursor(database or database_of(service), user=role_of(service), password=PASSWORD)

    def url(self, service: str, role: str) -> str:
        return f"postgresql://{role}:{PASSWORD}@/{database_of(service)}?host={self.dsn['host']}&port={self.dsn['port']}"

    def run_command(self, service: str, owner: str | None = None) -> str:
        settings = {
            **os.environ,
            "DATABASE_URL": self.url(service, role_of(service)),
            "SCHEMA_DATABASE_URL": self.url(service, owner or owner_of(service)),
        }
        done = subprocess.run([BUILT / service, "schema"], env=settings, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def cluster(postgres):
    cluster = Cluster(postgres)
    with cluster.cursor("postgres") as admin:
        for service in SERVICES:
            for role in (owner_of(service), role_of(service)):
                admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
            admin.execute(f"CREATE DATABASE {database_of(service)} OWNER {owner_of(service)}")
        for service in SERVICES:
            assert "more than it needs" not in cluster.run_command(service)
            with cluster.cursor(database_of(service)) as cursor:
                for table in FILLED[service]:
                    fill_table(cursor, table, 10)
            with cluster.as_role(service) as cursor:
                for one in slices_of(service):
                    left = 1
                    while left:
                        cursor.execute(one.call)
                        (left,) = cursor.fetchone()
        yield cluster
        for service in SERVICES:
            admin.execute(f"DROP DATABASE {database_of(service)} WITH (FORCE)")
            admin.execute(f"DROP ROLE {owner_of(service)}, {role_of(service)}")


class Work:
    """Something that the daemon has the database do: how it is called, and its text."""

    def __init__(self, name: str, call: str, text: str):
        self.name, self.call, self.text = name, call, text


def statements_of(service: str) -> list[Work]:
    look = "SELECT max(version) FROM schema_version"
    return [
        Work("the version", look, look),
        *(Work(s["name"], execute(s, [sample(p, s["set"]) for p in s["parameters"]]), s["sql"]) for s in listing(service)[1]),
    ]


def slices_of(service: str) -> list[Work]:
    text = schema_text(ROOT / service)
    return [Work(name, sql, sql) for name, sql in re.findall(r"^-- step: slice (\w+)\n(.*?);", text, re.M | re.S)]


def refused(cursor, work: list[Work], first: bool = False) -> list[str]:
    """What of it the cursor's role may not do; nothing of it stays. `first`: one is enough."""
    found = []
    for one in work:
        cursor.execute("SAVEPOINT before")
        try:
            cursor.execute(one.call)
        except errors.InsufficientPrivilege as error:
            found.append(f"{one.name}: {error.diag.message_primary}")
        except (psycopg2.DataError, psycopg2.IntegrityError, errors.RaiseException, errors.ActiveSqlTransaction):
            pass  # of the values that it was given, which came after
        cursor.execute("ROLLBACK TO before")
        if found and first:
            break
    return found


@pytest.fixture(params=SERVICES)
def session(request, cluster):
    """A transaction of the superuser, with the service's statements prepared."""
    with cluster.cursor(database_of(request.param)) as cursor:
        for statement in listing(request.param)[1]:
            cursor.execute(prepare(statement))
        cursor.execute("SET jit = off; BEGIN")
        yield request.param, cursor
        cursor.execute("ROLLBACK")


def test_every_statement_runs_as_the_service_s_role(session):
    service, cursor = session
    cursor.execute(f"SET LOCAL ROLE {role_of(service)}")
    assert not refused(cursor, statements_of(service))


def test_the_role_sees_how_many_ids_are_left_of_every_table(session):
    service, cursor = session
    cursor.execute(f"SET LOCAL ROLE {role_of(service)}")
    cursor.execute(
        "SELECT s.seqrelid::regclass FROM pg_sequence s JOIN pg_depend d ON d.objid = s.seqrelid AND d.deptype IN ('a', 'i')"
        " WHERE NOT has_sequence_privilege(s.seqrelid, 'USAGE') AND NOT has_sequence_privilege(s.seqrelid, 'SELECT')"
    )
    assert cursor.fetchall() == []


# Everything that the role has, as what REVOKE wants to be told.
HELD = """
SELECT format('%%s ON %%s %%s', a.privilege_type, CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, oid::regclass)
  FROM pg_class, aclexplode(relacl) AS a WHERE a.grantee = %(role)s::regrole AND relnamespace = 'public'::regnamespace
 UNION ALL
SELECT format('%%s (%%I) ON TABLE %%s', a.privilege_type, attname, attrelid::regclass)
  FROM pg_attribute, aclexplode(attacl) AS a WHERE a.grantee = %(role)s::regrole
 UNION ALL
SELECT format('EXECUTE ON FUNCTION %%s', oid::regprocedure)
  FROM pg_proc, aclexplode(proacl) AS a WHERE a.grantee = %(role)s::regrole AND pronamespace = 'public'::regnamespace
"""


def test_each_privilege_of_the_role_is_one_that_something_needs(session):
    service, cursor = session
    cursor.execute(HELD, {"role": role_of(service)})
    held = [privilege for (privilege,) in cursor.fetchall()]
    assert len(held) > 10
    if cursor.connection.server_version >= 170000:
        # There pg_sequence_last_value (list_ids) is null, and no error, for a sequence that the role may not read.
        held = [privilege for privilege in held if not privilege.startswith("SELECT ON SEQUENCE")]
    unused = []
    for privilege in held:
        name = re.search(r"ON \w+ (\w+)", privilege)[1]
        work = sorted(statements_of(service), key=lambda one: not re.search(rf"\b{name}\b", one.text))
        if "FUNCTION" in privilege:
            work += slices_of(service)
        cursor.execute("SAVEPOINT held")
        cursor.execute(f"REVOKE {privilege} FROM {role_of(service)}")
        cursor.execute(f"SET LOCAL ROLE {role_of(service)}")
        if not refused(cursor, work, first=True):
            unused.append(privilege)
        cursor.execute("ROLLBACK TO held")
    assert not unused


def test_the_role_has_nothing_through_public_or_another_role(cluster):
    for service in SERVICES:
        with cluster.cursor(database_of(service)) as cursor:
            cursor.execute("SELECT count(*) FROM pg_auth_members WHERE member = %s::regrole", [role_of(service)])
            assert cursor.fetchone() == (0,)
            cursor.execute("SELECT count(*) FROM pg_class, aclexplode(relacl) AS a WHERE a.grantee = 0 AND relnamespace = 'public'::regnamespace")
            assert cursor.fetchone() == (0,)
            cursor.execute("SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace AND has_function_privilege('pg_monitor', oid, 'EXECUTE')")
            assert cursor.fetchall() == []


TABLES = {"user-progress": "lab_attempts", "performance-reporting": "user_performance", "usage-analytics": "usage_events"}

# What nobody needs who only serves; {table} is the service's largest.
FORBIDDEN = [
    "CREATE TABLE mine (n integer)",
    "CREATE TEMPORARY TABLE mine (n integer)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION settle_rows(of_table regclass, mark regclass, upto bigint) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "CREATE EXTENSION dblink",
    "CREATE ROLE mine",
    "CREATE DATABASE mine",
    "CREATE INDEX mine ON {table} (id)",
    "CREATE TRIGGER mine BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "ALTER TABLE {table} ADD COLUMN mine text",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "ALTER TABLE {table} OWNER TO {role}",
    "ALTER DATABASE {database} SET search_path = mine",
    "ALTER ROLE {role} SUPERUSER",
    "ALTER ROLE {owner} PASSWORD 'mine'",
    "DROP TABLE {table}",
    "TRUNCATE {table}",
    "GRANT SELECT ON {table} TO PUBLIC",
    "SET ROLE {owner}",
    "SET session_replication_role = replica",
    "UPDATE schema_version SET version = 99",
    "INSERT INTO schema_version VALUES (99)",
    "DELETE FROM schema_version",
    "SELECT setval('{table}_id_seq', 1)",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT rolpassword FROM pg_authid",
    "SELECT pg_reload_conf()",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres' AND backend_type = 'client backend'",
    "COPY {table} TO PROGRAM 'true'",
    "COPY {table} TO '/tmp/mine'",
]  # fmt: skip

OF_USER_PROGRESS = [
    "UPDATE progress_events SET actor = 'someone else'",
    "DELETE FROM progress_events",
    "INSERT INTO progress_logs (log_id, version, user_id, recorded_at) VALUES (1, 1, 'x', now())",
    "UPDATE progress_logs SET members = '{{}}'",
    "ALTER TABLE progress_events DISABLE TRIGGER progress_events_only_appended",
    "TRUNCATE progress_events",
    "DELETE FROM attempt_sums",
    "SELECT attempt_rebuild()",
]


@pytest.mark.parametrize("service", SERVICES)
def test_the_role_can_do_nothing_to_its_own_schema_nor_to_the_server(cluster, service):
    names = {"table": TABLES[service], "role": role_of(service), "owner": owner_of(service), "database": database_of(service)}
    with cluster.cursor(database_of(service)) as other, cluster.as_role(service) as cursor:
        other.execute("SELECT 1")  # a session of the superuser
        done = []
        for pattern in FORBIDDEN + (OF_USER_PROGRESS if service == "user-progress" else []):
            try:
                cursor.execute(pattern.format(**names))
                if not any("no privileges were granted" in notice for notice in cursor.connection.notices):
                    done.append(pattern)
            except (errors.InsufficientPrivilege, errors.ObjectNotInPrerequisiteState, errors.RaiseException):
                pass
        assert not done


@pytest.mark.parametrize("service", SERVICES)
def test_the_role_cannot_connect_to_the_other_databases(cluster, service):
    for other in SERVICES:
        if other != service:
            with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
                with cluster.as_role(service, database_of(other)):
                    pass


def test_the_command_can_be_run_again_and_changes_nothing(cluster):
    for service in SERVICES:
        with cluster.cursor(database_of(service)) as cursor:
            held = lambda: (cursor.execute(HELD, {"role": role_of(service)}), sorted(cursor.fetchall()))[1]
            before = held()
            cursor.execute(f"GRANT TRUNCATE ON {TABLES[service]} TO {role_of(service)}")
            cluster.run_command(service)
            assert held() == before


def test_the_command_leaves_the_schema_of_a_later_version_as_it_is(cluster):
    with cluster.cursor(database_of("user-progress")) as cursor:
        cursor.execute(f"INSERT INTO schema_version VALUES (1000); GRANT TRUNCATE ON labs TO {role_of('user-progress')}")
        assert "nothing is changed" in cluster.run_command("user-progress")
        cursor.execute("DELETE FROM schema_version WHERE version = 1000")
        cursor.execute("SELECT has_table_privilege(%s, 'labs', 'TRUNCATE')", [role_of("user-progress")])
        assert cursor.fetchone() == (True,)
    cluster.run_command("user-progress")


def test_the_command_says_what_the_role_has_beyond_its_need(cluster):
    role = role_of("usage-analytics")
    with cluster.cursor("postgres") as admin:
        admin.execute(f"ALTER ROLE {role} SUPERUSER CREATEDB")
        try:
            said = cluster.run_command("usage-analytics")
        finally:
            admin.execute(f"ALTER ROLE {role} NOSUPERUSER NOCREATEDB")
    assert "is a superuser" in said and "may create roles or databases" in said
