"""Every form in which training data may come: arrays, dicts, datasets, generators, weights."""

import json
import math

import numpy as np
import pytest
from blobs import blobs, flat_weights, new_cell

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


def _trained(x_train, y_train=None, x_val=None, y_val=None, **options):
    cell = new_cell(epochs=4, learning_rate=0.02, early_stopping_patience=None)
    cell.create_model((5,), 3)
    return cell, cell.train(x_train, y_train, x_val, y_val, **options)


@pytest.mark.parametrize("name", _SOURCES)
def test_batches_train_as_arrays_do(name, tmp_path):
    x, y = blobs()
    make, steps = _SOURCES[name]
    cell, report = _trained(make(x[:200], y[:200]), None, x[200:], y[200:], **steps)
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
    cell, report = _trained(x[:200], y[:200], make(x[200:], y[200:]), **steps)
    assert report.metrics["val_accuracy"] > 0.9
    cell.export_for_cpp_inference(tmp_path / "m.cell", engines="litert")
    golden = load_file(tmp_path / "m.cell" / "golden.safetensors")
    np.testing.assert_array_equal(golden["serving_default/inputs/x"][:64, 0], x[200:264])


def test_arrays_and_a_dataset_give_the_same_validation_metrics():
    x, y = blobs()
    _, arrays = _trained(x[:200], y[:200], x[200:], y[200:])
    _, dataset = _trained(x[:200], y[:200], _dataset(x[200:], y[200:]))
    assert dataset.metrics["val_loss"] == pytest.approx(arrays.metrics["val_loss"], rel=1e-5)


def test_several_inputs_by_name_or_in_order(tmp_path):
    x, y = blobs()
    parts = {"b": x[:, :2].copy(), "a": x[:, 2:].copy()}
    answers = []
    for given in (parts, [parts["b"], parts["a"]], (parts["b"], parts["a"])):
        inputs = [keras.Input((2,), name="b"), keras.Input((3,), name="a")]
        cell = new_cell(learning_rate=0.02, epochs=8)
        keras.utils.set_random_seed(0)
        joined = keras.layers.Concatenate()(inputs)
        cell.use_model(keras.Model(inputs, keras.layers.Dense(3, "softmax")(joined)))
        report = cell.train(given, y)
        assert report.metrics["accuracy"] > 0.9
        answers.append(flat_weights(cell.model))
        cell.export_for_cpp_inference(tmp_path / "m.cell", engines="litert", overwrite=True)
        with aios.load(tmp_path / "m.cell") as bridge:
            answer = bridge.perform_inference(parts)["output_0"]
        assert (answer.argmax(axis=1) == y).mean() > 0.9
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])


@pytest.mark.parametrize("as_bytes", [False, True])
def test_strings_are_inputs_too(as_bytes):
    words = ["sun", "rain", "snow"]
    y = np.random.default_rng(0).integers(0, 3, 200)
    x = np.asarray(words)[y][:, np.newaxis]
    source = keras.Input((1,), dtype="string", name="x")
    numbers = keras.layers.StringLookup(vocabulary=words, output_mode="one_hot")(source)
    cell = new_cell(learning_rate=0.05, epochs=8)
    cell.use_model(keras.Model(source, keras.layers.Dense(3, "softmax")(numbers)))
    given = np.char.encode(x).astype(object) if as_bytes else x
    assert cell.train(given, y).metrics["accuracy"] == 1
    with pytest.raises(aios.InvalidArgumentError, match="expects string, got float32"):
        cell.train(np.ones((200, 1), np.float32), y)


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


def test_zero_weight_means_that_a_sample_is_not_seen():
    x, y = blobs()
    wrong = np.where(np.arange(300) < 150, y, (y + 1) % 3)
    weight = (np.arange(300) < 150).astype(float)
    _, blind = _trained(x, wrong, x, y)
    _, seeing = _trained(x, wrong, x, y, sample_weight=weight)
    assert seeing.metrics["val_accuracy"] > 0.9
    assert seeing.metrics["val_loss"] < blind.metrics["val_loss"] / 2


def test_validation_weights_count():
    x, y = blobs()
    wrong = np.where(np.arange(300) < 150, y, (y + 1) % 3)
    weight = (np.arange(300) < 150).astype(float)
    _, plain = _trained(x, y, x, wrong)
    _, weighted = _trained(x, y, x, wrong, val_sample_weight=weight)
    assert weighted.metrics["val_loss"] < plain.metrics["val_loss"] / 2


