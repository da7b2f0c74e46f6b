"""A real Prometheus on a free port, with the project's own configuration and other targets."""

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import yaml

from harness.ports import free_port
from harness.postgres import ROOT
from harness.wait import until

CONFIGURATION = ROOT / "deploy" / "prometheus"
SCRAPE_SECONDS = 0.5
STOP_SECONDS = 30


def configuration(urls: dict[str, str]) -> dict:
    """The committed configuration, scraping services that are named by address instead of by DNS."""
    settings = yaml.safe_load((CONFIGURATION / "prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": f"{int(SCRAPE_SECONDS * 1000)}ms", "evaluation_interval": "1s"}
    settings["rule_files"] = [str(CONFIGURATION / name) for name in settings["rule_files"]]
    for job in settings["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [urlsplit(urls[job["job_name"]]).netloc]}]
    return settings


class Prometheus:
    """Runs in a `with`."""

    def __init__(self, directory: Path, urls: dict[str, str]):
        self.directory = directory
        self.url = f"http://127.0.0.1:{free_port()}"
        (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration(urls)))

    def __enter__(self) -> "Prometheus":
        with (self.directory / "prometheus.log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self.directory / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self.directory / 'data'}",
                    f"--web.listen-address={urlsplit(self.url).netloc}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            until(self.is_ready, "Prometheus to be ready")
        except AssertionError as late:
            self.__exit__()
            raise AssertionError((self.directory / "prometheus.log").read_text()) from late
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def ask(self, path: str, **parameters: str) -> dict:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30).json()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]

    def query(self, expression: str) -> dict[tuple, float]:
        """The value of each series by its labels, `job` first."""
        result = self.ask("query", query=expression)["result"]
        return {
            tuple(sorted(series["metric"].items(), key=lambda label: (label[0] != "job", label))): float(
                series["value"][1]
            )
            for series in result
        }

    def value(self, expression: str) -> float | None:
        values = list(self.query(expression).values())
        assert len(values) <= 1, (expression, values)
        return values[0] if values else None
