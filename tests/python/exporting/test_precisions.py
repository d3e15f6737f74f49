"""Artifacts in lower precisions: what is written, how far off it may be, what isn't trusted."""

from dataclasses import replace

import numpy as np
import pytest

import aios
from aios.bundle.manifest import Tolerance, hash_file, read_manifest
from aios.bundle.precision import TOLERANCES
from aios.exporting import engines, tflite
from aios.exporting.sources.keras_model import KerasSource

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
layers = keras.layers
LOWER = ("float16", "int8")


def _artifact(bundle, precision, engine="litert"):
    (found,) = [
        artifact
        for artifact in read_manifest(bundle).artifacts
        if (artifact.engine, artifact.precision) == (engine, precision)
    ]
    return found


def _identity(size=4):
    model = keras.Sequential([keras.Input((size,), name="x"), layers.Dense(size, use_bias=False)])
    model.layers[0].set_weights([np.eye(size, dtype=np.float32)])
    return model


def _wrong_weights(monkeypatch, tmp_path, weights):
    """Lets the int8 artifact be a float32 file with these weights."""

    def reduce(work, source, base, precision):
        other = KerasSource(keras.models.clone_model(source.model))
        other.model.set_weights(weights)
        other.save(tmp_path / "other")
        path = f"litert/{precision}/dynamic.tflite"
        (work / path).parent.mkdir()
        frozen = {item.name: other.frozen(item.name) for item in other.signatures}
        (work / path).write_bytes(tflite.convert(frozen, work))
        (graph,) = base.graphs
        return replace(
            base,
            precision=precision,
            files=(hash_file(work, path),),
            graphs=(replace(graph, path=path),),
        )

    monkeypatch.setitem(engines.REDUCERS, ("litert", "int8"), reduce)


@pytest.mark.parametrize("precision", LOWER)
def test_weights_are_stored_in_the_precision_and_the_file_is_smaller(lowered, precision):
    made, exact = _artifact(lowered.bundle, precision), _artifact(lowered.bundle, "float32")
    assert [graph.path for graph in made.graphs] == [f"litert/{precision}/dynamic.tflite"]
    assert made.composable
    kept = {
        artifact.precision: tflite.weight_dtypes(
            (lowered.bundle / artifact.graphs[0].path).read_bytes()
        )
        for artifact in (made, exact)
    }
    assert precision in kept[precision]
    assert precision not in kept["float32"]
    assert made.bytes < exact.bytes * (0.4 if precision == "int8" else 0.6)


@pytest.mark.parametrize("precision", LOWER)
def test_errors_are_between_float32s_and_the_tolerance(lowered, precision):
    made, exact = _artifact(lowered.bundle, precision), _artifact(lowered.bundle, "float32")
    assert (exact.verdict, made.verdict) == ("passed", "passed")
    assert made.tolerance == TOLERANCES[precision]
    assert made.golden_samples == 67  # the samples, zeros, denormals and negative zeros
    assert exact.golden_samples is None
    assert 0 < made.worst <= 1
    assert made.max_error > 10 * exact.max_error
    assert made.relative_error > 100 * exact.relative_error
    with aios.load(lowered.bundle, engine="litert", precision=precision) as bridge:
        answers = bridge.perform_inference(lowered.x)
    expected = np.asarray(lowered.model(lowered.x, training=False))
    error = np.abs(answers - expected)
    np.testing.assert_allclose(error.max(), made.max_error, rtol=1e-2)
    relative = np.median(error.max(axis=1) / np.abs(expected).max(axis=1))
    np.testing.assert_allclose(relative, made.relative_error, rtol=5e-2)
    agreement = (answers.argmax(1) == expected.argmax(1)).sum() + 3  # zeros and denormals agree
    assert made.top1_agreement == agreement / 67


def test_a_tolerance_is_of_float32_unless_it_names_others(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "MAKERS", {"litert": engines.MAKERS["litert"]})
    model = keras.Sequential([keras.Input((64,), name="x"), layers.Dense(32)])
    made = {}
    for name, tolerance in {"float32": 1e-3, "each": {"float32": 1e-2, "fp16": 0.5}}.items():
        report = aios.export(
            model, tmp_path / f"{name}.cell", tolerance=tolerance, precisions=("int8", "float16")
        )
        made[name] = {item.precision: item.tolerance for item in report.artifacts}
    own = {name: TOLERANCES[name] for name in ("float16", "int8")}
    assert made["float32"] == {**own, "float32": Tolerance(1e-3, 1e-3)}
    assert made["each"] == {
        "float32": Tolerance(1e-2, 1e-2),
        "float16": Tolerance(0.5, 0.5),
        "int8": TOLERANCES["int8"],
    }


