"""The training steps, called as a child process calls them."""

import numpy as np
import pytest
from blobs import blobs

import aios
from aios.home.home_files import HomeFiles
from aios.workflow.execution.context import StepContext

pytest.importorskip("keras", reason="needs the extra [tensorflow]")

from aios.workflow.pipeline import training_process


@pytest.fixture(scope="module")
def data():
    x, y = blobs(count=120)
    return aios.TrainingData(x[:100], y[:100], x[100:], y[100:])


@pytest.fixture
def context(tmp_path):
    return StepContext("r", "w", "train", 1, HomeFiles(tmp_path), key="k")


def interrupt_after(epochs):
    def publish(message):
        if message.epoch == epochs:
            raise KeyboardInterrupt

    return publish


def test_what_was_told_of_is_saved_and_a_killed_training_goes_on_after_it(data, context):
    config = {"epochs": 4, "early_stopping_patience": None}
    context.publish = interrupt_after(2)
    with pytest.raises(KeyboardInterrupt):
        training_process.train(data, config, None, context)
    assert [path.name for path in context.checkpoint_dir.iterdir()] == ["training.safetensors"]

    told = []
    context.publish = told.append
    result = training_process.train(data, config, None, context)
    assert (result["resumed_from"], result["epochs"]) == (2, 2)
    assert len(result["history"]["loss"]) == 4
    assert [message.epoch for message in told] == [3, 4]
    assert context.open_file(result["weights"]).stat().st_size > 0

    again = training_process.train(data, config, None, context)  # killed before it was recorded
    assert (again["resumed_from"], again["epochs"]) == (4, 0)
    assert again["history"] == result["history"]
    assert again["metrics"] == pytest.approx(result["metrics"], rel=1e-5)


@pytest.mark.parametrize(
    ("y", "units", "activation"),
    [
        (np.array([0, 1, 2, 1]), 3, "softmax"),
        (np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 1, 0]]), 3, "softmax"),
        (np.array([True, False, True, True]), 2, "softmax"),
        (np.array([0.5, 1.5, 2.5, 3.5]), 1, "linear"),
        (np.zeros((4, 2)), 2, "linear"),
    ],
    ids=["class numbers", "one-hot", "booleans", "values", "rows of values"],
)
def test_the_default_network_fits_the_targets(y, units, activation):
    data = aios.TrainingData(np.zeros((4, 3), np.float32), y)
    model = training_process._cell(aios.TrainingConfig(), None, data).model
    assert model.output_shape == (None, units)
    assert model.layers[-1].activation.__name__ == activation


def test_answers_come_in_batches_of_256():
    sizes = []
    rows = np.arange(600.0)
    answers = training_process.batched(lambda x: sizes.append(len(x)) or x * 2, rows)
    assert sizes == [256, 256, 88]
    np.testing.assert_array_equal(answers, rows * 2)
