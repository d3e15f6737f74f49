"""Which optional packages are here, and what brings the others."""

import pytest

import aios
from aios.installed import require


def test_what_is_there_passes():
    require(("numpy", "json"), "this test", "none")


def test_what_is_missing_is_named_with_its_purpose_and_its_extra():
    with pytest.raises(aios.NotFoundError) as caught:
        require(("numpy", "no_such_package"), "counting", "abacus")
    assert str(caught.value) == (
        "counting needs the package 'no_such_package', which isn't installed: "
        "pip install aios-cells[abacus]"
    )
