"""Names of time zones: PostgreSQL takes long to list them on a busy machine, so no request waits for that."""

from contextlib import closing

import httpx

from harness.daemon import client
from harness.wait import until

LOCK = 20250419
READS_UNDER_A_LOCK = f"""
CREATE VIEW pg_timezone_names AS
SELECT n.* FROM (SELECT pg_advisory_xact_lock_shared({LOCK}) OFFSET 0) AS lock, pg_catalog.pg_timezone_names AS n
"""


def status_in_berlin(url: str) -> int:
    """By a connection of its own, so that any worker may get it."""
    with client(url) as one:
        return one.get("/attempts/series", params={"zone": "Europe/Berlin"}).status_code


def test_the_names_are_read_at_the_start_and_once_for_all_workers(postgres, start_daemon):
    name = postgres.create_database()
    with closing(postgres.connect("postgres")) as any_database:
        any_database.cursor().execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    with closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute(READS_UNDER_A_LOCK)
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        daemon = start_daemon("user-progress", DATABASE_URL=postgres.url(name), WORKERS="4")

        def reads() -> bool:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted", [LOCK])
            return cursor.fetchone() == (1,)

        until(reads, "the names to be read without a request that needs them")
        assert httpx.get(f"{daemon.url}/attempts/series").status_code == 200, "UTC needs no names"
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        assert status_in_berlin(daemon.url) == 200
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        assert [status_in_berlin(daemon.url) for _ in range(16)] == [200] * 16
