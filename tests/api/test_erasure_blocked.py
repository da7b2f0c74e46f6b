"""Erasures while a service is away, is the original, has no token, or had an earlier version's database."""

import itertools
import json
from contextlib import closing

import pytest

from harness import metrics
from harness.daemon import Daemons
from harness.fake import Fake
from harness.samples import new_lab
from harness.tokens import Issuer
from harness.trio import ERASING, SERVICE_TOKEN, Trio, person_with_data
from harness.wait import until


@pytest.fixture
def own(postgres, tmp_path):
    """own(**settings): three services of the test's own, of which it stops or replaces some."""
    with Daemons(tmp_path) as daemons:
        trios = []

        def make(**settings: str) -> Trio:
            trios.append(Trio(daemons, postgres, Issuer(tmp_path), **{**ERASING, **settings}))
            return trios[-1]

        yield make
        for trio in trios:
            trio.close()


def test_beside_an_original_service_it_is_blocked_and_goes_on_when_ours_is_back(own):
    trio = own().start_all()
    progress = trio.of["user-progress"]
    user, expected = person_with_data(trio, new_lab(progress))
    trio.daemons["usage-analytics"].stop()
    port = int(trio.settings["usage-analytics"]["PORT"])
    statuses = itertools.cycle([404, 405])
    with Fake(lambda line, _: line.answer(next(statuses), {"detail": "Not Found"}), port=port) as original:
        erasure = trio.begin(user["id"])
        shown = trio.becomes(erasure, "blocked")
        assert shown["services"]["usage-analytics"] == {"error": "does not offer erasure"}
        assert trio.begin(user["id"]) == erasure
        until(lambda: len(original.asked) >= 2 and trio.erasure(erasure)["services"]["performance-reporting"] == expected["performance-reporting"],
              "the other service to be erased from")  # fmt: skip
    trio.start("usage-analytics").ready()
    assert trio.becomes(erasure)["services"] == expected
    assert trio.lines_about(user["id"], user["username"], user["email"]) == []


@pytest.mark.parametrize("lacks", ["user-progress", "usage-analytics"])
def test_without_the_token_of_services_it_is_blocked_with_that_reason(own, lacks):
    trio = own()
    trio.settings[lacks]["SERVICE_TOKEN"] = None
    trio.start_all()
    user, expected = person_with_data(trio, new_lab(trio.of["user-progress"]), rows=2)
    erasure = trio.begin(user["id"])
    trio.becomes(erasure, "blocked")
    why = "SERVICE_TOKEN is not set" if lacks == "user-progress" else "has no SERVICE_TOKEN"
    until(lambda: trio.erasure(erasure)["services"]["usage-analytics"] == {"error": why}, "the reason")
    log = trio.daemons["user-progress"].log_text()
    waits = [line for line in map(json.loads, log.splitlines()) if line["event"] == "an erasure waits"]
    assert (erasure, "usage-analytics", why) in {(line["erasure_id"], line["other"], line["reason"]) for line in waits}
    assert {line["service"] for line in waits} == {"user-progress"}
    assert not any(user["id"] in str(line) for line in waits)
    trio.daemons[lacks].stop()
    trio.start(lacks, SERVICE_TOKEN=SERVICE_TOKEN)
    assert trio.becomes(erasure)["services"] == expected


def test_a_service_that_is_away_is_tried_again_and_the_metrics_tell_how_long(own):
    trio = own().start_all()
    user, expected = person_with_data(trio, new_lab(trio.of["user-progress"]), rows=2)
    trio.daemons["performance-reporting"].kill()
    erasure = trio.begin(user["id"])
    url = trio.daemons["user-progress"].url
    until(lambda: metrics.samples(url).of("erasures_oldest_age_seconds") >= 1, "the age of the oldest")
    assert metrics.samples(url).of("erasures_running") == 1
    away = {"error": "does not answer"}
    until(lambda: trio.erasure(erasure)["services"]["performance-reporting"] == away, "the reason")
    assert trio.erasure(erasure)["status"] == "running"
    nobody = trio.erase("nobody-at-all")
    assert nobody.status_code == 503 and nobody.headers["retry-after"]
    trio.start("performance-reporting")
    assert trio.becomes(erasure)["services"] == expected
    until(lambda: metrics.samples(url).of("erasures_running") == 0, "no erasure to be running")


def test_a_database_of_the_version_before_lets_an_erasure_through_once_its_steps_are_done(own):
    older = own().start_all()
    older.daemons["user-progress"].stop()
    with closing(older.postgres.connect(older.databases["user-progress"])) as connection, connection.cursor() as cursor:
        cursor.execute(
            "DROP TABLE erasures, erasure_parts, erasure_counts;"
            " DROP TRIGGER progress_events_delete_none ON progress_events;"
            " DROP TRIGGER progress_events_delete_one ON progress_events;"
            " CREATE OR REPLACE TRIGGER progress_events_only_appended BEFORE UPDATE OR DELETE OR TRUNCATE"
            " ON progress_events FOR EACH STATEMENT EXECUTE FUNCTION progress_events_refuse();"
            " DELETE FROM schema_version; INSERT INTO schema_version VALUES (8)"
        )
    older.start("user-progress").settled()
    user, expected = person_with_data(older, new_lab(older.of["user-progress"]), rows=2)
    assert older.becomes(older.begin(user["id"]))["services"] == expected
