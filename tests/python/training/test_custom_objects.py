"""Layers, optimizers and files of the user's own."""

import numpy as np
import pytest
from blobs import blobs, new_cell

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")


class Doubled(keras.layers.Layer):
    def call(self, x):
        return x * 2


class Careful(keras.optimizers.SGD):
    pass


@pytest.fixture
def saved(tmp_path):
    model = keras.Sequential([keras.Input((5,), name="x"), Doubled(), keras.layers.Dense(3)])
    model.save(tmp_path / "m.keras")
    return tmp_path / "m.keras", model


def test_a_file_with_a_custom_layer_trains_and_exports(saved, tmp_path):
    path, model = saved
    x, y = blobs()
    cell = new_cell(learning_rate=0.05)
    cell.use_model(path, custom_objects={"Doubled": Doubled})
    np.testing.assert_array_equal(np.asarray(cell.model(x)), np.asarray(model(x)))
    assert cell.train(x, y).metrics["accuracy"] > 0.9
    report = cell.export_for_cpp_inference(tmp_path / "m.cell", engines="litert")
    assert report.errors


def test_an_optimizer_of_ones_own_is_found_by_name():
    x, y = blobs()
    cell = aios.TensorFlowTrainingCell(
        aios.TrainingConfig(epochs=1, optimizer="Careful", learning_rate=0.125),
        custom_objects={"Careful": Careful},
    )
    cell.create_model((5,), 3)
    cell.train(x, y)
    assert type(cell.model.optimizer) is Careful
    assert float(cell.model.optimizer.learning_rate) == 0.125


def test_files_that_cannot_be_used_are_refused(saved, tmp_path):
    path, _ = saved
    cell = new_cell()
    with pytest.raises(aios.InvalidArgumentError, match=r"custom_objects="):
        cell.use_model(path)
    with pytest.raises(aios.NotFoundError, match="no file at"):
        cell.use_model(tmp_path / "missing.keras")
    (tmp_path / "broken.keras").write_bytes(b"not a zip")
    with pytest.raises(aios.InvalidArgumentError, match="can't read"):
        cell.use_model(tmp_path / "broken.keras")
    with pytest.raises(aios.InvalidArgumentError, match="expected an aios.TrainingConfig"):
        aios.TensorFlowTrainingCell({"epochs": 3})


def test_a_subclassed_model_with_a_loss_trains():
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, x):
            return self.dense(x)

    x, y = blobs()
    cell = new_cell(epochs=10)
    model = Subclassed()
    with pytest.raises(aios.InvalidArgumentError, match="doesn't say what its outputs are"):
        cell.use_model(model)
        cell.train(x, y)
    model.compile(
        keras.optimizers.Adam(0.05),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    assert cell.train(x, y).metrics["accuracy"] > 0.9
