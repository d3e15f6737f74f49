"""A registry, and bundles for it."""

import pytest


@pytest.fixture
def registry(manager):
    return manager.registry


@pytest.fixture
def bundle(tmp_path):
    """Makes bundles that differ."""

    def make(text):
        place = tmp_path / f"{text}.cell"
        place.mkdir(exist_ok=True)
        (place / "weights").write_text(text)
        return place

    return make
