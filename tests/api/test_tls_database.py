"""PostgreSQL behind something that speaks TLS for it, as many who run it for others have it."""

import pytest

from harness.samples import created, new_lab, new_user
from harness.tls import Terminator, certificate

ATTEMPTS = 800  # some hundred kilobytes


@pytest.fixture
def behind_tls(start_daemon, postgres, tmp_path):
    database = postgres.create_database()
    with Terminator(certificate(tmp_path), postgres.address) as terminator:
        user = postgres.address["PGUSER"]
        url = f"postgresql://{user}@127.0.0.1:{terminator.port}/{database}?sslmode=require"
        yield start_daemon("user-progress", DATABASE_URL=url, WORKERS="1").ready()


def test_answers_in_records_that_are_as_large_as_they_may_be_are_read_to_their_end(behind_tls):
    with behind_tls.client(timeout=60) as client:
        user, lab = new_user(client)["id"], new_lab(client)["lab_type"]
        attempt = {"user_id": user, "lab_type": lab, "completion_status": True, "time_spent": 1, "errors_encountered": ["e" * 100]}
        stored = client.post("/attempts", json=[attempt] * ATTEMPTS)
        assert stored.status_code == 200 and stored.json()["stored"] == ATTEMPTS, stored.text
        for limit in range(1, ATTEMPTS, 7): # the last record is of another size each time
            assert len(created(client.get("/attempts", params={"limit": limit}))["items"]) == limit
