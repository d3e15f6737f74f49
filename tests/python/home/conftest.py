"""The files of a home, and the place of a database."""

import pytest

from aios.home.home_files import HomeFiles


@pytest.fixture
def files(tmp_path):
    home = HomeFiles(tmp_path / "home")
    yield home
    home.release()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "aios.db"
