"""SavedModels that a TensorFlow 1 session wrote: a graph, its variables, and several signatures."""

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.bundle.manifest import read_manifest

tf = pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")
v1 = tf.compat.v1
pytestmark = pytest.mark.usefixtures("borrowed_engines")

_WEIGHTS = np.random.default_rng(0).standard_normal((6, 8)).astype(np.float32)
_MEAN = np.random.default_rng(1).standard_normal(8).astype(np.float32)
_GAINS = {b"low": 0.5, b"high": 3.0}


def _write(path):
    """Variables of both kinds, dropout that is fed, a table, inputs in an order of their own."""
    with tf.Graph().as_default(), v1.Session() as session:
        images = v1.placeholder(tf.float32, [None, 6], name="Placeholder")
        word = v1.placeholder(tf.string, [None], name="a_word")
        bias = v1.placeholder(tf.float32, [None, 1], name="zzz")
        keep = v1.placeholder_with_default(1.0, [], name="keep")
        weights = v1.get_variable("weights", initializer=_WEIGHTS, use_resource=False)
        mean = v1.get_variable("mean", initializer=_MEAN, use_resource=True)
        hidden = v1.nn.dropout(tf.nn.relu(images @ weights - mean), rate=1 - keep)
        entries = tf.lookup.KeyValueTensorInitializer(list(_GAINS), list(_GAINS.values()))
        table = v1.lookup.StaticHashTable(entries, 1.0)
        scaled = hidden * table.lookup(word)[:, None] - bias
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        builder = v1.saved_model.Builder(str(path))
        predict = v1.saved_model.predict_signature_def
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {
                "serving_default": predict({"images": images}, {"scores": hidden, "in": images}),
                "scaled": predict({"z": images, "word": word, "bias": bias}, {"y": scaled}),
            },
            main_op=v1.tables_initializer(),
        )
        builder.save()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tensorflow1")
    _write(folder / "saved")
    aios.export(folder / "saved", folder / "m.cell", engines="tensorflow")
    with aios.load(folder / "m.cell", verify="full") as bridge:
        yield read_manifest(folder / "m.cell"), bridge


def _inputs():
    rng = np.random.default_rng(2)
    return rng.standard_normal((3, 6)).astype(np.float32), rng.random((3, 1), np.float32)


def test_every_signature_keeps_its_names_and_shapes(exported):
    manifest, _ = exported
    assert {
        signature.name: [(spec.name, spec.dtype, spec.shape) for spec in signature.inputs]
        for signature in manifest.signatures
    } == {
        "serving_default": [("images", "float32", (-1, 6))],
        "scaled": [("bias", "float32", (-1, 1)), ("word", "string", (-1,)),
                   ("z", "float32", (-1, 6))],
    }  # fmt: skip
    assert [spec.name for spec in manifest.signatures[0].outputs] == ["in", "scores"]
    assert manifest.provenance["model"]["kind"] == "saved_model"


def test_variables_of_both_kinds_and_a_default_of_a_placeholder_are_folded_in(exported):
    manifest, bridge = exported
    assert manifest.artifacts[0].graphs[0].path == "tensorflow/serving_default.pb"
    images, _ = _inputs()
    answers = bridge.perform_inference({"images": images})
    np.testing.assert_array_equal(answers["in"], images)
    assert_within_tolerance(answers["scores"], np.maximum(images @ _WEIGHTS - _MEAN, 0))


def test_a_table_of_a_session_is_filled_again(exported):
    _, bridge = exported
    images, bias = _inputs()
    words = np.array([b"low", b"high", b"other"], object)
    answers = bridge.perform_inference(
        {"z": images, "word": words, "bias": bias}, signature="scaled"
    )
    gains = np.array([[0.5], [3.0], [1.0]], np.float32)
    expected = np.maximum(images @ _WEIGHTS - _MEAN, 0) * gains - bias
    assert_within_tolerance(answers["y"], expected)


def test_what_simple_save_wrote_runs_on_other_engines(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 6])
        weights = v1.get_variable("w", initializer=_WEIGHTS, use_resource=False)
        logits = x @ weights
        session.run(v1.global_variables_initializer())
        outputs = {"scores": tf.nn.softmax(logits), "logits": logits}
        v1.saved_model.simple_save(session, str(tmp_path / "saved"), {"images": x}, outputs)
    report = aios.export(tmp_path / "saved", tmp_path / "m.cell")
    assert report.errors.keys() == {"litert", "tensorflow"}
    images, _ = _inputs()
    # The directory itself too: the single-threaded executor can't load reference variables.
    for path, engine in ((tmp_path / "m.cell", "litert"), (tmp_path / "saved", "tensorflow")):
        with aios.load(path, engine=engine) as bridge:
            answers = bridge.perform_inference({"images": images})
        assert_within_tolerance(answers["logits"], images @ _WEIGHTS)
