"""Variables become constants wherever they are read."""

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.usefixtures("borrowed_engines")


def _normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


_X = tf.TensorSpec([None, 3], tf.float32, name="x")


class _Readers(tf.Module):
    """One signature for each way in which a graph may come by a variable's value."""

    def __init__(self):
        super().__init__()
        self.rows = tf.Variable(_normal(5, 3))
        self.limit = tf.Variable(3)
        self.scale = tf.Variable(2.5)
        self.square = tf.Variable(_normal(3, 3, seed=1))

    @tf.function(input_signature=[_X])
    def gather_in_a_loop(self, x):
        def body(i, x):
            return i + 1, x + tf.gather(self.rows, tf.fill(tf.shape(x)[:1], i))

        return tf.while_loop(lambda i, _: i < self.limit, body, (0, x))[1]

    @tf.function(input_signature=[_X])
    def gather_nd_in_a_loop(self, x):
        def body(i, x):
            return i + 1, x * tf.gather_nd(self.rows, [[i, 0], [0, i], [i, 2]])

        return tf.while_loop(lambda i, _: i < 3, body, (0, x))[1]

    @tf.function(input_signature=[_X])
    def gather_by_rows(self, x):
        index = tf.constant([[0, 1], [2, 0], [1, 1]])
        return x @ tf.raw_ops.ResourceGather(
            resource=self.square.handle, indices=index, dtype=tf.float32, batch_dims=1
        )

    @tf.function(input_signature=[_X])
    def branch(self, x):
        return tf.cond(self.limit > 2, lambda: x @ self.square, lambda: x * self.scale)

    @tf.function(input_signature=[_X])
    def case(self, x):
        branches = [lambda: x @ self.square, lambda: x + self.rows[0]]
        return tf.switch_case(self.limit - 2, branches)

    @tf.function(input_signature=[_X])
    def map_fn(self, x):
        return tf.map_fn(lambda row: tf.linalg.matvec(self.square, row) * self.scale, x)

    @tf.function(input_signature=[_X])
    def scan(self, x):
        return tf.scan(lambda state, row: state * self.scale + tf.gather(self.rows, 1) * row, x)

    @tf.function(input_signature=[_X])
    def loop_in_a_branch_of_a_loop(self, x):
        def inner(j, x):
            return j + 1, x + tf.gather(self.rows, j)

        def body(i, x):
            branch = tf.cond(i > 0, lambda: tf.while_loop(lambda j, _: j < 2, inner, (0, x))[1],
                             lambda: x @ self.square)  # fmt: skip
            return i + 1, branch

        return tf.while_loop(lambda i, _: i < self.limit, body, (0, x))[1]

    @tf.function(input_signature=[_X])
    def one_function_for_two_variables(self, x):
        return _rows_of(self.rows, x) + _rows_of(self.square, x)

    @tf.function(input_signature=[_X])
    def shape_of_a_variable(self, x):
        size = tf.raw_ops.VariableShape(input=self.rows.handle)
        return x * tf.cast(size[0], tf.float32)


@tf.function(reduce_retracing=True)
def _rows_of(variable, x):
    return tf.while_loop(
        lambda i, _: i < 2, lambda i, x: (i + 1, x * tf.gather(variable, i)), (0, x)
    )[1]


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    module = _Readers()
    path = tmp_path_factory.mktemp("readers") / "m.cell"
    aios.export(module, path, engines="tensorflow")
    with aios.load(path) as bridge:
        yield module, read_manifest(path), bridge


@pytest.mark.parametrize("name", [name for name in vars(_Readers) if not name.startswith("_")])
def test_a_variable_is_folded_in_wherever_it_is_read(readers, name):
    module, manifest, bridge = readers
    assert [g.path for g in manifest.artifacts[0].graphs if g.signature == name] == [
        f"tensorflow/{name}.pb"
    ]
    x = _normal(4, 3, seed=2)
    answers = bridge.perform_inference({"x": x}, signature=name)
    assert_within_tolerance(answers["output_0"], getattr(module, name)(tf.constant(x)).numpy())
