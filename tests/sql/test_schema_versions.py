"""A daemon leaves a database alone whose version is its own or higher, so text that changed needs a new number."""

import hashlib
import re

import pytest

from conftest import ROOT, schema_text

RECORDED = [line.split() for line in (ROOT / "tests/sql/schema-versions.txt").read_text().splitlines()]


def digest(service):
    """Of all that the daemon runs: the tables that every service has, then its own."""
    text = schema_text(ROOT / "common/pg") + schema_text(ROOT / service)
    return hashlib.sha256(text.encode()).hexdigest()


def declared_version(service):
    return int(re.search(r"\.schema_version = (\d+)", (ROOT / service / "api.c").read_text())[1])


@pytest.mark.parametrize("service", sorted({service for service, _, _ in RECORDED}))
def test_a_schema_that_changed_has_a_new_version(service):
    versions = [(int(version), text) for of, version, text in RECORDED if of == service]
    assert [version for version, _ in versions] == list(range(versions[0][0], versions[-1][0] + 1))
    assert len({text for _, text in versions}) == len(versions)
    assert versions[-1] == (declared_version(service), digest(service)), (
        "the text changed: raise .schema_version in api.c, and add a line to tests/sql/schema-versions.txt"
    )
