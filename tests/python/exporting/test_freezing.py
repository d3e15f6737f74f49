"""What a model keeps outside its graph, variables and tables, is in the frozen graph's answers."""

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


class _Server(tf.Module):
    """The usual wrapper around Keras models: bytes or words in, tables on the way."""

    def __init__(self, folder):
        super().__init__()
        self.left, self.right = _net(1), _net(2)
        words = tf.lookup.KeyValueTensorInitializer(["cat", "dog"], tf.constant([2.0, -1.0]))
        self.gains = tf.lookup.StaticHashTable(words, 0.5)
        vocabulary = folder / "cities.txt"
        vocabulary.write_text("Zürich\nBern\n")
        self.places = tf.lookup.StaticVocabularyTable(
            tf.lookup.TextFileInitializer(
                str(vocabulary),
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            num_oov_buckets=2,
        )

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 4], tf.float32, name="x"),
            tf.TensorSpec([None], tf.string, name="word"),
        ]
    )
    def __call__(self, x, word):
        gain = tf.map_fn(self.gains.lookup, tf.strings.lower(word), fn_output_signature=tf.float32)[
            :, None
        ]
        place = tf.cast(self.places.lookup(word), tf.float32)[:, None]
        return self.left(x, training=False) * gain + self.right(x, training=False) * place


def _net(seed):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="tanh")])


def test_a_module_of_keras_models_and_tables_runs_without_what_it_was_made_from(tmp_path):
    module = _Server(tmp_path)
    words = np.array([b"Cat", b"dog", b"Bern", "Zürich".encode(), b"else", b"other"], object)
    inputs = {"x": _normal(6, 4), "word": words}
    expected = module(tf.constant(inputs["x"]), tf.constant(list(words))).numpy()
    assert len({tuple(row) for row in expected}) == 6
    report = aios.export(module, tmp_path / "m.cell", samples=inputs)
    assert report.errors.keys() == {"tensorflow"}
    assert "strings" in report.declined["litert"]
    (tmp_path / "cities.txt").unlink()
    (tmp_path / "m.cell").rename(tmp_path / "moved.cell")
    with aios.load(tmp_path / "moved.cell", verify="full") as bridge:
        assert_within_tolerance(bridge.perform_inference(inputs)["output_0"], expected)


def test_what_fills_no_constant_runs_from_the_saved_model(tmp_path):
    """A table of vectors has no static form, so that the graph isn't frozen."""

    class Vectors(tf.Module):
        def __init__(self):
            super().__init__()
            self.table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, [0.0, 1.0])
            self.table.insert(tf.constant([3], tf.int64), [[5.0, 7.0]])

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="id")])
        def __call__(self, id):
            return tf.ensure_shape(self.table.lookup(id), [None, 2])

    ids = np.array([3, 4], np.int64)
    aios.export(Vectors(), tmp_path / "m.cell", samples=ids, engines="tensorflow")
    (artifact,) = read_manifest(tmp_path / "m.cell").artifacts
    assert artifact.graphs[0].path == "saved_model"
    with aios.load(tmp_path / "m.cell") as bridge:
        np.testing.assert_array_equal(bridge.perform_inference(ids), [[5, 7], [0, 1]])


_LIMITS = np.iinfo(np.int64)
_TABLES = {
    "near one another": (
        [3, 5, 9],
        [1.5, -2.0, 4.0],
        [2, 3, 4, 5, 9, 10, _LIMITS.min, _LIMITS.max],
    ),
    "far apart": (
        [-(10**12), 0, 7, 10**15],
        [1, 2, 3, 4],
        [0, 7, 8, -(10**12), 10**15, 10**15 + 1],
    ),
    "at the ends": ([_LIMITS.min, _LIMITS.max], [1, 2], [_LIMITS.min, _LIMITS.max, 0, -1]),
}


@pytest.mark.parametrize("kind", _TABLES)
def test_integers_are_looked_up_by_arithmetic(tmp_path, kind):
    keys, values, asked = _TABLES[kind]
    values = tf.constant(values)
    entries = tf.lookup.KeyValueTensorInitializer(tf.constant(keys, tf.int64), values)
    table = tf.lookup.StaticHashTable(entries, tf.cast(77, values.dtype))

    class Lookup(tf.Module):
        def __init__(self):
            super().__init__()
            self.table = table

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.int64, name="code")])
        def __call__(self, code):
            return self.table.lookup(code)

    codes = np.array(asked, np.int64).reshape(-1, 2)
    report = aios.export(Lookup(), tmp_path / "m.cell", samples=codes)
    assert report.errors.keys() == {"litert", "tensorflow"}
    (graph,) = read_manifest(tmp_path / "m.cell").artifacts[-1].graphs
    assert graph.path == "tensorflow/serving_default.pb"
    for engine in report.errors:
        with aios.load(tmp_path / "m.cell", engine=engine) as bridge:
            np.testing.assert_array_equal(
                bridge.perform_inference(codes), table.lookup(tf.constant(codes))
            )
