"""Names of operations, while a model is saved and after."""

import numpy as np
import pytest

import aios

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


def test_two_inputs_of_one_name_and_a_layer_that_tensorflow_cannot_save_are_refused(tmp_path):
    class Twice(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x y")] * 2)
        def __call__(self, a, b):
            return a + b

    with pytest.raises(aios.InvalidArgumentError, match="two inputs of the model are called 'x y'"):
        aios.export(Twice(), tmp_path / "m.cell")
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2, name="ratio 3:1")])
    with pytest.raises(aios.UnsupportedError, match="ratio 3:1/kernel' has a ':'.*rename"):
        aios.export(model, tmp_path / "m.cell")


def test_scopes_are_as_tensorflow_has_them_after_an_export(table):
    with tf.Graph().as_default(), pytest.raises(ValueError, match="not a valid"):
        tf.Graph.name_scope(tf.compat.v1.get_default_graph(), "a b").__enter__()
