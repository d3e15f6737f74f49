"""The training cell: a model is created or brought, learns, and is exported."""

import numpy as np
import pytest
from blobs import blobs, new_cell

import aios

pytest.importorskip("keras", reason="needs the extra [tensorflow]")


def test_training_learns_and_reports():
    x, y = blobs()
    cell = new_cell()
    cell.create_model((5,), 3)
    report = cell.train(x[:200], y[:200], x[200:], y[200:])
    assert report.metrics["val_accuracy"] > 0.9
    assert report.epochs == 5
    assert len(report.history["val_loss"]) == 5
    assert report.history["loss"][-1] < report.history["loss"][0]
    assert report.resumed_from is None
    assert report.seconds > 0


def test_the_same_seed_gives_the_same_weights():
    x, y = blobs()
    weights = []
    for seed in (3, 3, 4):
        cell = new_cell(seed=seed, epochs=1)
        cell.create_model((5,), 3)
        cell.train(x, y)
        weights.append(np.concatenate([w.ravel() for w in cell.model.get_weights()]))
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_images_are_flattened():
    cell = new_cell()
    cell.create_model((8, 8, 1), 10, hidden_units=(16,))
    assert cell.model.input_shape == (None, 8, 8, 1)
    assert cell.model.output_shape == (None, 10)


def test_tensorboard_files_are_written(tmp_path):
    x, y = blobs()
    cell = new_cell(epochs=1, tensorboard_dir=tmp_path)
    cell.create_model((5,), 3)
    cell.train(x, y)
    assert list(tmp_path.rglob("events.out.tfevents*"))


def test_golden_samples_come_from_the_validation_data(tmp_path):
    from safetensors.numpy import load_file

    x, y = blobs()
    cell = new_cell(epochs=1)
    cell.create_model((5,), 3)
    cell.train(x[:200], y[:200], x[200:], y[200:])
    cell.export_for_cpp_inference(tmp_path / "m.cell", engines="litert")
    golden = load_file(tmp_path / "m.cell" / "golden.safetensors")
    np.testing.assert_array_equal(golden["serving_default/inputs/x"][:64, 0], x[200:264])


def test_bad_calls_are_refused():
    x, y = blobs()
    cell = new_cell()
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
    unknown = new_cell(optimizer="abacus")
    unknown.create_model((5,), 3)
    with pytest.raises(aios.InvalidArgumentError, match="'abacus'"):
        unknown.train(x, y)
