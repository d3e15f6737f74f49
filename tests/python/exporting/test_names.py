"""Tensors and layers may have any name: users' columns do."""

import numpy as np
import pytest
from cores import pure_python
from tolerance import assert_within_tolerance

import aios
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")
COLUMNS = ("sepal length (cm)", "Größe", "1st", "x y", "x_y", "X Y", "[unit]", "class", "a'b\"\\c")
SCORES = ("p(yes)", "模型/score")


def _inputs(names=COLUMNS):
    rng = np.random.default_rng(3)
    return {name: rng.standard_normal((5, 2)).astype(np.float32) for name in names}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    inputs = {name: keras.Input((2,), name=name) for name in COLUMNS}
    scaled = [layers.Dense(2, name=f"of {name}")(inputs[name]) for name in COLUMNS]
    joined = layers.Concatenate(name="-joined-")(scaled)
    model = keras.Model(inputs, {name: layers.Dense(2)(joined) for name in SCORES})
    path = tmp_path_factory.mktemp("columns") / "m.cell"
    report = aios.export(model, path, samples=_inputs(), engines=("litert", "tensorflow"))
    return model, path, report


def test_a_signature_has_the_users_own_names(table):
    _, path, report = table
    (signature,) = read_manifest(path).signatures
    assert tuple(spec.name for spec in signature.inputs) == COLUMNS
    assert tuple(spec.name for spec in signature.outputs) == SCORES
    assert report.errors.keys() == {"litert", "tensorflow"}


@pytest.mark.parametrize("engine", ["litert", "tensorflow"])
def test_every_engine_answers_by_the_users_own_names(table, engine):
    model, path, _ = table
    inputs = _inputs()
    expected = model({name: tf.constant(array) for name, array in inputs.items()})
    with aios.load(path, engine=engine, verify="full") as bridge:
        answers = bridge.perform_inference(inputs)
    assert set(answers) == set(SCORES)
    for name in SCORES:
        assert_within_tolerance(answers[name], expected[name].numpy())


class _Counting(tf.Module):
    """Can't be frozen: it counts its calls."""

    def __init__(self):
        super().__init__()
        self.calls = tf.Variable(0)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 2], tf.float32, name="z (m/s)"),
            tf.TensorSpec([None, 2], tf.float32, name="a b"),
        ]
    )
    def __call__(self, first, second):
        self.calls.assign_add(1)
        return {"y 1": first * 2 - second}


def test_a_saved_model_is_asked_by_the_users_own_names_too(tmp_path):
    aios.export(_Counting(), tmp_path / "m.cell", engines="tensorflow")
    assert read_manifest(tmp_path / "m.cell").artifacts[0].graphs[0].path == "saved_model"
    inputs = _inputs(("z (m/s)", "a b"))
    expected = inputs["z (m/s)"] * 2 - inputs["a b"]
    pure = pure_python().load(tmp_path / "m.cell", engine="tensorflow", verify="full")
    assert_within_tolerance(pure.perform_inference(inputs)["y 1"], expected)
    with aios.load(tmp_path / "m.cell") as bridge:
        assert [spec.name for spec in bridge.signature.inputs] == ["z (m/s)", "a b"]
        assert_within_tolerance(bridge.perform_inference(inputs)["y 1"], expected)


def test_scopes_are_as_tensorflow_has_them_after_an_export(table):
    with tf.Graph().as_default(), pytest.raises(ValueError, match="not a valid"):
        tf.Graph.name_scope(tf.compat.v1.get_default_graph(), "a b").__enter__()
