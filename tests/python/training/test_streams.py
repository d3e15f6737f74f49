"""Batches in every form: datasets, `PyDataset`, loaders, generators, functions."""

import math

import numpy as np
import pytest
from blobs import blobs, trained

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")


class _Batches(keras.utils.PyDataset):
    def __init__(self, x, y, size=20):
        super().__init__()
        self._arrays = (x, y)
        self._size = size

    def __len__(self):
        return math.ceil(len(self._arrays[0]) / self._size)

    def __getitem__(self, i):
        return tuple(array[i * self._size : (i + 1) * self._size] for array in self._arrays)


def _endless(x, y, size=20):
    while True:
        for start in range(0, len(x), size):
            yield x[start : start + size], y[start : start + size]


def _once(x, y, size=20):
    for start in range(0, len(x), size):
        yield x[start : start + size], y[start : start + size]


def _dataset(x, y):
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(20)


_SOURCES = {
    "dataset": (_dataset, {}),
    "endless dataset": (lambda x, y: _dataset(x, y).repeat(), {"steps_per_epoch": 10}),
    "PyDataset": (_Batches, {}),
    "generator": (_endless, {"steps_per_epoch": 10}),
    "generator function": (lambda x, y: lambda: _once(x, y), {}),
    "endless function": (lambda x, y: lambda: _endless(x, y), {"steps_per_epoch": 10}),
}


@pytest.mark.parametrize("name", _SOURCES)
def test_batches_train_as_arrays_do(name, tmp_path):
    x, y = blobs()
    make, steps = _SOURCES[name]
    cell, report = trained(make(x[:200], y[:200]), None, x[200:], y[200:], **steps)
    # Keras counts a step more per epoch where only the source's end ends it.
    assert int(cell.model.optimizer.iterations) in (4 * 10, 4 * 11)
    assert report.epochs == 4
    assert report.metrics["accuracy"] > 0.9
    assert report.metrics["val_accuracy"] > 0.9
    assert set(report.metrics) == {"loss", "accuracy", "val_loss", "val_accuracy"}


@pytest.mark.parametrize("name", _SOURCES)
def test_batches_validate_and_give_the_golden_samples(name, tmp_path):
    from safetensors.numpy import load_file

    x, y = blobs()
    make, steps = _SOURCES[name]
    steps = {"validation_steps": 5} if steps else {}
    cell, report = trained(x[:200], y[:200], make(x[200:], y[200:]), **steps)
    assert report.metrics["val_accuracy"] > 0.9
    cell.export_for_cpp_inference(tmp_path / "m.cell", engines="litert")
    golden = load_file(tmp_path / "m.cell" / "golden.safetensors")
    np.testing.assert_array_equal(golden["serving_default/inputs/x"][:64, 0], x[200:264])


def test_arrays_and_a_dataset_give_the_same_validation_metrics():
    x, y = blobs()
    _, arrays = trained(x[:200], y[:200], x[200:], y[200:])
    _, dataset = trained(x[:200], y[:200], _dataset(x[200:], y[200:]))
    assert dataset.metrics["val_loss"] == pytest.approx(arrays.metrics["val_loss"], rel=1e-5)


def test_a_users_own_error_comes_out_of_the_generator_unchanged():
    x, y = blobs()

    class MineError(Exception):
        pass

    def failing():
        yield x[:20], y[:20]
        raise MineError("disk gone")

    with pytest.raises(MineError, match="disk gone"):
        trained(failing(), steps_per_epoch=10)


def _bad(match, *arguments, **options):
    with pytest.raises(aios.InvalidArgumentError, match=match):
        trained(*arguments, **options)


def test_bad_batches_are_refused():
    x, y = blobs()
    _bad("pass steps_per_epoch", _endless(x, y))
    _bad("has no end", _dataset(x, y).repeat())
    _bad("y_train: expected None", _dataset(x, y), y)
    _bad("class_weight: expected None", _dataset(x, y), class_weight={0: 1.0})
    _bad("got Tensor|got EagerTensor|got ndarray", tf.data.Dataset.from_tensor_slices(x).batch(20))
    _bad(r"dataset\.batch\(32\)", tf.data.Dataset.from_tensor_slices((x, y)))
    _bad("empty generator", iter(()), steps_per_epoch=1)
    _bad("empty generator", lambda: iter(()))
    _bad("empty dataset", _dataset(x[:0], y[:0]))
    _bad("ended after 15", _once(x, y), steps_per_epoch=10)
    _bad("a tuple of 1", iter([(x,)]), steps_per_epoch=1)
    _bad("steps_per_epoch: expected None for arrays", x, y, steps_per_epoch=3)
    _bad("steps_per_epoch: expected a whole number", _endless(x, y), steps_per_epoch=0)
    _bad("validation_steps", x, y, _endless(x, y))
    _bad("x_val: expected validation data", x, y, validation_steps=3)
    _bad("function that returns batches", lambda: 3)
    _bad("doesn't fit the model", _dataset(x[:, :3], y))
    _bad("callbacks", x, y, callbacks=[print])
    _bad("callbacks: expected a list", x, y, callbacks=keras.callbacks.History())
