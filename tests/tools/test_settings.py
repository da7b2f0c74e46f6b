"""What tools/settings makes of the daemons' own list of settings."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools/settings"
SERVICES = ("user-progress", "performance-reporting", "usage-analytics")


def output(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


def program(service):
    return ROOT / "build" / os.environ.get("VARIANT", "release") / "bin" / service


def listing(service):
    return [json.loads(line) for line in output(program(service), "--settings").splitlines()]


@pytest.mark.parametrize("question", ["--help", "--version", "--settings", "--openapi", "--statements"])
def test_what_cannot_be_printed_whole_is_an_error_that_says_so(question):
    with open("/dev/full", "w") as full:
        done = subprocess.run([program("user-progress"), question], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "not everything could be printed\n")


@pytest.mark.parametrize("service", SERVICES)
def test_a_manual_page_tells_every_setting_flag_and_command_and_prints_without_a_warning(service):
    page = output(TOOL, "man", service)
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-wall", "-rLL=200n", "-P-cbu"], input=page, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    for row in listing(service):
        assert (row.get("setting") or row.get("question") or row.get("command") or row["daemon"]) in done.stdout
        assert row.get("flag", "") in done.stdout


@pytest.mark.parametrize(
    "words, offered",
    [
        (["user-progress", "ver"], ["verify"]),
        (["usage-analytics", "ver"], []),
        (["usage-analytics", "--wor"], ["--workers"]),
        (["/usr/bin/user-progress", "--log-level", "w"], ["warning"]),
        (["user-progress", "--sandbox", ""], ["on", "off"]),
        (["user-progress", "--port", ""], []),
        (["user-progress", "--vers"], ["--version"]),
    ],
)
def test_bash_completes_flags_commands_and_values(words, offered):
    script = """. <(printf %s "$0"); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _virtual_labs
        printf '%s\\n' "${COMPREPLY[@]}" """
    assert output("bash", "-c", script, output(TOOL, "completion"), *words).split() == offered


@pytest.mark.parametrize("service", SERVICES)
def test_a_daemon_tells_the_version_of_the_project(service):
    version = (ROOT / "VERSION").read_text().strip()
    assert output(program(service), "--version") == f"{service} {version}\n"
    assert json.loads(output(program(service), "--openapi"))["info"]["version"] == version
