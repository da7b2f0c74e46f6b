"""Asks the original everything in scenarios.py and writes the exchanges down: `record.py URL FILE`."""

import json
import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from harness import exchange  # noqa: E402
from scenarios import all_scenarios  # noqa: E402

KEPT_HEADERS = ("content-type", "location")
TIME = re.compile(exchange.SHAPES["{timestamp}"])
UUID = re.compile(exchange.SHAPES["{uuid}"])


def placeholders(value, values: dict):
    """The answer with what differs from run to run replaced."""
    if isinstance(value, dict):
        return {name: placeholders(member, values) for name, member in value.items()}
    if isinstance(value, list):
        return [placeholders(item, values) for item in value]
    if isinstance(value, str) and TIME.fullmatch(value):
        return "{timestamp}"
    if isinstance(value, str) and UUID.fullmatch(value):
        return "{uuid}"
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
    if status != 200 or not request["path"].startswith("/progress/"):
        return response
    if request["method"] == "DELETE":
        number = request["path"].rsplit("/", 1)[1]
        return {**response, "message": f"Lab attempt {number} deleted"}
    if isinstance(response, list):
        return [{**item, "id": "{int}"} for item in response]
    return {**response, "id": "{int}"} if "id" in response else response


def main() -> None:
    url, file = sys.argv[1:]
    with open(file, "w", encoding="utf-8") as out:
        for scenario in all_scenarios():
            values: dict = {}
            exchange.forget_everything(url)
            for request in scenario.requests:
                recorded = record(url, request, values)
                out.write(json.dumps(recorded, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
