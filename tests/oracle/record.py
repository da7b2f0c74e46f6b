"""Sends the original every request of its scenarios and records the exchanges: `record.py SERVICE TRUTH [URL]`.

TRUTH is the address of User Progress, who keeps users and labs for all; URL that of the SERVICE where it is another.
The recording is tests/api/generated-SERVICE.jsonl.
"""

import json
import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from harness import exchange  # noqa: E402
from report_scenarios import performance_scenarios, usage_scenarios  # noqa: E402
from scenarios import user_progress_scenarios  # noqa: E402

SCENARIOS = {
    "user-progress": user_progress_scenarios,
    "performance-reporting": performance_scenarios,
    "usage-analytics": usage_scenarios,
}
ROWS = {  # the paths that rows with serial ids are written and listed under, and what a deletion calls such a row
    "/progress/": "Lab attempt",
    "/performance/record": "Performance record",
    "/analytics/event": "Event",
}

KEPT_HEADERS = ("content-type", "location")


def placeholders(value, values: dict):
    """The answer with what differs from run to run replaced."""
    if isinstance(value, dict):
        return {name: placeholders(member, values) for name, member in value.items()}
    if isinstance(value, list):
        return [placeholders(item, values) for item in value]
    if isinstance(value, str):
        return next((name for name, shape in exchange.SHAPES.items() if re.fullmatch(shape, value)), value)
    return value


def record(url: str, request: dict, values: dict) -> dict:
    answer = exchange.send(url, request, values)
    exchange.save(request, answer, values)
    recorded = {**request, "status": answer.status}
    ours = recorded.pop("ours", None)
    headers = {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}
    if "location" in headers:
        headers["location"] = exchange.relative(headers["location"])
    recorded["response_headers"] = headers
    if headers.get("content-type") == "application/json":
        recorded["response"] = with_ids(placeholders(answer.json(), values), request, answer.status)
    else:
        recorded["response"] = "(an HTML page)" if "html" in headers.get("content-type", "") else answer.text
    if ours:
        recorded["ours"] = ours
    elif answer.status >= 500:
        raise SystemExit(f"{request} is answered {answer.status}, and what this project answers is not said")
    return recorded


def with_ids(response, request: dict, status: int):
    """Serial ids depend on what ran before."""
    what = next((what for path, what in ROWS.items() if request["path"].startswith(path)), None)
    if status != 200 or what is None:
        return response
    if request["method"] == "DELETE":
        number = request["path"].rsplit("/", 1)[1]
        return {**response, "message": f"{what} {number} deleted"}
    if isinstance(response, list):
        return [{**item, "id": "{int}"} for item in response]
    return {**response, "id": "{int}"} if "id" in response else response


def main() -> None:
    service, truth, *others = sys.argv[1:]
    url = others[0] if others else truth
    file = Path(__file__).parents[1] / "api" / f"generated-{service}.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for scenario in SCENARIOS[service]():
            values: dict = {}
            exchange.forget_everything(truth)
            for request in scenario.requests:
                of_truth = request["path"].startswith(("/users/", "/labs/"))
                recorded = record(truth if of_truth else url, request, values)
                out.write(json.dumps(recorded, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
