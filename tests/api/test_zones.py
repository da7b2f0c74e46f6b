"""
Names of time zones: those that PostgreSQL lists, which takes long on a busy machine, so that no request waits for it; and
the links to them.
"""

from contextlib import closing
from pathlib import Path

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


def database_with_own_names(postgres) -> str:
    """A database in which a view may take the place of PostgreSQL's list of zones."""
    name = postgres.create_database()
    with closing(postgres.connect("postgres")) as any_database:
        any_database.cursor().execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    return name


def test_the_names_are_read_at_the_start_and_once_for_all_workers(postgres, start_daemon):
    name = database_with_own_names(postgres)
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


def test_a_link_that_the_database_does_not_know_is_the_zone_it_leads_to(postgres, start_daemon):
    """As on Debian 13, where tzdata has no Asia/Calcutta."""
    lines = Path("/usr/share/zoneinfo/tzdata.zi").read_text().splitlines()
    links = dict(reversed(line.split()[1:]) for line in lines if line.startswith("L "))
    assert links["Asia/Calcutta"] == "Asia/Kolkata"
    name = database_with_own_names(postgres)
    with closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE names AS SELECT * FROM pg_catalog.pg_timezone_names WHERE NOT name = ANY (%s)", [list(links)]
        )
        cursor.execute("CREATE VIEW pg_timezone_names AS SELECT * FROM names")
    daemon = start_daemon("user-progress", DATABASE_URL=postgres.url(name)).ready()
    range_ = {"interval": "day", "from": "2025-03-01", "to": "2025-12-01"}
    with daemon.client() as one:

        def series(zone: str) -> dict:
            answer = one.get("/attempts/series", params={**range_, "zone": zone})
            assert answer.status_code == 200, answer.text
            return answer.json()

        for link, zone in links.items():
            shown = series(link)
            assert shown.pop("zone") == link
            assert {**shown, "zone": zone} == series(zone), link
        for none in ("Asia/Atlantis", "asia/calcutta", "Asia/Calcutt", ""):
            assert one.get("/attempts/series", params={**range_, "zone": none}).status_code == 422, none
