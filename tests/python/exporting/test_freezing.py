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
