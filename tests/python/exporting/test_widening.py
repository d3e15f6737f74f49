"""Models of mixed precision: converters see float32, and callers the dtypes of the model."""

import numpy as np
import pytest

from aios.exporting.freezing import freeze
from aios.exporting.graphs import float_types
from aios.exporting.widening import widened

tf = pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")


class Mixed(tf.Module):
    """Narrow weights, a narrow loop that calls a function, and outputs of both kinds."""

    def __init__(self, dtype):
        self.weights = tf.Variable(tf.cast(np.random.default_rng(0).normal(size=(6, 6)) / 3, dtype))

    @tf.function
    def step(self, x):
        return tf.nn.tanh(x @ self.weights) + tf.constant(0.25, x.dtype)

    @tf.function
    def answer(self, x):
        steps = tf.while_loop(
            lambda y: tf.reduce_max(y) < 4,
            lambda y: (self.step(y) + 1,),
            (x,),
            maximum_iterations=3,
        )
        return {"narrow": steps[0], "wide": tf.reduce_sum(tf.cast(steps[0], tf.float32), -1)}


def _frozen(module, dtype, path):
    signature = module.answer.get_concrete_function(x=tf.TensorSpec([None, 6], dtype, name="x"))
    tf.saved_model.save(module, path, signatures=signature)
    loaded = tf.saved_model.load(path)
    return freeze(loaded.signatures["serving_default"])


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_the_same_operators_answer_in_float32(name, tmp_path):
    dtype = tf.as_dtype(name)
    module = Mixed(dtype)
    frozen = _frozen(module, dtype, tmp_path)
    wide = widened(frozen)
    assert float_types(frozen.graph_def) == {name, "float32"}
    x = tf.cast(np.random.default_rng(1).standard_normal((8, 6)), dtype)
    exact = Mixed(tf.float32)
    exact.weights.assign(tf.cast(module.weights, tf.float32))

    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.graph_util.import_graph_def(wide.graph_def, name="")
        answers = session.run(wide.outputs, {wide.inputs["x"]: x.numpy()})
    assert answers["narrow"].dtype == dtype
    expected = exact.answer(tf.cast(x, tf.float32))
    np.testing.assert_array_equal(answers["wide"], expected["wide"])
    np.testing.assert_array_equal(answers["narrow"], tf.cast(expected["narrow"], dtype))


def test_a_float32_graph_is_left_as_it_is(tmp_path):
    frozen = _frozen(Mixed(tf.float32), tf.float32, tmp_path)
    assert widened(frozen) is frozen
