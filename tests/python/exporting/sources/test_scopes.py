"""Names that TensorFlow can't save are refused, and what to do about them is said."""

import pytest

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


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
