"""A walk through the documents of the running services: see harness/walk.py.

`WALK_REQUESTS` says how many requests it has, `WALK_SEED` which.
"""

import os

import pytest

from harness.daemon import ELSEWHERE, SERVICES, Daemons
from harness.trio import SERVICE_TOKEN, Trio
from harness.walk import PATIENT, Walk, token_of

REQUESTS = int(os.environ.get("WALK_REQUESTS", "2000"))
SEED = int(os.environ.get("WALK_SEED", "1"))
FEWEST = 2000  # requests with which most calls should succeed
WALKS = 4  # the most that it takes: whether a call finds what it needs is chance


@pytest.mark.skipif(bool(ELSEWHERE), reason="the services run elsewhere")
def test_whatever_is_sent_each_answer_is_as_the_document_says(postgres, tmp_path, issuer):
    with Daemons(tmp_path) as daemons:
        trio = Trio(daemons, postgres, issuer, **PATIENT).start_all()
        urls = {service: trio.daemons[service].url for service in SERVICES}
        walk = Walk(urls, lambda sub: token_of(issuer, sub), SERVICE_TOKEN, SEED)
        for _ in range(WALKS):
            walk.run(REQUESTS)
            never = {call.name for call in walk.calls} - walk.succeeded
            few = len(never) * 10 <= len(walk.calls)
            if few or REQUESTS < FEWEST:
                break
        walk.close()
        trio.close()
    print("requests:", dict(sorted(walk.statuses.items())))
    print("no success of", sorted(never))
    assert few or REQUESTS < FEWEST, f"no success of {sorted(never)}"
