import numpy as np
import pytest

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")


def _blobs(classes=3, count=300, seed=0):
    generator = np.random.default_rng(seed)
    y = generator.integers(0, classes, count)
    x = generator.standard_normal((count, 5)).astype(np.float32)
    x[np.arange(count), y] += 6
    return x, y


def _cell(**options):
    return aios.TensorFlowTrainingCell(aios.TrainingConfig(**{"epochs": 5, **options}))


def test_training_learns_and_reports():
    x, y = _blobs()
    cell = _cell()
    cell.create_model((5,), 3)
    report = cell.train(x[:200], y[:200], x[200:], y[200:])
    assert report.metrics["val_accuracy"] > 0.9
    assert report.epochs == 5
    assert len(report.history["val_loss"]) == 5
    assert report.history["loss"][-1] < report.history["loss"][0]
    assert report.resumed_from is None
    assert report.seconds > 0


def test_the_same_seed_gives_the_same_weights():
    x, y = _blobs()
    weights = []
    for seed in (3, 3, 4):
        cell = _cell(seed=seed, epochs=1)
        cell.create_model((5,), 3)
        cell.train(x, y)
        weights.append(np.concatenate([w.ravel() for w in cell.model.get_weights()]))
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_early_stopping_brings_the_best_weights_back():
    x, y = _blobs(count=60)
    wrong = np.random.default_rng(1).permutation(y)
    cell = _cell(epochs=60, early_stopping_patience=2, learning_rate=0.05)
    cell.create_model((5,), 3)
    report = cell.train(x, y, x, wrong)
    assert report.stopped_early
    assert report.epochs < 60
    assert report.metrics["val_loss"] == pytest.approx(min(report.history["val_loss"]), rel=1e-4)


def test_regression_is_first_class():
    x, _ = _blobs()
    y = np.stack([x[:, 0] * 2, x[:, 1] - 1], axis=1)
    cell = _cell(epochs=60, learning_rate=0.01, early_stopping_patience=None)
    cell.create_model((5,), task="regression", num_outputs=2)
    report = cell.train(x, y)
    assert cell.model.output_shape == (None, 2)
    assert report.metrics["mae"] < 0.5


def test_images_are_flattened():
    cell = _cell()
    cell.create_model((8, 8, 1), 10, hidden_units=(16,))
    assert cell.model.input_shape == (None, 8, 8, 1)
    assert cell.model.output_shape == (None, 10)


def test_a_models_own_compile_is_kept():
    x, y = _blobs(classes=2)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "mse", metrics=["mae"])
    cell = _cell(epochs=1)
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
    x, y = _blobs(classes=2 if targets == "binary" else 3)
    if targets == "one-hot":
        y = np.eye(3, dtype=np.float32)[y]
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(units, activation=activation)])
    cell = _cell(epochs=30, learning_rate=0.05, early_stopping_patience=None)
    cell.use_model(model)
    assert cell.train(x, y).metrics["accuracy"] > 0.9


def test_tensorboard_files_are_written(tmp_path):
    x, y = _blobs()
    cell = _cell(epochs=1, tensorboard_dir=tmp_path)
    cell.create_model((5,), 3)
    cell.train(x, y)
    assert list(tmp_path.rglob("events.out.tfevents*"))


def test_golden_samples_come_from_the_validation_data(tmp_path):
    from safetensors.numpy import load_file

    x, y = _blobs()
    cell = _cell(epochs=1)
    cell.create_model((5,), 3)
    cell.train(x[:200], y[:200], x[200:], y[200:])
    cell.export_for_cpp_inference(tmp_path / "m.cell", engines="litert")
    golden = load_file(tmp_path / "m.cell" / "golden.safetensors")
    np.testing.assert_array_equal(golden["serving_default/inputs/x"][:64, 0], x[200:264])


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 0},
        {"epochs": 2.5},
        {"batch_size": -1},
        {"learning_rate": 0},
        {"early_stopping_patience": 0},
        {"optimizer": 3},
    ],
)
def test_a_bad_config_names_its_field_and_a_good_value(options):
    (name,) = options
    with pytest.raises(aios.InvalidArgumentError, match=rf"{name}: expected .*as "):
        aios.TrainingConfig(**options)


def test_bad_calls_are_refused():
    x, y = _blobs()
    cell = _cell()
    with pytest.raises(aios.FailedPreconditionError, match="no model yet"):
        cell.train(x, y)
    with pytest.raises(aios.InvalidArgumentError, match="num_classes"):
        cell.create_model((5,))
    with pytest.raises(aios.InvalidArgumentError, match="task"):
        cell.create_model((5,), 3, task="guessing")
    with pytest.raises(aios.InvalidArgumentError, match="input_shape"):
        cell.create_model((0,), 3)
    with pytest.raises(aios.InvalidArgumentError, match=r"expected a keras\.Model"):
        cell.use_model("model")
    cell.create_model((5,), 3)
    with pytest.raises(aios.InvalidArgumentError, match="same number of samples"):
        cell.train(x, y[:-1])
    with pytest.raises(aios.InvalidArgumentError, match="y_val: expected an array"):
        cell.train(x, y, x)
    with pytest.raises(aios.InvalidArgumentError, match="finite"):
        cell.train(np.full_like(x, np.nan), y)
    with pytest.raises(aios.InvalidArgumentError, match="doesn't fit the model"):
        cell.train(x[:, :3], y)
    unknown = _cell(optimizer="abacus")
    unknown.create_model((5,), 3)
    with pytest.raises(aios.InvalidArgumentError, match="'abacus'"):
        unknown.train(x, y)
