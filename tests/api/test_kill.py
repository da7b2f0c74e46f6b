"""kill -9 of the daemon under load."""

import time
from contextlib import closing

from harness import exchange
from harness.daemon import BACK_SECONDS
from harness.load import Load
from harness.wait import until


def test_no_acknowledged_write_is_lost_or_doubled_when_the_daemon_is_killed(fresh, postgres, start_daemon):
    daemon = fresh()
    database = daemon.database
    with Load(lambda: daemon.url) as load:
        for _ in range(5):
            load.wait_for_more(200)
            daemon.kill()
            daemon = start_daemon(DATABASE_URL=postgres.url(database))
            since = time.monotonic()
            until(
                lambda: exchange.request(daemon.url, "GET", "/users/?limit=1").status == 200,
                "the service to be back",
            )
            assert time.monotonic() - since < BACK_SECONDS
        load.wait_for_more(200)
    with closing(postgres.connect(database)) as connection:
        load.check(connection)
