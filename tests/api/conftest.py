"""Fixtures that several files of this folder share."""

import pytest

from harness.samples import new_lab, new_user
from harness.tokens import Issuer


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    """Who signs the tokens of one file's tests."""
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="module")
def someone(api) -> dict:
    """A user whom the tests of one file share."""
    return new_user(api)


@pytest.fixture
def lab(api) -> dict:
    """A lab of a type that only this test uses."""
    return new_lab(api)
