"""tools/token: the claims of the tokens that it prints."""

import json
import subprocess
from pathlib import Path

import jwt
import pytest

TOKEN = Path(__file__).resolve().parents[2] / "tools/token"


def run(*arguments):
    return subprocess.run([TOKEN, *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("token")
    run("keys", str(path))
    return path


@pytest.fixture
def claims(directory):
    """The claims of the token that is printed for arguments, once its signature is verified."""

    def verified(*arguments):
        settings = dict(line.split("=", 1) for line in run("settings", str(directory)).splitlines())
        key = jwt.PyJWK(json.loads((directory / "jwks.json").read_text())["keys"][0]).key
        return jwt.decode(
            run("print", str(directory), *arguments),
            key,
            ["RS256"],
            audience=settings["AUTH_AUDIENCE"],
            issuer=settings["AUTH_ISSUER"],
        )

    return verified


def test_a_token_is_for_somebody_and_reaches_every_user_unless_the_caller_says_otherwise(claims):
    assert (claims()["sub"], claims()["scope"]) == ("somebody", "progress:any")
    assert (claims("")["sub"], claims("", "")["scope"]) == ("somebody", "progress:any")
    assert (claims('al"ice')["sub"], claims("alice")["scope"]) == ('al"ice', "progress:any")


def test_a_token_has_exactly_the_scopes_that_it_is_printed_with(claims):
    assert claims("alice", "privacy admin")["scope"].split() == ["privacy", "admin"]
    assert claims("", "privacy")["scope"] == "privacy"
