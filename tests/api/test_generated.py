"""Requests made at random get the answers that the original gave (tests/oracle has recorded them)."""

import re
from itertools import groupby
from pathlib import Path

import pytest

from harness import exchange
from harness.daemon import ELSEWHERE, SERVICES, Daemons, database_of, elsewhere

HERE = Path(__file__).parent


def scenarios() -> list:
    """(service, the numbered lines of one scenario), of every recording."""
    return [
        pytest.param(
            service, lines := list(group), id=f"{service}-{lines[0][0] + 1}-{lines[0][1]['scenario']}"
        )
        for service in SERVICES
        for _, group in groupby(
            enumerate(exchange.read_lines(HERE / f"generated-{service}.jsonl")),
            key=lambda pair: pair[1]["scenario"],
        )
    ]


EMAIL_FAULT = "value is not a valid email address: "

# Reasons that may be told in other words: of quoted names, brackets and international domains, each of them rare.
FREE_REASONS = re.compile(r"Extra character|.*\(Codepoint |.*address literal tag")


def with_free_reasons(expected: dict, got: dict) -> dict:
    """The recorded faults, with the texts of free reasons as they were answered."""
    if len(expected["detail"]) != len(got["detail"]):
        return expected
    detail = []
    for fault, answered in zip(expected["detail"], got["detail"]):
        free = fault["type"] == "value_error" and FREE_REASONS.match(fault["ctx"]["reason"])
        if free and answered.get("msg", "").startswith(EMAIL_FAULT):
            fault = {**fault, "msg": EMAIL_FAULT + answered["ctx"]["reason"], "ctx": answered["ctx"]}
        detail.append(fault)
    return {"detail": detail}


def wrong(recorded: dict, answer: exchange.Answer, values: dict, original: bool) -> str | None:
    """What is wrong with the answer; None where it is the recorded one, or ours where we answer otherwise."""
    if (ours := recorded.get("ours")) and not original:
        if answer.status != ours["status"]:
            return f"expected {ours}, got {answer.status} {answer.text}"
        if "loc" in ours and (got := [f["loc"] for f in answer.json()["detail"]]) != ours["loc"]:
            return f"expected faults of {ours['loc']}, got {got}"
        return exchange.difference(ours["response"], answer.json(), values) if "response" in ours else None
    if recorded["status"] == 422 == answer.status:
        recorded = {**recorded, "response": with_free_reasons(recorded["response"], answer.json())}
    return exchange.answer_difference(recorded, answer, values)


@pytest.fixture(scope="module")
def urls(request, tmp_path_factory):
    """Services of their own: lists show what the scenario made and nothing else."""
    if ELSEWHERE:
        yield {service: elsewhere(service) for service in SERVICES}
        return
    server = request.getfixturevalue("postgres")
    started: dict[str, str] = {}
    with Daemons(tmp_path_factory.mktemp("generated")) as daemons:
        for service in SERVICES:
            settings = {"USER_PROGRESS_SERVICE_URL": started["user-progress"]} if started else {}
            daemon = daemons.start(service, DATABASE_URL=server.url(database_of(service, server)), **settings)
            started[service] = daemon.ready().url
        yield started


@pytest.mark.parametrize(("service", "scenario"), scenarios())
def test_generated_requests_get_the_original_answers(urls, service, scenario, request):
    url = urls[service]
    exchange.forget_everything(urls["user-progress"])
    values, found = {}, []
    for line, recorded in scenario:
        answer = exchange.send(url, recorded, values)
        if problem := wrong(recorded, answer, values, request.config.getoption("original")):
            target = (
                f"{recorded['method']} {exchange.fill(recorded['path'], values)} {recorded.get('body', '')}"
            )
            found.append(f"line {line + 1}: {target}\n    {problem}")
        elif answer.status == recorded["status"]:
            exchange.save(recorded, answer, values)
    assert not found, "\n".join([f"{len(found)} of {len(scenario)} answers differ", *found])
