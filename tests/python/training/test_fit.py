"""One training: callbacks, early stopping, a loss that isn't a number any more."""

import numpy as np
import pytest
from blobs import blobs, new_cell, trained

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")


def test_callbacks_are_called_and_can_stop():
    x, y = blobs()

    class StopAfterTwo(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.stop_training = True

    _, report = trained(x, y, callbacks=[StopAfterTwo()])
    assert report.epochs == 2
    assert not report.stopped_early


def test_a_loss_that_becomes_nan_is_an_error_that_says_so():
    x, _ = blobs()
    cell = new_cell(learning_rate=1e30, optimizer="sgd", early_stopping_patience=None)
    cell.create_model((5,), task="regression")
    with pytest.raises(aios.InvalidArgumentError, match=r"diverged.*learning_rate \(now 1e\+30\)"):
        cell.train(x, x[:, 0])


def test_early_stopping_brings_the_best_weights_back():
    x, y = blobs(count=60)
    wrong = np.random.default_rng(1).permutation(y)
    cell = new_cell(epochs=60, early_stopping_patience=2, learning_rate=0.05)
    cell.create_model((5,), 3)
    report = cell.train(x, y, x, wrong)
    assert report.stopped_early
    assert report.epochs < 60
    assert report.metrics["val_loss"] == pytest.approx(min(report.history["val_loss"]), rel=1e-4)
