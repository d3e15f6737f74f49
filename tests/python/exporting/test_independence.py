"""Models whose answers depend on the company of a sample, or on chance."""

import numpy as np
import pytest
from exported import artifact_of, module_of, normal
from tolerance import assert_within_tolerance

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


class _OverTheBatch(layers.Layer):
    def call(self, x):
        return x - keras.ops.mean(x, axis=0, keepdims=True) + x[:1]


class _OneOfTwoBranches(layers.Layer):
    def call(self, x):
        return tf.cond(tf.reduce_mean(x) > 0, lambda: tf.nn.tanh(x) * 2, lambda: tf.cumsum(x, 1))


@pytest.mark.parametrize("layer", [_OverTheBatch, _OneOfTwoBranches])
def test_a_model_that_mixes_a_batch_is_served_as_asked_and_never_composed(tmp_path, layer):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3), layer()])
    aios.export(model, tmp_path / "m.cell")
    for engine in ("litert", "tensorflow"):
        assert not artifact_of(tmp_path / "m.cell", engine).composable
        with aios.load(tmp_path / "m.cell", engine=engine) as bridge:
            for x in (normal(7, 4), -normal(7, 4), normal(1, 4)):
                assert_within_tolerance(bridge.perform_inference(x), np.asarray(model(x)))


def test_a_model_that_answers_differently_each_time_is_refused(tmp_path):
    module = module_of(lambda _, x: x + tf.random.normal([3]))
    with pytest.raises(aios.FailedPreconditionError, match="differently from call to call"):
        aios.export(module, tmp_path / "m.cell")
