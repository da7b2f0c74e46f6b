"""tools/sbom lists what dpkg knows and what the daemons carry, as SPDX 2.3."""

import json
import os
import re
import subprocess

import pytest

from harness.postgres import ROOT

PINS = ROOT / "pages/packages.sha512"
TIME = 1_700_000_000


def sbom(**environment: str) -> str:
    done = subprocess.run(
        [ROOT / "tools/sbom", "1.2.3", PINS],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(TIME), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


@pytest.fixture(scope="module")
def document() -> dict:
    return json.loads(sbom())


@pytest.fixture(scope="module")
def installed() -> set[tuple]:
    """What dpkg itself says, read in another way."""
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\n"],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (line.split("\t") for line in done.stdout.splitlines())
    return {(package, version, architecture) for status, package, version, architecture in lines if status == "installed"}


def unescaped(text: str) -> str:
    return re.sub("%(..)", lambda found: chr(int(found[1], 16)), text)


def urls(document: dict) -> list[str]:
    return [
        reference["referenceLocator"]
        for package in document["packages"]
        for reference in package.get("externalRefs", [])
        if reference["referenceType"] == "purl"
    ]


def test_every_installed_package_is_listed_once_with_its_version_and_architecture(document, installed):
    found = [re.fullmatch(r"pkg:deb/debian/([^@/]+)@([^?]+)\?arch=(.+)", url) for url in urls(document)]
    listed = [tuple(map(unescaped, each.groups())) for each in found if each]
    assert len(listed) == len(set(listed)) and set(listed) == installed


def test_every_pinned_npm_package_is_listed(document):
    expected = {line.split()[1].removesuffix(".tgz").rpartition("-")[::2] for line in PINS.read_text().splitlines()}
    assert {f"pkg:npm/{name}@{version}" for name, version in expected} == {u for u in urls(document) if ":npm/" in u}


def test_no_url_has_a_character_that_its_specification_escapes(document):
    assert all(re.fullmatch(r"pkg:[a-z]+(/[a-z0-9.%A-F-]+)+@[A-Za-z0-9.%~_-]+(\?arch=[a-z0-9]+)?", url) for url in urls(document))


def test_the_document_describes_the_release_which_depends_on_all_the_others(document):
    ids = [package["SPDXID"] for package in document["packages"]]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", each) for each in ids)
    release = ids[0]
    assert (document["packages"][0]["name"], document["packages"][0]["versionInfo"]) == ("virtual-labs", "1.2.3")
    relations = [
        (each["spdxElementId"], each["relationshipType"], each["relatedSpdxElement"]) for each in document["relationships"]
    ]
    assert relations == [
        ("SPDXRef-DOCUMENT", "DESCRIBES", release),
        *((release, "DEPENDS_ON", each) for each in ids[1:]),
    ]


def test_it_has_every_member_that_spdx_requires(document):
    assert (document["spdxVersion"], document["dataLicense"], document["SPDXID"]) == (
        "SPDX-2.3",
        "CC0-1.0",
        "SPDXRef-DOCUMENT",
    )
    assert document["creationInfo"]["created"] == "2023-11-14T22:13:20Z" and document["creationInfo"]["creators"]
    assert document["name"] and document["documentNamespace"].startswith("https://")
    assert all({"SPDXID", "name", "downloadLocation"} <= package.keys() for package in document["packages"])


def test_the_same_content_is_the_same_bytes_and_another_time_another_namespace(document):
    assert sbom() == sbom(TZ="Pacific/Auckland", LC_ALL="C.UTF-8")
    later = json.loads(sbom(SOURCE_DATE_EPOCH=str(TIME + 1)))
    assert later["documentNamespace"] != document["documentNamespace"]
