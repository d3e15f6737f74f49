"""A training that is killed goes on where it stopped, and ends where it would have ended."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from blobs import blobs, flat_weights

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")

_TRAINER = """
import json, os, signal, sys
import numpy as np, keras
import aios

directory, kill_in_epoch, out, patience = sys.argv[1:5]
generator = np.random.default_rng(0)
y = generator.integers(0, 3, 203)
x = generator.standard_normal((203, 5)).astype(np.float32)
x[np.arange(203), y] += 1
wrong = generator.permutation(y)

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == int(kill_in_epoch) and batch == 2:
            os.kill(os.getpid(), signal.SIGKILL)

config = aios.TrainingConfig(
    epochs=8, checkpoint_dir=directory or None, learning_rate=0.01,
    early_stopping_patience=int(patience) or None)
cell = aios.TensorFlowTrainingCell(config)
keras.utils.set_random_seed(7)
cell.use_model(keras.Sequential([
    keras.Input((5,), name="x"),
    keras.layers.BatchNormalization(),
    keras.layers.Dense(16, activation="relu"),
    keras.layers.Dropout(0.3),
    keras.layers.Dense(3, activation="softmax"),
]))
report = cell.train(x, y, x, wrong, callbacks=[Kill()])
np.savez(out, *cell.model.get_weights(), *[np.asarray(v) for v in cell.model.optimizer.variables])
print(report.to_json())
"""


def _train(directory, kill_in_epoch=-1, out="/dev/null", patience=0):
    return subprocess.run(
        [sys.executable, "-c", _TRAINER, str(directory), str(kill_in_epoch), str(out),
         str(patience)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def _arrays(path):
    with np.load(path) as archive:
        return [archive[name] for name in archive.files]


def test_a_killed_training_ends_as_the_uninterrupted_one(tmp_path):
    whole = _train("", out=tmp_path / "whole.npz")
    assert whole.returncode == 0, whole.stderr
    checkpoints = tmp_path / "checkpoints"
    for epoch in (2, 5):
        killed = _train(checkpoints, kill_in_epoch=epoch)
        assert killed.returncode == -signal.SIGKILL
        assert [path.name for path in checkpoints.iterdir()] == ["training.safetensors"]
    resumed = _train(checkpoints, out=tmp_path / "resumed.npz")
    assert resumed.returncode == 0, resumed.stderr

    report, expected = json.loads(resumed.stdout), json.loads(whole.stdout)
    assert report["resumed_from"] == 5
    assert report["epochs"] == 3
    assert len(report["history"]["val_loss"]) == 8
    for name, values in expected["history"].items():
        np.testing.assert_allclose(report["history"][name], values, rtol=1e-6, atol=1e-7)
    assert list(checkpoints.iterdir()) == []
    # Weights, dropout's random state's effect, and every slot of the optimizer.
    pairs = zip(_arrays(tmp_path / "resumed.npz"), _arrays(tmp_path / "whole.npz"), strict=True)
    for got, wanted in pairs:
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7)


def test_early_stopping_counts_on_over_a_kill(tmp_path):
    whole = _train("", out=tmp_path / "whole.npz", patience=2)
    expected = json.loads(whole.stdout)
    last = len(expected["history"]["loss"])
    assert expected["stopped_early"]
    assert expected["best_epoch"] < last < 8
    checkpoints = tmp_path / "checkpoints"
    assert _train(checkpoints, last - 1, patience=2).returncode == -signal.SIGKILL
    resumed = _train(checkpoints, out=tmp_path / "resumed.npz", patience=2)
    report = json.loads(resumed.stdout)
    assert (report["epochs"], report["resumed_from"]) == (1, last - 1)
    assert report["stopped_early"]
    assert report["best_epoch"] == expected["best_epoch"]
    pairs = zip(_arrays(tmp_path / "resumed.npz"), _arrays(tmp_path / "whole.npz"), strict=True)
    for got, wanted in pairs:
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7)


class _Interrupt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self._epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self._epoch:
            raise KeyboardInterrupt


def _interrupted(tmp_path, epoch=3, units=16, **options):
    x, y = blobs()
    cell = aios.TensorFlowTrainingCell(
        aios.TrainingConfig(epochs=5, checkpoint_dir=tmp_path, **options)
    )
    cell.create_model((5,), 3, hidden_units=(units,))
    with pytest.raises(KeyboardInterrupt):
        cell.train(x, y, callbacks=[_Interrupt(epoch)])
    return cell


def _resumed(tmp_path, units=16, **options):
    x, y = blobs()
    cell = aios.TensorFlowTrainingCell(
        aios.TrainingConfig(**{"epochs": 5, "checkpoint_dir": tmp_path, **options})
    )
    cell.create_model((5,), 3, hidden_units=(units,))
    return cell.train(x, y)


def test_an_interrupted_training_resumes_in_the_same_process_too(tmp_path):
    _interrupted(tmp_path)
    report = _resumed(tmp_path)
    assert report.resumed_from == 3
    assert report.epochs == 2
    assert len(report.history["loss"]) == 5


def test_a_training_that_is_complete_starts_anew(tmp_path):
    assert _resumed(tmp_path).resumed_from is None
    assert _resumed(tmp_path).epochs == 5


def test_a_training_killed_after_its_last_epoch_has_nothing_left_to_train(tmp_path):
    killed = _interrupted(tmp_path, epoch=3)
    x, y = blobs()
    cell = aios.TensorFlowTrainingCell(aios.TrainingConfig(epochs=3, checkpoint_dir=tmp_path))
    cell.create_model((5,), 3, hidden_units=(16,))
    report = cell.train(x, y)
    assert (report.epochs, report.resumed_from) == (0, 3)
    assert report.best_epoch == 3
    np.testing.assert_array_equal(flat_weights(cell.model), flat_weights(killed.model))


@pytest.mark.parametrize("patience", [None, 1])
def test_a_checkpoint_that_is_kept_leaves_nothing_to_train(tmp_path, patience):
    x, y = blobs(count=60)
    wrong = np.random.default_rng(1).permutation(y)
    weights, reports = [], []
    for _ in range(2):
        config = aios.TrainingConfig(
            epochs=4, early_stopping_patience=patience, learning_rate=0.05,
            checkpoint_dir=tmp_path, keep_checkpoint=True,
        )  # fmt: skip
        cell = aios.TensorFlowTrainingCell(config)
        cell.create_model((5,), 3, hidden_units=())
        reports.append(cell.train(x, y, x, wrong))
        weights.append(flat_weights(cell.model))
    first, second = reports
    assert (second.epochs, second.resumed_from) == (0, len(first.history["loss"]))
    assert second.best_epoch == first.best_epoch
    np.testing.assert_array_equal(*weights)


def test_the_optimizers_state_is_kept(tmp_path):
    from safetensors import safe_open

    _interrupted(tmp_path)
    with safe_open(tmp_path / "training.safetensors", "numpy") as file:
        sizes = [file.get_tensor(name).size for name in file.keys()]  # noqa: SIM118
    # 2 dense layers' 5*16+16 + 16*3+3 weights: once themselves, twice Adam's moments.
    assert sum(sizes) >= 3 * (5 * 16 + 16 + 16 * 3 + 3)


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    _interrupted(tmp_path)
    with pytest.raises(aios.FailedPreconditionError, match=r"another model .*delete it"):
        _resumed(tmp_path, units=17)
    with pytest.raises(aios.FailedPreconditionError, match=r"another model or optimizer"):
        _resumed(tmp_path, optimizer="sgd")


_SAVER = """
import sys
import keras
from aios.training.checkpoint import CheckpointFile, TrainingState

keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(2000)])
model.compile("adam", "mse")
file = CheckpointFile(sys.argv[1])
for epoch in range(10_000):
    model.layers[0].bias.assign([float(epoch)] * 2000)
    file.save(model, TrainingState(seed=7, epochs=epoch))
    print(epoch, flush=True)
"""


def test_a_checkpoint_is_whole_whenever_its_writer_is_killed(tmp_path):
    import random
    import time

    from aios.training.checkpoint import CheckpointFile

    model = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(2000)])
    model.compile("adam", "mse")
    for attempt in range(2):
        writer = subprocess.Popen(
            [sys.executable, "-c", _SAVER, str(tmp_path)], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        for _ in range(3):
            writer.stdout.readline()
        time.sleep(random.Random(attempt).uniform(0, 0.1))
        writer.kill()
        last = max(map(int, writer.stdout.read().split()), default=2)
        writer.wait(timeout=120)
        state = CheckpointFile(tmp_path).restore(model)
        assert state.epochs in (last, last + 1)
        np.testing.assert_array_equal(np.asarray(model.layers[0].bias), float(state.epochs))
    CheckpointFile(tmp_path).remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty"])
def test_a_damaged_checkpoint_is_refused_by_name(tmp_path, damage):
    _interrupted(tmp_path)
    path = tmp_path / "training.safetensors"
    content = path.read_bytes()
    path.write_bytes({"cut": content[:-40], "garbage": b"x" * 100, "empty": b""}[damage])
    with pytest.raises(aios.FailedPreconditionError, match=r"training.safetensors.*delete it"):
        _resumed(tmp_path)


def test_a_failed_write_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    _interrupted(tmp_path)
    before = (tmp_path / "training.safetensors").read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(aios.OverloadedError, match="can't be written"):
        _resumed(tmp_path)
    assert [path.name for path in Path(tmp_path).iterdir()] == ["training.safetensors"]
    assert (tmp_path / "training.safetensors").read_bytes() == before
