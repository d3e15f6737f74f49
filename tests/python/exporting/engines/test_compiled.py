"""What an export does with the compiled engine's faster, less exact algorithms."""

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.bundle.manifest import read_manifest
from aios.exporting import tflite

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
pytest.importorskip("tensorflow")
layers = keras.layers


def _export(path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((128,), name="x"), layers.Dense(128, "relu"), layers.Dense(3)]
    )
    aios.export(model, path, engines="compiled")
    return model, next(a for a in read_manifest(path).artifacts if a.target == "native")


def test_a_dense_net_has_code_for_many_samples(tmp_path):
    model, artifact = _export(tmp_path / "m.cell")
    assert artifact.verdict == "passed"
    assert artifact.batches == (1, 8, 32)
    assert "strassen<" in (tmp_path / "m.cell/compiled/native/model.cc").read_text()
    x = np.random.default_rng(1).standard_normal((43, 128)).astype(np.float32)
    with aios.load(tmp_path / "m.cell", engine="compiled") as bridge:
        assert_within_tolerance(bridge.perform_inference(x), np.asarray(model(x)))


def test_a_large_error_is_met_with_exact_products(tmp_path, monkeypatch):
    monkeypatch.setattr("aios.exporting.judging.COMFORTABLE", 0.0)
    _, artifact = _export(tmp_path / "m.cell")
    assert artifact.verdict == "passed"
    assert artifact.batches == (1, 8)
    assert "strassen<" not in (tmp_path / "m.cell/compiled/native/model.cc").read_text()


def test_an_answer_that_is_wrong_only_for_many_samples_fails(tmp_path, monkeypatch):
    from aios.exporting.sources.keras_model import KerasSource

    real = KerasSource.answers

    def shifted(self, signature, inputs):
        answers = real(self, signature, inputs)
        many = len(next(iter(inputs.values()))) > 32
        return {name: value + many for name, value in answers.items()}

    monkeypatch.setattr(KerasSource, "answers", shifted)
    with pytest.raises(aios.FailedPreconditionError, match="a batch of 43"):
        _export(tmp_path / "m.cell")


def test_no_graph_is_converted_twice_in_an_export(tmp_path, monkeypatch):
    converted, convert = [], tflite.convert

    def counting(signatures, scratch, batch=None, *rest, **options):
        converted.append(batch)
        return convert(signatures, scratch, batch, *rest, **options)

    monkeypatch.setattr(tflite, "convert", counting)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6, 4), name="x"), layers.LSTM(2), layers.Dense(2)])
    report = aios.export(model, tmp_path / "m.cell", engines=("compiled", "litert"))
    lite = next(a for a in report.artifacts if a.engine == "litert")
    assert [graph.batch for graph in lite.graphs] == [1, 8]
    assert sorted(converted, key=str) == [1, 8, None]
