"""Strings and their layout on disk."""

import numpy as np
import pytest

import aios
from aios.bundle.golden import unpack_strings
from aios.bundle.manifest import read_manifest
from aios.exporting import strings

tf = pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")
pytestmark = pytest.mark.usefixtures("borrowed_engines")


def test_strings_read_back_as_they_were_packed():
    words = np.array([[[b"", b"a\0b"]], [["Zürich".encode(), b"x" * 300]]], dtype=object)
    tensors = strings.pack("s/inputs/w", words)
    assert tensors["s/inputs/w#bytes"].dtype == np.uint8
    assert tensors["s/inputs/w#offsets"].dtype == np.int64
    assert tensors["s/inputs/w#offsets"].shape == (2, 1, 2, 2)
    np.testing.assert_array_equal(
        tensors["s/inputs/w#offsets"].reshape(-1, 2), [[0, 0], [0, 3], [3, 10], [10, 310]]
    )
    np.testing.assert_array_equal(unpack_strings("s/inputs/w", tensors), words)


def _lookup():
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    words = keras.Input((2,), dtype="string", name="words")
    ids = keras.layers.StringLookup(vocabulary=["cat", "dog", "Zürich"])(words)
    return keras.Model(words, keras.layers.Dense(3)(keras.layers.Embedding(4, 5)(ids)))


def test_string_models_run_on_tensorflow_only_and_draw_from_their_vocabulary(tmp_path):
    from safetensors.numpy import load_file

    model = _lookup()
    report = aios.export(model, tmp_path / "m.cell")
    assert report.errors.keys() == {"tensorflow"}
    assert "'words' is of strings" in report.declined["litert"]
    assert report.discrimination > 20
    manifest = read_manifest(tmp_path / "m.cell")
    assert manifest.signatures[0].inputs[0].dtype == "string"
    (graph,) = manifest.artifacts[-1].graphs
    assert graph.path == "tensorflow/serving_default"
    golden = load_file(tmp_path / "m.cell" / "golden.safetensors")
    kept = unpack_strings("serving_default/inputs/words", golden)
    assert kept.shape[1:] == (1, 2)
    assert {b"cat", b"dog", "Zürich".encode()} <= set(kept.reshape(-1))
    expected = np.asarray(model(tf.constant(kept[:, 0])))
    np.testing.assert_allclose(
        golden["serving_default/outputs/output_0"][:, 0], expected, atol=1e-6
    )
