"""An export: what it reports, refuses, and leaves where it is refused."""

import warnings

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.bundle.manifest import read_manifest
from aios.exporting.sources.base import Source

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
pytestmark = pytest.mark.usefixtures("borrowed_engines")


def _mlp(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((6,), name="x"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(4),
        ]
    )


def test_the_report_and_the_manifest_say_the_same(tmp_path):
    report = aios.export(
        _mlp(), tmp_path / "m.cell", labels=list("abcd"), engines=("litert", "tensorflow")
    )
    assert [artifact.engine for artifact in report.artifacts] == ["litert", "tensorflow"]
    for artifact in report.artifacts:
        assert (artifact.verdict, artifact.precision) == ("passed", "float32")
        assert 0 <= artifact.max_error < 1e-4
        assert 0 <= artifact.worst <= 1
        assert report.errors[artifact.engine] == artifact.max_error
    assert report.declined == {}
    assert report.warnings == ()
    manifest = read_manifest(tmp_path / "m.cell")
    assert manifest.artifacts == report.artifacts
    assert manifest.labels == ("a", "b", "c", "d")
    assert manifest.provenance["versions"]["keras"] == keras.__version__


def test_several_inputs_and_outputs_keep_their_names(tmp_path):
    left = keras.Input((3,), name="zebra")
    right = keras.Input((2,), name="apple", dtype="int32")
    joined = keras.layers.Concatenate()([left, keras.layers.Embedding(2, 2)(right)[:, 0]])
    outputs = {"score": keras.layers.Dense(1)(joined), "kind": keras.layers.Dense(4)(joined)}
    model = keras.Model([left, right], outputs)
    aios.export(model, tmp_path / "m.cell")
    x = {
        "zebra": np.random.default_rng(1).standard_normal((5, 3)).astype(np.float32),
        "apple": np.array([[0, 1], [1, 0], [1, 1], [0, 0], [1, 0]], np.int32),
    }
    with aios.load(tmp_path / "m.cell") as bridge:
        assert [spec.name for spec in bridge.signature.inputs] == ["zebra", "apple"]
        answers = bridge.perform_inference(x)
        with pytest.raises(aios.InvalidArgumentError, match="pass a dict with 'zebra', 'apple'"):
            bridge.perform_inference(x["zebra"])
    expected = model([x["zebra"], x["apple"]])
    assert set(answers) == {"score", "kind"}
    for name, answer in answers.items():
        assert_within_tolerance(answer, np.asarray(expected[name]))


def test_the_gate_refuses_an_artifact_that_answers_differently(tmp_path, monkeypatch):
    from aios.exporting.sources.keras_model import KerasSource

    wrong = KerasSource(_mlp(seed=1))
    wrong.save(tmp_path / "wrong")
    monkeypatch.setattr(KerasSource, "frozen", lambda _, name: freeze(wrong, name))
    freeze = Source.frozen
    with pytest.raises(aios.FailedPreconditionError, match=r"litert failed: .*tolerances away"):
        aios.export(_mlp(), tmp_path / "m.cell", engines="litert")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wrong"]


def test_a_model_that_no_engine_takes_is_unsupported_and_leaves_nothing(tmp_path):
    inputs = keras.Input((3,), name="x", dtype="float64")
    model = keras.Model(inputs, keras.layers.Lambda(_erfinv, output_shape=(3,))(inputs))
    with pytest.raises(aios.UnsupportedError, match=r"litert declined: .*Erfinv"):
        aios.export(model, tmp_path / "m.cell", engines="litert", samples=np.full((2, 3), 0.5))
    assert list(tmp_path.iterdir()) == []


def _erfinv(x):
    import tensorflow as tf

    return tf.math.erfinv(tf.math.erfinv(x) * 0.1)


def test_a_tighter_tolerance_than_float32_can_meet_fails_the_gate(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((500,), name="x"), keras.layers.Dense(4)])
    with pytest.raises(aios.FailedPreconditionError, match="tolerances away"):
        aios.export(model, tmp_path / "m.cell", engines="litert", tolerance=1e-12)


def test_a_model_that_is_not_built_is_refused(tmp_path):
    unbuilt = keras.Sequential([keras.layers.Dense(3)])
    with pytest.raises(aios.InvalidArgumentError, match="isn't built"):
        aios.export(unbuilt, tmp_path / "m.cell")


def test_an_unknown_inner_size_needs_samples(tmp_path):
    inputs = keras.Input((None, 3), name="x")
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(inputs))
    with pytest.raises(aios.InvalidArgumentError, match="pass samples="):
        aios.export(model, tmp_path / "m.cell")
    x = np.random.default_rng(0).standard_normal((4, 5, 3)).astype(np.float32)
    aios.export(model, tmp_path / "m.cell", samples=x)
    with aios.load(tmp_path / "m.cell") as bridge:
        longer = np.random.default_rng(1).standard_normal((2, 9, 3)).astype(np.float32)
        assert_within_tolerance(bridge.perform_inference(longer), np.asarray(model(longer)))


def test_overwriting_needs_to_be_asked_for(tmp_path):
    aios.export(_mlp(seed=0), tmp_path / "m.cell")
    with pytest.raises(aios.FailedPreconditionError, match="overwrite=True"):
        aios.export(_mlp(seed=1), tmp_path / "m.cell")
    model = _mlp(seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        aios.export(model, tmp_path / "m.cell", overwrite=True)
    x = np.ones((2, 6), np.float32)
    with aios.load(tmp_path / "m.cell") as bridge:
        assert_within_tolerance(bridge.perform_inference(x), np.asarray(model(x)))


def test_an_engine_that_was_not_asked_for_is_not_made(tmp_path):
    report = aios.export(_mlp(), tmp_path / "m.cell", engines=["tensorflow"])
    assert [artifact.engine for artifact in report.artifacts] == ["tensorflow"]
    assert not (tmp_path / "m.cell" / "litert").exists()
