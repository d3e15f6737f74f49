"""Models of one shape, and models with inputs that have no batch: compiled as they are."""

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios

tf = pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")


class _Mixed(tf.Module):
    """A batch, a scalar and a matrix of one size, in any order; and the same of one batch."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([], tf.float32, name="alpha"),
            tf.TensorSpec([3, 2], tf.float32, name="matrix"),
            tf.TensorSpec([None, 3], tf.float32, name="x"),
        ]
    )
    def mixed(self, alpha, matrix, x):
        return {"y": alpha * tf.tanh(x @ matrix), "norm": tf.norm(matrix)}

    @tf.function(input_signature=[tf.TensorSpec([4, 3], tf.float32, name="x")])
    def four(self, x):
        return {"y": x @ tf.constant([[1.0, 2.0], [0.5, -1.0], [0.25, 3.0]])}


def _exported(method, tmp_path):
    model = _Mixed()
    function = getattr(model, method)
    tf.saved_model.save(model, str(tmp_path / "saved"), signatures=function)
    aios.export(tmp_path / "saved", tmp_path / "m.cell", engines="compiled")
    return function, aios.load(tmp_path / "m.cell", engine="compiled")


def _drawn(*shape):
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def test_inputs_without_a_batch_are_compiled_for_a_batch_of_one(tmp_path):
    model, bridge = _exported("mixed", tmp_path)
    inputs = {"alpha": np.float32(1.5), "matrix": _drawn(3, 2), "x": _drawn(1, 3)}
    with bridge:
        answers = bridge.perform_inference(inputs)
        for name, expected in model(**{k: tf.constant(v) for k, v in inputs.items()}).items():
            assert_within_tolerance(np.atleast_1d(answers[name]), np.atleast_1d(expected))
        with pytest.raises(aios.UnsupportedError, match="a batch of 2"):
            bridge.perform_inference({**inputs, "x": _drawn(2, 3)})


def test_a_model_of_one_batch_is_compiled_for_that(tmp_path):
    model, bridge = _exported("four", tmp_path)
    x = _drawn(4, 3)
    with bridge:
        answer = bridge.perform_inference({"x": x})["y"]
        assert_within_tolerance(answer, np.asarray(model(tf.constant(x))["y"]))
        with pytest.raises(aios.InvalidArgumentError, match=r"float32\[4,3\]"):
            bridge.perform_inference({"x": x[:1]})
