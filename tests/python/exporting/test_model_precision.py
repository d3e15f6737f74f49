"""A model's own answers are as exact as the coarsest float type that it calculates in."""

import numpy as np
import pytest

import aios
from aios.bundle.precision import TOLERANCES
from aios.exporting.graphs import float_types

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers


def _graph(function, dtype):
    traced = tf.function(function).get_concrete_function(tf.TensorSpec([None, 2], dtype))
    return traced.graph.as_graph_def()


@pytest.mark.parametrize(
    ("function", "dtype", "expected"),
    [
        (lambda x: x * 2, tf.float32, {"float32"}),
        (lambda x: tf.cast(x, tf.bfloat16), tf.float32, {"bfloat16"}),
        (lambda x: tf.cast(tf.cast(x, tf.half), tf.float32), tf.float32, {"float16", "float32"}),
        (lambda x: tf.cast(x, tf.float64) * 3, tf.float32, {"float64"}),
        (tf.identity, tf.float16, set()),
        (lambda x: x + 1, tf.int32, set()),
        (
            lambda x: tf.while_loop(lambda y: tf.reduce_sum(y) < 9, lambda y: (y + 1,), [x])[0],
            tf.float16,
            {"float16"},
        ),
    ],
)  # fmt: skip
def test_the_float_types_of_a_graph_are_those_it_calculates_in(function, dtype, expected):
    found = float_types(_graph(function, dtype))
    assert found == expected


@pytest.mark.usefixtures("borrowed_engines")
@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_a_model_of_mixed_precision_is_served_within_that_precision(tmp_path, kind):
    keras.utils.set_random_seed(0)
    hidden = layers.Dense(16, "gelu", dtype=f"mixed_{kind}")
    model = keras.Sequential([keras.Input((8,), name="x"), hidden, layers.Dense(3)])
    report = aios.export(model, tmp_path / "m.cell")
    assert {artifact.tolerance for artifact in report.artifacts} == {TOLERANCES[kind]}
    x = np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32)
    with aios.load(tmp_path / "m.cell") as bridge:
        np.testing.assert_allclose(bridge.perform_inference(x), np.asarray(model(x)), atol=0.05)


def test_float64_is_proved_to_float64s_precision(tmp_path):
    keras.utils.set_random_seed(0)
    wide = {"dtype": "float64"}
    hidden = [layers.Dense(8, "tanh", **wide), layers.LayerNormalization(**wide)]
    model = keras.Sequential(
        [keras.Input((6,), name="x", **wide), *hidden, layers.Dense(3, "softmax", **wide)]
    )
    report = aios.export(model, tmp_path / "m.cell", engines=("openvino", "tensorflow"))
    assert report.errors.keys() == {"tensorflow"}
    assert report.errors["tensorflow"] < 1e-12
    assert "tolerances away" in report.declined["openvino"]
    with pytest.raises(aios.FailedPreconditionError, match=r"pass tolerance=, as \de-0[5678]"):
        aios.export(model, tmp_path / "n.cell", engines="openvino")
