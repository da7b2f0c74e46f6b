"""tools/pages accepts the pinned packages and nothing else, and needs npm only for missing ones."""

import gzip
import os
import re
import shutil
import subprocess

import pytest

from harness.postgres import ROOT

PINS = ROOT / "pages/packages.sha512"
PACKAGES = [ROOT / "build/pages" / line.split()[1] for line in PINS.read_text().splitlines()]


def make_pages(directory, path: str = os.environ["PATH"]):
    return subprocess.run(
        [ROOT / "tools/pages", directory], capture_output=True, text=True, env={"PATH": path}, timeout=60
    )


@pytest.fixture
def without_npm(tmp_path) -> str:
    """A PATH with the programs of this one except npm and node."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "cat", "cp", "dirname", "basename", "gzip", "head", "mkdir", "mv", "rm", "sed", "sha256sum",
                 "sha512sum", "tar", "tr", "env"):  # fmt: skip
        (programs / name).symlink_to(shutil.which(name))
    return str(programs)


@pytest.fixture
def given(tmp_path):
    """A directory that has the packages already."""
    directory = tmp_path / "pages"
    directory.mkdir()
    for package in PACKAGES:
        shutil.copy(package, directory)
    return directory


def test_with_the_packages_present_it_needs_neither_npm_nor_network(given, without_npm):
    done = make_pages(given, without_npm)
    assert done.returncode == 0, done.stderr
    assert b"SwaggerUIBundle" in gzip.decompress((given / "docs.js.gz").read_bytes())
    version = re.search('embedded_hash: .asciz "([0-9a-f]{16})"', (given / "pages.S").read_text())[1]
    assert f"/files/{version}/" in gzip.decompress((given / "dashboard.html.gz").read_bytes()).decode()


def test_the_same_files_have_the_same_hash(given, without_npm):
    make_pages(given, without_npm)
    first = (given / "pages.S").read_bytes()
    make_pages(given, without_npm)
    assert (given / "pages.S").read_bytes() == first


def test_a_package_other_than_the_pinned_one_is_refused(given, without_npm):
    with PACKAGES[0].open("rb") as package, (given / PACKAGES[0].name).open("wb") as changed:
        changed.write(package.read()[:-1] + b"x")
    done = make_pages(given, without_npm)
    assert done.returncode != 0 and PACKAGES[0].name in done.stdout + done.stderr
    assert not (given / "pages.S").exists()


def test_without_npm_it_says_what_is_missing(tmp_path, without_npm):
    done = make_pages(tmp_path / "pages", without_npm)
    assert done.returncode == 1 and "npm" in done.stderr and ".tgz" in done.stderr
