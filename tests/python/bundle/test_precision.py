"""The default tolerance of each float type."""

import pytest

from aios.bundle.manifest import Tolerance
from aios.bundle.precision import TOLERANCES, own_tolerance

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")


def test_the_coarsest_type_decides():
    assert own_tolerance(()) == own_tolerance({"float32"}) == Tolerance(1e-5, 1e-4)
    assert own_tolerance({"float64"}) == Tolerance(1e-12, 1e-10)
    assert own_tolerance({"float64", "float32"}) == Tolerance()
    assert own_tolerance({"float16", "float32"}) == TOLERANCES["float16"]
    assert own_tolerance({"float32", "bfloat16", "float16"}) == TOLERANCES["bfloat16"]
