"""Every kind of model that `aios.export` takes gives the model's own answers from C++."""

import numpy as np
import pytest
from exported import assert_answers, normal

import aios
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


class _Module(tf.Module):
    """Two signatures, one with a scalar and one of a fixed batch."""

    def __init__(self):
        super().__init__()
        self.w = tf.Variable(np.random.default_rng(0).standard_normal((4, 3)), dtype=tf.float32)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 4], tf.float32, name="zeta"),
            tf.TensorSpec([], tf.float32, name="scale"),
        ]
    )
    def __call__(self, x, k):
        return tf.matmul(x, self.w) * k

    @tf.function(input_signature=[tf.TensorSpec([2, 4], tf.int32, name="n")])
    def count(self, n):
        return {"total": tf.reduce_sum(n, axis=1), "positive": n > 0}


def test_a_tf_module_with_two_signatures_a_scalar_and_a_fixed_batch(tmp_path):
    module = _Module()
    counts = np.arange(-12, 12, dtype=np.int32).reshape(3, 2, 4)
    aios.export(module, tmp_path / "m.cell", samples={"count": {"n": counts}})
    manifest = read_manifest(tmp_path / "m.cell")
    default, count = manifest.signatures
    assert (default.name, count.name) == ("serving_default", "count")
    assert [(spec.name, spec.shape) for spec in default.inputs] == [
        ("zeta", (-1, 4)),
        ("scale", ()),
    ]
    assert [(s.name, s.dtype, s.shape) for s in count.outputs] == [
        ("positive", "bool", (2, 4)),
        ("total", "int32", (2,)),
    ]
    assert not any(artifact.composable for artifact in manifest.artifacts)
    x = {"zeta": normal(5, 4), "scale": np.float32(2).reshape(())}
    assert_answers(
        tmp_path / "m.cell", x, {"output_0": tf.matmul(x["zeta"], module.w) * x["scale"]}
    )
    for artifact in manifest.artifacts:
        with aios.load(tmp_path / "m.cell", engine=artifact.engine) as bridge:
            answers = bridge.perform_inference({"n": counts[0]}, signature="count")
        np.testing.assert_array_equal(answers["total"], counts[0].sum(axis=1))
        np.testing.assert_array_equal(answers["positive"], counts[0] > 0)


def test_a_module_that_holds_a_keras_models_variables_is_frozen_first(tmp_path):
    """Converted as it is, its .tflite would read variables that nothing sets."""
    model = keras.Sequential(
        [keras.Input((4,), name="x"), layers.Dense(4), layers.BatchNormalization(), layers.Dense(2)]
    )

    class Holder(tf.Module):
        def __init__(self):
            super().__init__()
            self.kept = model.variables

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
        def __call__(self, x):
            return model(x, training=False)

    report = aios.export(Holder(), tmp_path / "m.cell")
    assert {a.engine: a.verdict for a in report.artifacts} == {
        "litert": "passed",
        "tensorflow": "passed",
    }
    x = normal(7, 4)
    assert_answers(tmp_path / "m.cell", x, {"output_0": model(x, training=False)})


def test_a_tf_module_without_known_inputs_is_refused(tmp_path):
    class Untraced(tf.Module):
        @tf.function
        def predict(self, x):
            return x

    module = Untraced()
    with pytest.raises(aios.InvalidArgumentError, match="input_signature="):
        aios.export(module, tmp_path / "m.cell")
    module.predict(tf.ones([2]))
    module.predict(tf.ones([3]))
    with pytest.raises(aios.InvalidArgumentError, match="2 kinds of inputs"):
        aios.export(module, tmp_path / "m.cell")


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (3, aios.InvalidArgumentError, r"expected a keras\.Model, .*SavedModel.*; got int"),
        (None, aios.InvalidArgumentError, "got NoneType"),
        (
            layers.Dense(2),
            aios.InvalidArgumentError,
            r"got keras\..*Dense: put .*keras\.Sequential",
        ),
        ("nothing.keras", aios.NotFoundError, "no file or directory at 'nothing.keras'"),
    ],
)
def test_wrong_kinds_are_refused_by_name(tmp_path, model, error, message):
    with pytest.raises(error, match=message):
        aios.export(model, tmp_path / "m.cell")
    assert list(tmp_path.iterdir()) == []
