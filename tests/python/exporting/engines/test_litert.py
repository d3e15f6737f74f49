"""Files of the litert engine: one for any batch, or several, and what is declined."""

import numpy as np
import pytest
from exported import artifact_of, module_of, normal
from tolerance import assert_within_tolerance

import aios
from aios.bridge.isolation import may_isolate
from aios.exporting import tflite
from aios.exporting.engines import litert
from aios.proving.in_process import InProcessProver
from aios.proving.isolated import IsolatedProver

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


def test_a_dense_model_gets_one_dynamic_tflite_and_one_frozen_graph(tmp_path):
    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3)])
    aios.export(model, tmp_path / "m.cell")
    lite, full = (artifact_of(tmp_path / "m.cell", engine) for engine in ("litert", "tensorflow"))
    assert [(graph.path, graph.batch) for graph in lite.graphs] == [("litert/dynamic.tflite", -1)]
    assert lite.composable
    (graph,) = full.graphs
    assert (graph.path, graph.batch, graph.signature) == (
        "tensorflow/serving_default.pb",
        -1,
        "serving_default",
    )
    assert [file.path for file in full.files] == [graph.path]


def test_a_recurrent_model_gets_batches_1_and_8_that_any_batch_is_composed_of(tmp_path):
    model = keras.Sequential([keras.Input((6, 4), name="x"), layers.LSTM(5), layers.Dense(2)])
    aios.export(model, tmp_path / "m.cell")
    artifact = artifact_of(tmp_path / "m.cell", "litert")
    assert [(graph.path, graph.batch) for graph in artifact.graphs] == [
        ("litert/b1.tflite", 1),
        ("litert/b8.tflite", 8),
    ]
    assert artifact.composable
    for graph in artifact.graphs:
        content = (tmp_path / "m.cell" / graph.path).read_bytes()
        assert "WHILE" in tflite.operators(content)
        x = normal(graph.batch, 6, 4)
        path = tmp_path / "m.cell" / graph.path
        answer = InProcessProver().interpret(path, "serving_default", {"x": x})["output_0"]
        assert_within_tolerance(answer, np.asarray(model(x)))


def test_a_dynamic_file_that_is_wrong_in_batches_gives_way_to_fixed_ones(tmp_path, monkeypatch):
    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3)])
    prover = IsolatedProver if may_isolate() else InProcessProver
    run = prover.interpret

    def wrong_at_batch_3(self, model, signature, inputs):
        answers = run(self, model, signature, inputs)
        return {k: v + 1 if len(v) == litert._PROBED_BATCH else v for k, v in answers.items()}

    monkeypatch.setattr(prover, "interpret", wrong_at_batch_3)
    aios.export(model, tmp_path / "m.cell")
    assert [graph.batch for graph in artifact_of(tmp_path / "m.cell", "litert").graphs] == [1, 8]
    with aios.load(tmp_path / "m.cell", engine="litert") as bridge:
        x = normal(11, 4)
        assert_within_tolerance(bridge.perform_inference(x), np.asarray(model(x)))


def test_operators_that_litert_lacks_are_named(tmp_path):
    module = module_of(lambda _, x: tf.math.erfinv(tf.tanh(x) * 0.5))
    report = aios.export(module, tmp_path / "m.cell")
    assert "Erfinv" in report.declined["litert"]
    assert report.errors.keys() == {"tensorflow"}
    assert "engine 'litert' declined" in report.warnings[0]
