"""Functions of a `tf.Module`: whatever form they have, or why they can't be exported."""

from typing import NamedTuple

import numpy as np
import pytest
from exported import normal
from tolerance import assert_within_tolerance

import aios
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.usefixtures("borrowed_engines")

_SPEC = tf.TensorSpec([None, 3], tf.float32, name="x")


class _Point(NamedTuple):
    mean: object
    spread: object


class _Shapes(tf.Module):
    """Functions of every form that Python allows; each answers with x doubled, and more."""

    @tf.function(input_signature=[_SPEC, tf.TensorSpec([], tf.bool, name="flip")])
    def nested(self, x, flip):
        return {"a": {"b": x * 2, "c": [x + 1, (x @ tf.ones((3, 1)),)]}, "flip": flip, "none": None}

    @tf.function(input_signature=[_SPEC])
    def of_a_named_tuple(self, x, training=False):
        return _Point(x * 2, x if training else x + 1)

    @tf.function(input_signature=[_SPEC])
    def of_a_tuple(self, x, scale=2.0, *, mode="plain"):
        return x * scale, [x + len(mode)]

    @tf.function(input_signature=[{"q": tf.TensorSpec([None], tf.int64, name="q"), "p": _SPEC}])
    def of_a_dict(self, inputs):
        return {"y": inputs["p"] * 2, "id": inputs["q"], "version": 3}

    @property
    def broken(self):
        raise RuntimeError("no property is read")


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    path = tmp_path_factory.mktemp("shapes") / "m.cell"
    aios.export(_Shapes(), path, engines="tensorflow")
    with aios.load(path) as bridge:
        yield {signature.name: signature for signature in read_manifest(path).signatures}, bridge


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("nested", ["x", "flip"], ["a_b", "a_c_0", "a_c_1_0", "flip"]),
        ("of_a_named_tuple", ["x"], ["mean", "spread"]),
        ("of_a_tuple", ["x"], ["output_0", "output_1"]),
        ("of_a_dict", ["x", "q"], ["id", "version", "y"]),
    ],
)
def test_functions_of_any_form_become_flat_signatures(shapes, name, inputs, outputs):
    signatures, bridge = shapes
    assert [spec.name for spec in signatures[name].inputs] == inputs
    assert sorted(spec.name for spec in signatures[name].outputs) == outputs
    x = normal(4, 3)
    values = {"x": x, "q": np.arange(4), "flip": np.array(True)}
    answers = bridge.perform_inference({key: values[key] for key in inputs}, signature=name)
    doubled = next(key for key in ("a_b", "mean", "output_0", "y") if key in outputs)
    np.testing.assert_array_equal(answers[doubled], x * 2)
    expected = {"a_c_0": x + 1, "flip": True, "spread": x + 1, "output_1": x + 5, "version": 3}
    for key in set(outputs) & set(expected):
        np.testing.assert_array_equal(answers[key], expected[key])


def test_a_function_alone_is_exported(tmp_path):
    aios.export(tf.function(lambda x: x * 2, input_signature=[_SPEC]), tmp_path / "m.cell")
    with aios.load(tmp_path / "m.cell") as bridge:
        np.testing.assert_array_equal(bridge.perform_inference(normal(4, 3)), normal(4, 3) * 2)


def _one_function(function, *specs):
    module = tf.Module()
    module.function = tf.function(function, input_signature=list(specs))
    return module


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (
            lambda: _one_function(lambda x: x.to_tensor(), tf.RaggedTensorSpec([None, None])),
            aios.UnsupportedError,
            "takes a RaggedTensorSpec; .*to_tensor",
        ),
        (
            lambda: _one_function(tf.strings.split, tf.TensorSpec([None], tf.string)),
            aios.UnsupportedError,
            "returns, as 'output_0', a RaggedTensor",
        ),
        (
            lambda: _one_function(lambda: tf.constant(3)),
            aios.UnsupportedError,
            "takes no tensor, and a cell answers inputs",
        ),
        (
            lambda: _one_function(lambda x: None, _SPEC),
            aios.InvalidArgumentError,
            "returns nothing",
        ),
        (
            lambda: _one_function(lambda x: {"a": {"b": x}, "a_b": x}, _SPEC),
            aios.InvalidArgumentError,
            "two outputs of the model would be called 'a_b'",
        ),
        (
            lambda: _one_function(lambda x: x, tf.TensorSpec(None, name="x")),
            aios.UnsupportedError,
            "'x' has an unknown number of dimensions",
        ),
    ],
)
def test_a_function_that_no_signature_can_be_is_refused(tmp_path, model, error, message):
    with pytest.raises(error, match=message):
        aios.export(model(), tmp_path / "m.cell")


def test_a_module_that_counts_its_calls_keeps_its_keras_models_variables(tmp_path):
    """It runs from its SavedModel, which TensorFlow's C API must find every variable in."""
    net = keras.Sequential([keras.Input((4,), name="x"), keras.layers.Dense(3)])

    class Counting(tf.Module):
        def __init__(self):
            super().__init__()
            self.net, self.calls = net, tf.Variable(0)

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
        def __call__(self, x):
            self.calls.assign_add(1)
            return self.net(x, training=False)

    aios.export(Counting(), tmp_path / "m.cell", engines="tensorflow")
    with aios.load(tmp_path / "m.cell") as bridge:
        assert_within_tolerance(
            bridge.perform_inference(normal(3, 4)), np.asarray(net(normal(3, 4)))
        )


def test_a_function_without_inputs_is_left_out_beside_one_with_inputs(tmp_path):
    module = _one_function(lambda x: x * 2, _SPEC)
    module.version = tf.function(lambda: tf.constant(3), input_signature=[])
    with pytest.warns(UserWarning, match="left out of the bundle: signature 'version'"):
        aios.export(module, tmp_path / "m.cell", engines="tensorflow")
    (signature,) = read_manifest(tmp_path / "m.cell").signatures
    assert signature.name == "function"
