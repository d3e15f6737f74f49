"""The loss that fits the targets is chosen, unless the model has one."""

import numpy as np
import pytest
from blobs import blobs, new_cell

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")


def test_regression_is_first_class():
    x, _ = blobs()
    y = np.stack([x[:, 0] * 2, x[:, 1] - 1], axis=1)
    cell = new_cell(epochs=60, learning_rate=0.01, early_stopping_patience=None)
    cell.create_model((5,), task="regression", num_outputs=2)
    report = cell.train(x, y)
    assert cell.model.output_shape == (None, 2)
    assert report.metrics["mae"] < 0.5


def test_a_models_own_compile_is_kept():
    x, y = blobs(classes=2)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "mse", metrics=["mae"])
    cell = new_cell(epochs=1)
    cell.use_model(model)
    report = cell.train(x, y.astype(np.float32))
    assert set(report.metrics) == {"loss", "mae"}
    assert isinstance(model.optimizer, keras.optimizers.SGD)


@pytest.mark.parametrize(
    ("head", "targets"),
    [
        (("softmax", 3), "numbers"),
        ((None, 3), "numbers"),
        (("softmax", 3), "one-hot"),
        (("sigmoid", 1), "binary"),
    ],
)
def test_a_loss_that_fits_is_chosen_for_an_uncompiled_model(head, targets):
    activation, units = head
    x, y = blobs(classes=2 if targets == "binary" else 3)
    if targets == "one-hot":
        y = np.eye(3, dtype=np.float32)[y]
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(units, activation=activation)])
    cell = new_cell(epochs=30, learning_rate=0.05, early_stopping_patience=None)
    cell.use_model(model)
    assert cell.train(x, y).metrics["accuracy"] > 0.9


def test_several_outputs_get_a_loss_each():
    x, y = blobs()
    source = keras.Input((5,), name="x")
    outputs = {
        "kind": keras.layers.Dense(3, "softmax", name="kind")(source),
        "size": keras.layers.Dense(1, name="size")(source),
    }
    size = x.sum(axis=1, keepdims=True)
    for given in ({"kind": y, "size": size}, [y, size]):
        cell = new_cell(epochs=20, learning_rate=0.02)
        cell.use_model(keras.Model(source, list(outputs.values())))
        report = cell.train(x, given)
        assert report.metrics["kind_accuracy"] > 0.9
        assert report.metrics["size_mae"] < 5
    with pytest.raises(aios.InvalidArgumentError, match=r"2 of them"):
        cell.train(x, y)


def test_int_targets_of_a_regression_are_numbers_not_classes():
    x, _ = blobs()
    cell = new_cell(epochs=1)
    cell.create_model((5,), task="regression")
    assert set(cell.train(x, np.arange(300)).metrics) == {"loss", "mae"}


def test_a_training_that_failed_at_once_leaves_the_loss_to_the_next():
    """Targets of the wrong width had the model compiled with their loss for good."""
    x, y = blobs(count=60)
    cell = new_cell(epochs=1)
    cell.create_model((5,), 3)
    with pytest.raises(aios.InvalidArgumentError, match="doesn't fit the model"):
        cell.train(x, np.eye(5, dtype=np.float32)[y])
    assert cell.train(x, y).metrics.keys() == {"loss", "accuracy"}
