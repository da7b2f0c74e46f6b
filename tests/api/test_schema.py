"""How a schema is made, as PostgreSQL's own log tells it."""

from harness.daemon import SERVICES


def test_each_step_of_a_schema_ends_its_transaction(own_postgres, start_daemon):
    """PostgreSQL warns of one that begins inside another; locks that a step took would be held through the next."""
    for service in SERVICES:
        url = own_postgres.url(own_postgres.create_database())
        start_daemon(service, DATABASE_URL=url, USER_PROGRESS_SERVICE_URL="http://127.0.0.1:1").settled()
    log = (own_postgres.directory / "data/server.log").read_text()
    assert "ready to accept connections" in log and "WARNING" not in log, log[-2000:]
