"""Requests made at random get the answers that the original gave (tests/oracle has recorded them)."""

import re
from itertools import groupby
from pathlib import Path

import pytest

from harness import exchange
from harness.daemon import ELSEWHERE, Daemons

HERE = Path(__file__).parent
RECORDED = exchange.read_lines(HERE / "generated-user-progress.jsonl")
SCENARIOS = [list(group) for _, group in groupby(enumerate(RECORDED), key=lambda pair: pair[1]["scenario"])]

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
def url(request, tmp_path_factory):
    """A user-progress of its own: lists show what the scenario made and nothing else."""
    if ELSEWHERE:
        yield ELSEWHERE
        return
    server = request.getfixturevalue("postgres")
    with Daemons(tmp_path_factory.mktemp("generated")) as daemons:
        yield daemons.start(DATABASE_URL=server.url(server.create_database())).ready().url


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: f"{s[0][0] + 1}-{s[0][1]['scenario']}")
def test_generated_requests_get_the_original_answers(url, scenario, request):
    exchange.forget_everything(url)
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
