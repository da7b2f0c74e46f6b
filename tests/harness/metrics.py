"""The page that Prometheus reads: its samples by name and labels."""

import re
from collections import Counter

from harness import exchange

SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def page(url: str) -> str:
    answer = exchange.request(url, "GET", "/metrics")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text


def library_is_old(url: str) -> bool:
    """Whether the service runs on libmicrohttpd 0.9, which takes and refuses other things than 1.0 by itself."""
    return 'libmicrohttpd="0.' in page(url)


class Samples(dict):
    """Values by (name, labels); `samples.of(name, label="value")` adds up all that have those labels."""

    def of(self, name: str, **labels: str) -> float:
        wanted = set(labels.items())
        return sum(value for (n, got), value in self.items() if n == name and wanted <= set(got))

    def by(self, name: str, *labels: str) -> Counter:
        """Values of a name by the values of some labels."""
        found = Counter()
        for (n, got), value in self.items():
            if n == name and value:
                found[tuple(dict(got)[label] for label in labels)] += value
        return found


def parse(text: str) -> Samples:
    samples = Samples()
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            key = (name, frozenset(LABEL.findall(labels or "")))
            assert key not in samples, f"{line} is there twice"
            samples[key] = float(value)
    return samples


def samples(url: str) -> Samples:
    return parse(page(url))