@pytest.mark.parametrize("weights", [{1: 20.0}, "balanced"])
@pytest.mark.parametrize("one_hot", [False, True])
def test_class_weights_help_a_rare_class(weights, one_hot):
    generator = np.random.default_rng(0)
    y = (generator.random(600) < 0.04).astype(int)
    x = generator.standard_normal((600, 5)).astype(np.float32)
    x[:, 0] += 1.5 * y
    recalls = []
    for class_weight in (None, weights):
        cell = new_cell(epochs=15, learning_rate=0.02)
        cell.create_model((5,), 2, hidden_units=())
        cell.train(x, np.eye(2)[y] if one_hot else y, class_weight=class_weight)
        found = np.asarray(cell.model(x)).argmax(axis=1)
        recalls.append((found[y == 1] == 1).mean())
    assert recalls[1] > recalls[0] + 0.3


def test_class_and_sample_weights_multiply():
    x, y = blobs(classes=2)
    weight = np.where(y == 0, 2.0, 1.0)
    _, both = _trained_two(x, y, sample_weight=weight, class_weight={1: 2.0})
    _, one = _trained_two(x, y, sample_weight=np.full(300, 2.0))
    assert both.history["loss"] == pytest.approx(one.history["loss"], rel=1e-5)


def _trained_two(x, y, **options):
    cell = new_cell(epochs=2)
    cell.create_model((5,), 2)
    return cell, cell.train(x, y, **options)


def test_callbacks_are_called_and_can_stop():
    x, y = blobs()

    class StopAfterTwo(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.stop_training = True

    _, report = _trained(x, y, callbacks=[StopAfterTwo()])
    assert report.epochs == 2
    assert not report.stopped_early


def test_a_users_own_error_comes_out_of_the_generator_unchanged():
    x, y = blobs()

    class MineError(Exception):
        pass

    def failing():
        yield x[:20], y[:20]
        raise MineError("disk gone")

    with pytest.raises(MineError, match="disk gone"):
        _trained(failing(), steps_per_epoch=10)


def _bad(match, *arguments, **options):
    with pytest.raises(aios.InvalidArgumentError, match=match):
        _trained(*arguments, **options)


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


def test_bad_arrays_are_refused():
    x, y = blobs()
    _bad("y_train: expected an array, got None", x)
    _bad("0 to 2.*got 0 to 7", x, np.where(y == 1, 7, y))
    _bad("0 to 2.*got -1", x, y - 1)
    _bad(r"input 'x' expects float32\[N,5\], got float32\[300, 4\]", x[:, :4], y)
    _bad(r"input 'x' expects float32, got <U1", np.full((300, 5), "a"), y)
    _bad("must be padded", [[1, 2], [3]], y)
    _bad("one value", 3.0, y)
    _bad("y_train: expected finite", x, np.full(300, np.nan))
    _bad("same number of samples", x[:0], y[:0])
    _bad("dict with", {"z": x}, y)
    _bad("empty dict", {}, y)
    _bad("sample_weight: expected 300 numbers", x, y, sample_weight=np.ones(299))
    _bad("sample_weight: expected 300 numbers of 0 or more", x, y, sample_weight=-np.ones(300))
    _bad("zeros only", x, y, sample_weight=np.zeros(300))
    _bad("class_weight: no sample is of class", x, y, class_weight={9: 1.0})
    _bad("class_weight: expected weights", x, y, class_weight=[1, 2])
    _bad("class_weight: expected a number", x, y, class_weight={0: "a"})


def test_a_loss_that_becomes_nan_is_an_error_that_says_so():
    x, _ = blobs()
    cell = new_cell(learning_rate=1e30, optimizer="sgd", early_stopping_patience=None)
    cell.create_model((5,), task="regression")
    with pytest.raises(aios.InvalidArgumentError, match=r"diverged.*learning_rate \(now 1e\+30\)"):
        cell.train(x, x[:, 0])


def test_int_targets_of_a_regression_are_numbers_not_classes():
    x, _ = blobs()
    cell = new_cell(epochs=1)
    cell.create_model((5,), task="regression")
    assert set(cell.train(x, np.arange(300)).metrics) == {"loss", "mae"}


def test_the_report_is_json(tmp_path):
    x, y = blobs()
    _, report = _trained(x, y)
    document = json.loads(report.to_json(tmp_path / "report.json"))
    assert document == json.loads((tmp_path / "report.json").read_text())
    assert document["history"]["loss"] == report.history["loss"]
    assert document["epochs"] == 4
    assert document["resumed_from"] is None
