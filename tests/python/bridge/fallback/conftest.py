"""The digits on both cores, to be compared."""

import pytest
from cores import pure_python

import aios


@pytest.fixture(scope="session")
def load():
    """`aios.load` of the pure-Python core."""
    return pure_python().load


@pytest.fixture(scope="module")
def pure(load, digits):
    with load(digits.bundle) as bridge:
        yield bridge


@pytest.fixture(scope="module")
def native(digits):
    with aios.load(digits.bundle, engine="litert") as bridge:
        yield bridge
