"""Writes of every kind while PostgreSQL and the daemon are killed in turn.

`CAMPAIGN_WRITES` is how many are acknowledged, `CAMPAIGN_KILLS` how often each of the two is killed meanwhile.
"""

import os
import signal
from contextlib import closing

from harness import exchange
from harness.load import ALL_KINDS, Load
from harness.wait import until

WRITES = int(os.environ.get("CAMPAIGN_WRITES", "2000"))
KILLS = int(os.environ.get("CAMPAIGN_KILLS", "2"))


def test_of_single_batched_and_keyed_writes_none_is_lost_or_doubled_over_kills(own_postgres, start_daemon):
    database = own_postgres.create_database()
    daemon = start_daemon(DATABASE_URL=own_postgres.url(database)).ready()
    each = WRITES // (2 * KILLS + 1)
    with Load(lambda: daemon.url, kinds=ALL_KINDS) as load:
        for n in range(KILLS):
            load.wait_for_more(each)
            daemon.kill()
            daemon = start_daemon(DATABASE_URL=own_postgres.url(database))
            load.wait_for_more(each)
            own_postgres.kill((signal.SIGQUIT, signal.SIGKILL)[n % 2])
            own_postgres.start()
            until(
                lambda: exchange.request(daemon.url, "GET", "/users/?limit=1").status == 200,
                "the service to be back",
            )
        load.wait_for_more(max(each, WRITES - len(load.outcomes.acknowledged)))
    with closing(own_postgres.connect(database)) as connection:
        load.check(connection)
    print(len(load.outcomes.acknowledged), "acknowledged,", 2 * KILLS, "kills:", dict(load.outcomes.statuses))
