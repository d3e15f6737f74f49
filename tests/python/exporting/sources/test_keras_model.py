"""Keras models of every kind give their own answers from C++."""

import numpy as np
import pytest
from exported import assert_answers, normal

import aios
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


class Pair(keras.Model):
    """Takes a dict of two."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, inputs):
        return {"sum": self.dense(inputs["b"]) + self.dense(inputs["a"]), "a": inputs["a"] * 2}


class TwoArguments(keras.Model):
    def __init__(self):
        super().__init__()
        self.embedding = layers.Embedding(5, 4)
        self.dense = layers.Dense(3)

    def call(self, features, ids=None, training=False):
        return self.dense(features + self.embedding(ids))


def test_a_subclassed_model_with_a_dict_of_inputs(tmp_path):
    model = Pair()
    inputs = {"b": normal(5, 4), "a": normal(5, 4) + 1}
    expected = model(inputs)
    aios.export(model, tmp_path / "m.cell")
    assert_answers(tmp_path / "m.cell", inputs, expected)


def test_a_subclassed_model_with_several_arguments_and_dtypes(tmp_path):
    model = TwoArguments()
    inputs = {"features": normal(5, 4), "ids": np.arange(5, dtype=np.int32)}
    expected = model(inputs["features"], ids=inputs["ids"])
    aios.export(model, tmp_path / "m.cell", samples=inputs)
    (signature,) = read_manifest(tmp_path / "m.cell").signatures
    assert [(spec.name, spec.dtype) for spec in signature.inputs] == [
        ("features", "float32"),
        ("ids", "int32"),
    ]
    assert_answers(tmp_path / "m.cell", inputs, {"output_0": expected})


def test_a_subclassed_model_that_was_never_called_is_refused(tmp_path):
    with pytest.raises(aios.InvalidArgumentError, match="call it once"):
        aios.export(Pair(), tmp_path / "m.cell")


@keras.saving.register_keras_serializable("aios_tests")
class _Scale(layers.Layer):
    def call(self, x):
        return x * 3


def test_a_compiled_model_with_custom_objects_and_its_keras_file(tmp_path):
    @keras.saving.register_keras_serializable("aios_tests")
    def own_loss(y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred))

    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3), _Scale()])
    model.compile(optimizer="adam", loss=own_loss, metrics=["mae"])
    model.fit(normal(8, 4), normal(8, 3), verbose=0)
    x = normal(7, 4)
    expected = {"output_0": model(x)}
    aios.export(model, tmp_path / "object.cell")
    model.save(tmp_path / "model.keras")
    aios.export(tmp_path / "model.keras", tmp_path / "file.cell")
    for name in ("object.cell", "file.cell"):
        assert_answers(tmp_path / name, x, expected)
    kinds = [read_manifest(tmp_path / n).provenance["model"] for n in ("object.cell", "file.cell")]
    assert kinds[0]["kind"] == kinds[1]["kind"] == "keras"
