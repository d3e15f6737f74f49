"""One version, wherever it is told."""

import re

import pytest
from conftest import REPOSITORY

import aios
from aios.version import __version__


def test_the_version_is_a_release_and_the_face_tells_it():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.?(a|b|rc|dev)\d+)?", __version__)
    assert aios.__version__ == __version__


@pytest.mark.parametrize("file", ["pyproject.toml", "CMakeLists.txt"])
def test_the_builds_read_it_there_and_have_none_of_their_own(file):
    text = (REPOSITORY / file).read_text()
    assert "python/aios/version.py" in text
    assert f'"{__version__}"' not in text
