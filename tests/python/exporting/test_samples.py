"""Samples as calls."""

import numpy as np
import pytest
from exported import normal

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


def test_rows_for_a_fixed_batch_are_put_together_into_calls(tmp_path):
    from safetensors.numpy import load_file

    model = keras.Sequential([keras.Input(batch_shape=(4, 3), name="x"), layers.Dense(2)])
    x = normal(12, 3)
    aios.export(model, tmp_path / "m.cell", samples=x)
    golden = load_file(tmp_path / "m.cell" / "golden.safetensors")["serving_default/inputs/x"]
    np.testing.assert_array_equal(golden[:3], x.reshape(3, 4, 3))
