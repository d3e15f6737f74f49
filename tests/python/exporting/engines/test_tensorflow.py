"""Frozen graphs and SavedModels of the tensorflow engine."""

import numpy as np
import pytest
from exported import artifact_of, module_of, normal, writes_state
from tolerance import assert_within_tolerance

import aios
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


def test_the_frozen_graph_answers_in_tensorflow_by_the_manifests_names(tmp_path):
    left, right = keras.Input((4,), name="zebra"), keras.Input((4,), name="apple")
    outputs = {"score": layers.Dense(1)(left), "kind": layers.Dense(2)(right)}
    model = keras.Model([left, right], outputs)
    aios.export(model, tmp_path / "m.cell")
    (graph,) = artifact_of(tmp_path / "m.cell", "tensorflow").graphs
    definition = tf.compat.v1.GraphDef.FromString((tmp_path / "m.cell" / graph.path).read_bytes())
    assert not any("Variable" in node.op for node in definition.node)
    inputs = {"zebra": normal(5, 4), "apple": normal(5, 4) + 1}
    with tf.Graph().as_default() as imported:
        tf.graph_util.import_graph_def(definition, name="")
        with tf.compat.v1.Session(graph=imported) as session:
            fed = {graph.inputs[name]: value for name, value in inputs.items()}
            answers = session.run(dict(graph.outputs), fed)
    expected = model([inputs["zebra"], inputs["apple"]])
    assert set(answers) == {"score", "kind"}
    for name, answer in answers.items():
        assert_within_tolerance(answer, np.asarray(expected[name]))


def test_what_cannot_be_frozen_runs_from_the_saved_model(tmp_path):
    module = module_of(writes_state)
    report = aios.export(module, tmp_path / "m.cell")
    assert "AssignVariableOp" in report.declined["litert"]
    artifact = artifact_of(tmp_path / "m.cell", "tensorflow")
    assert artifact.verdict == "passed"
    (graph,) = artifact.graphs
    assert graph.path == "saved_model"
    assert set(graph.inputs) == {"x"}
    assert set(graph.outputs) == {"output_0"}
    files = {file.path for file in artifact.files}
    assert "saved_model/saved_model.pb" in files
    assert not files & {file.path for file in read_manifest(tmp_path / "m.cell").files}
    x = normal(5, 3)
    with aios.load(tmp_path / "m.cell") as bridge:
        assert_within_tolerance(bridge.perform_inference(x), np.asarray(module(x)))


def test_a_python_callback_is_declined_by_every_engine(tmp_path):
    module = module_of(
        lambda _, x: tf.ensure_shape(tf.numpy_function(lambda v: v * 2, [x], tf.float32), [None, 3])
    )
    with pytest.raises(aios.UnsupportedError, match=r"tensorflow declined: .*Py[Ff]unc"):
        aios.export(module, tmp_path / "m.cell")
    assert list(tmp_path.iterdir()) == []
