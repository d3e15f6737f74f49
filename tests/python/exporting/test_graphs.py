"""Frozen graphs without their large constants."""

import numpy as np
import pytest
from exported import normal
from tolerance import assert_within_tolerance

from aios.exporting import graphs, tflite
from aios.exporting.sources.keras_model import KerasSource
from aios.proving.in_process import InProcessProver

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


def test_large_weights_are_no_part_of_the_graph_that_is_converted(tmp_path):
    inputs = keras.Input((6, 128), name="x")
    model = keras.Model(inputs, layers.LSTM(64)(layers.Dense(128)(inputs)))
    source = KerasSource(model)
    source.save(tmp_path / "saved")
    frozen = source.frozen("serving_default")
    light, constants = graphs.without_large_constants(frozen)
    assert sorted(len(value.tensor_content) for value in constants.values()) == sorted(
        weight.nbytes for weight in model.get_weights() if weight.ndim == 2
    )
    assert light.graph_def.ByteSize() < 64 << 10 < frozen.graph_def.ByteSize()
    content = tflite.convert({"serving_default": frozen}, tmp_path, 1)
    assert not tflite.refused_operators(content)
    path = tmp_path / "b1.tflite"
    path.write_bytes(content)
    x = normal(1, 6, 128)
    answer = InProcessProver().interpret(path, "serving_default", {"x": x})["output_0"]
    assert_within_tolerance(answer, np.asarray(model(x)))
