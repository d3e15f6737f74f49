"""Arrays, dicts of them, text, and the weights of samples and classes."""

import numpy as np
import pytest
from blobs import blobs, flat_weights, new_cell, trained

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")


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


def test_zero_weight_means_that_a_sample_is_not_seen():
    x, y = blobs()
    wrong = np.where(np.arange(300) < 150, y, (y + 1) % 3)
    weight = (np.arange(300) < 150).astype(float)
    _, blind = trained(x, wrong, x, y)
    _, seeing = trained(x, wrong, x, y, sample_weight=weight)
    assert seeing.metrics["val_accuracy"] > 0.9
    assert seeing.metrics["val_loss"] < blind.metrics["val_loss"] / 2


def test_validation_weights_count():
    x, y = blobs()
    wrong = np.where(np.arange(300) < 150, y, (y + 1) % 3)
    weight = (np.arange(300) < 150).astype(float)
    _, plain = trained(x, y, x, wrong)
    _, weighted = trained(x, y, x, wrong, val_sample_weight=weight)
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


def _bad(match, *arguments, **options):
    with pytest.raises(aios.InvalidArgumentError, match=match):
        trained(*arguments, **options)


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


X, Y = blobs(classes=2, count=60)
NAMES = np.array(["no", "yes"])[Y]


@pytest.mark.parametrize("targets", [NAMES, list(NAMES), NAMES.astype(object), NAMES.astype("S")])
def test_text_as_targets_is_named_at_the_first_and_at_a_second_training(targets):
    cell = new_cell(epochs=1)
    cell.create_model((5,), 2)
    for _ in range(2):
        with pytest.raises(aios.InvalidArgumentError, match="y_train: expected numbers, got text"):
            cell.train(X, targets)
        cell.train(X, Y)
    with pytest.raises(aios.InvalidArgumentError, match="y_val: expected numbers, got text"):
        cell.train(X, Y, X, targets)


def test_times_as_inputs_are_named():
    cell = new_cell()
    cell.create_model((5,), 2)
    with pytest.raises(
        aios.InvalidArgumentError, match=r"x_train: expected numbers, got datetime64"
    ):
        cell.train(np.zeros((60, 5), "datetime64[s]"), Y)