def test_one_that_misses_its_tolerance_is_recorded_and_never_chosen(lowered, tmp_path):
    bundle = tmp_path / "m.cell"
    with pytest.warns(UserWarning, match=r"engine 'litert' failed in int8: .*tolerances away"):
        report = aios.export(
            lowered.model, bundle, samples=lowered.x, engines="litert", precisions="int8",
            tolerance={"int8": 1e-5},
        )  # fmt: skip
    assert report.declined == {}
    assert report.errors.keys() == {"litert"}
    failed = _artifact(bundle, "int8")
    assert failed.verdict == "failed"
    assert failed.worst > 1
    assert failed.max_error > 10 * report.errors["litert"]
    with aios.load(bundle, precision="fastest") as bridge:
        rows = {row.precision: row for row in bridge.explain()}
    assert rows["float32"].chosen
    assert not rows["int8"].chosen
    assert "tolerances away" in rows["int8"].reason
    with pytest.raises(aios.NotFoundError, match="litert int8: .*tolerances away"):
        aios.load(bundle, precision="int8")


def test_top1_agreement_counts_the_samples_whose_class_stays(tmp_path, monkeypatch):
    """Classes 0 and 1 change places: 2 of 4 samples agree, and 3 that are near 0, which tie."""
    swapped = np.eye(4, dtype=np.float32)[[1, 0, 2, 3]]
    _wrong_weights(monkeypatch, tmp_path, [swapped])
    with pytest.warns(UserWarning, match="in int8"):
        aios.export(
            _identity(), tmp_path / "m.cell", samples=np.eye(4, dtype=np.float32),
            engines="litert", precisions="int8",
        )  # fmt: skip
    failed = _artifact(tmp_path / "m.cell", "int8")
    assert failed.verdict == "failed"
    assert failed.top1_agreement == 5 / 7
    assert _artifact(tmp_path / "m.cell", "float32").top1_agreement == 1


def test_wrong_weights_are_found_and_never_chosen(lowered, tmp_path, monkeypatch):
    weights = lowered.model.get_weights()
    _wrong_weights(monkeypatch, tmp_path, [weights[0] * 1.5, *weights[1:]])
    with pytest.warns(UserWarning, match="in int8"):
        aios.export(
            lowered.model, tmp_path / "m.cell", samples=lowered.x, engines="litert",
            precisions="int8",
        )  # fmt: skip
    assert _artifact(tmp_path / "m.cell", "int8").worst > 1
    with aios.load(tmp_path / "m.cell", precision="fastest") as bridge:
        assert [row.precision for row in bridge.explain() if row.chosen] == ["float32"]


def test_what_can_not_be_made_is_declined_by_name(tmp_path):
    report = aios.export(
        _identity(), tmp_path / "m.cell", engines=("litert", "tensorflow"),
        precisions=("int8", "bfloat16"),
    )  # fmt: skip
    declined = {
        (item.engine, item.precision): item.reason
        for item in report.artifacts
        if item.verdict == "declined"
    }
    assert declined.keys() == {
        ("litert", "int8"),
        ("litert", "bfloat16"),
        ("tensorflow", "bfloat16"),
    }
    assert "1,024 elements" in declined["litert", "int8"]
    assert declined["litert", "bfloat16"] == "it has no bfloat16 artifacts, as openvino has"
    assert not (tmp_path / "m.cell" / "litert" / "int8").exists()
    assert report.errors.keys() == {"litert", "tensorflow"}
    assert any("declined in int8" in warning for warning in report.warnings)


def test_a_recurrent_model_gets_fixed_batches_in_int8_too(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6, 16), name="x"), layers.LSTM(32), layers.Dense(2)])
    aios.export(model, tmp_path / "m.cell", engines="litert", precisions="int8")
    made = _artifact(tmp_path / "m.cell", "int8")
    assert made.verdict == "passed"
    assert [(graph.path, graph.batch) for graph in made.graphs] == [
        ("litert/int8/b1.tflite", 1),
        ("litert/int8/b8.tflite", 8),
    ]
    x = np.random.default_rng(1).standard_normal((11, 6, 16)).astype(np.float32)
    with aios.load(tmp_path / "m.cell", precision="int8") as bridge:
        error = np.abs(bridge.perform_inference(x) - np.asarray(model(x, training=False))).max()
    assert 1e-6 < error < 0.02
