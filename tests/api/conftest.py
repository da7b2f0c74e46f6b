"""Fixtures that several files of this folder share."""

import pytest

from harness.tokens import Issuer


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    """Who signs the tokens of one file's tests."""
    return Issuer(tmp_path_factory.mktemp("issuer"))
