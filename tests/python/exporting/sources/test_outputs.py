"""Outputs of any structure, by name and in order."""

import numpy as np
import pytest
from exported import assert_answers, normal

import aios
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


def test_outputs_keep_the_models_order_also_beyond_ten(tmp_path):
    inputs = keras.Input((2,), name="x")
    model = keras.Model(inputs, [inputs * float(i) for i in range(1, 13)])
    aios.export(model, tmp_path / "m.cell")
    (signature,) = read_manifest(tmp_path / "m.cell").signatures
    assert [spec.name for spec in signature.outputs] == [f"output_{i}" for i in range(12)]
    x = normal(3, 2)
    assert_answers(
        tmp_path / "m.cell", x, {f"output_{i}": x * np.float32(i + 1) for i in range(12)}
    )
