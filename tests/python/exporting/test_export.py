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


def test_golden_samples_have_edges_and_discriminate(tmp_path):
    from safetensors.numpy import load_file

    x = np.random.default_rng(0).standard_normal((10, 6)).astype(np.float32)
    report = aios.export(_mlp(), tmp_path / "m.cell", samples=x)
    tensors = load_file(tmp_path / "m.cell" / "golden.safetensors")
    inputs = tensors["serving_default/inputs/x"]
    assert inputs.shape == (23, 1, 6)
    np.testing.assert_array_equal(inputs[:10, 0], x)
    np.testing.assert_array_equal(inputs[10], 0 * inputs[10])
    assert 0 < inputs[11].max() < np.finfo(np.float32).tiny
    assert np.signbit(inputs[12]).all()
    np.testing.assert_allclose(inputs[13:17, 0], np.array([[10], [-10], [100], [-100]]) * x[0])
    assert inputs[17:, 0, 0].tolist() == list(map(np.float32, (-1, -9999, 1e9, -1e9, 1e30, -1e30)))
    np.testing.assert_array_equal(inputs[17:, 0, 1], x[0, 1].repeat(6))
    assert report.golden_samples == 23
    assert report.discrimination > 20


def test_a_model_that_answers_the_same_to_everything_is_warned_about(tmp_path):
    model = _mlp()
    model.layers[-1].set_weights([np.zeros((16, 4)), np.ones(4)])
    with pytest.warns(UserWarning, match="prove little"):
        report = aios.export(model, tmp_path / "m.cell")
    assert report.discrimination == 0


def test_samples_with_answers_that_are_not_finite_are_kept_apart_and_reported(tmp_path):
    from safetensors.numpy import load_file

    inputs = keras.Input((2,), name="x")
    model = keras.Model(inputs, keras.ops.log(inputs))
    x = np.array([[1, 2], [-1, 2], [3, 4]], np.float32)
    with pytest.warns(UserWarning, match="1 samples judge no accuracy"):
        report = aios.export(model, tmp_path / "m.cell", samples=x)
    # Rows 0 and 2, row 0 times 10 and 100, and with 1e9 and 1e30 in it.
    assert report.dropped_samples == 1
    assert report.golden_samples == 6
    golden = load_file(tmp_path / "m.cell" / "golden.safetensors")
    assert np.isfinite(golden["serving_default/outputs/output_0"]).all()
    probes = golden["serving_default/probe_outputs/output_0"]
    assert len(probes) == 1 + 3 + 2 + 4 + 3  # row 1, zeros, minus 10 and 100, the rest
    assert (~np.isfinite(probes)).any(axis=(1, 2)).all()
    for artifact in report.artifacts:
        assert artifact.probes == len(probes)
        assert artifact.propagated > len(probes) / 2


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": np.zeros((4, 5), np.float32)}, r"input 'x': expected float32\[N,6\]"),
        ({"samples": np.zeros((0, 6), np.float32)}, "1 or more"),
        ({"samples": {"y": np.zeros((4, 6))}}, r"expected a dict with \['x'\]"),
        ({"samples": np.zeros((4, 6), np.complex64)}, "got complex64"),
        ({"engines": "abacus"}, "'abacus'"),
        ({"engines": ()}, "got none"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"tolerance": "tight"}, "expected a number as 1e-4"),
        ({"precisions": ()}, "got none"),
        ({"precisions": "int4"}, "expected any of float32, float16, bfloat16, int8, got 'int4'"),
        ({"tolerance": {"int8": 0.1}}, "any of float32, which are made, got one for int8"),
        ({"tolerance": {"int4": 0.1}}, "tolerance: expected any of float32"),
        ({"labels": "abcd"}, "expected a list of class names"),
        ({"labels": ["a", "b"]}, "has 4 classes, got 2 labels"),
    ],
)
def test_bad_arguments_are_refused_and_nothing_is_left(tmp_path, options, message):
    with pytest.raises(aios.InvalidArgumentError, match=message):
        aios.export(_mlp(), tmp_path / "m.cell", **options)
    assert list(tmp_path.iterdir()) == []


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


def test_the_provenance_tells_models_and_samples_apart(tmp_path):
    x = np.random.default_rng(0).standard_normal((10, 6)).astype(np.float32)
    written = {}
    for name, seed, samples in (
        ("a", 0, x),
        ("again", 0, x),
        ("other model", 1, x),
        ("other samples", 0, x + 1),
    ):
        keras.utils.clear_session()  # Layers get the same names again.
        model = _mlp(seed)
        aios.export(model, tmp_path / "m.cell", samples=samples, engines="litert", overwrite=True)
        written[name] = read_manifest(tmp_path / "m.cell").provenance
    models = {name: entry["model"]["sha256"] for name, entry in written.items()}
    data = {name: entry["data_sha256"] for name, entry in written.items()}
    assert written["a"]["model"]["kind"] == "keras"
    assert written["a"]["aios"] == aios.__version__
    assert data["a"] == data["again"] == data["other model"] != data["other samples"]
    assert models["a"] == models["other samples"] != models["other model"]
