"""Every kind of model that `aios.export` takes gives the model's own answers from C++."""

import json
import os

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


def _x(*shape):
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def _dense():
    return keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3)])


def _assert_answers(bundle, inputs, expected):
    """Every engine of the bundle answers a batch as the model does; `expected` is by name."""
    passed = [a.engine for a in read_manifest(bundle).artifacts if a.verdict == "passed"]
    assert passed
    for engine in passed:
        with aios.load(bundle, engine=engine) as bridge:
            answers = bridge.perform_inference(inputs)
        if not isinstance(answers, dict):
            answers = {"output_0": answers}
        assert set(answers) == set(expected)
        for name, answer in answers.items():
            assert_within_tolerance(answer, np.asarray(expected[name]))


class Pair(keras.Model):
    """Takes a dict of two."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, inputs):
        return {"sum": self.dense(inputs["b"]) + self.dense(inputs["a"]), "a": inputs["a"] * 2}


class TwoArguments(keras.Model):
    def __init__(self):
        super().__init__()
        self.embedding = layers.Embedding(5, 4)
        self.dense = layers.Dense(3)

    def call(self, features, ids=None, training=False):
        return self.dense(features + self.embedding(ids))


def test_a_subclassed_model_with_a_dict_of_inputs(tmp_path):
    model = Pair()
    inputs = {"b": _x(5, 4), "a": _x(5, 4) + 1}
    expected = model(inputs)
    aios.export(model, tmp_path / "m.cell")
    _assert_answers(tmp_path / "m.cell", inputs, expected)


def test_a_subclassed_model_with_several_arguments_and_dtypes(tmp_path):
    model = TwoArguments()
    inputs = {"features": _x(5, 4), "ids": np.arange(5, dtype=np.int32)}
    expected = model(inputs["features"], ids=inputs["ids"])
    aios.export(model, tmp_path / "m.cell", samples=inputs)
    (signature,) = read_manifest(tmp_path / "m.cell").signatures
    assert [(spec.name, spec.dtype) for spec in signature.inputs] == [
        ("features", "float32"),
        ("ids", "int32"),
    ]
    _assert_answers(tmp_path / "m.cell", inputs, {"output_0": expected})


def test_a_subclassed_model_that_was_never_called_is_refused(tmp_path):
    with pytest.raises(aios.InvalidArgumentError, match="call it once"):
        aios.export(Pair(), tmp_path / "m.cell")


@keras.saving.register_keras_serializable("aios_tests")
class _Scale(layers.Layer):
    def call(self, x):
        return x * 3


def test_a_compiled_model_with_custom_objects_and_its_keras_file(tmp_path):
    @keras.saving.register_keras_serializable("aios_tests")
    def own_loss(y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred))

    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3), _Scale()])
    model.compile(optimizer="adam", loss=own_loss, metrics=["mae"])
    model.fit(_x(8, 4), _x(8, 3), verbose=0)
    x = _x(7, 4)
    expected = {"output_0": model(x)}
    aios.export(model, tmp_path / "object.cell")
    model.save(tmp_path / "model.keras")
    aios.export(tmp_path / "model.keras", tmp_path / "file.cell")
    for name in ("object.cell", "file.cell"):
        _assert_answers(tmp_path / name, x, expected)
    kinds = [read_manifest(tmp_path / n).provenance["model"] for n in ("object.cell", "file.cell")]
    assert kinds[0]["kind"] == kinds[1]["kind"] == "keras"


def test_outputs_keep_the_models_order_also_beyond_ten(tmp_path):
    inputs = keras.Input((2,), name="x")
    model = keras.Model(inputs, [inputs * float(i) for i in range(1, 13)])
    aios.export(model, tmp_path / "m.cell")
    (signature,) = read_manifest(tmp_path / "m.cell").signatures
    assert [spec.name for spec in signature.outputs] == [f"output_{i}" for i in range(12)]
    x = _x(3, 2)
    _assert_answers(
        tmp_path / "m.cell", x, {f"output_{i}": x * np.float32(i + 1) for i in range(12)}
    )


def test_a_keras_saved_model_directory(tmp_path):
    model = keras.Sequential([keras.Input((6, 4), name="x"), layers.LSTM(5), layers.Dense(2)])
    model.export(tmp_path / "saved", verbose=False)
    report = aios.export(tmp_path / "saved", tmp_path / "m.cell")
    manifest = read_manifest(tmp_path / "m.cell")
    assert [signature.name for signature in manifest.signatures] == ["serving_default", "serve"]
    assert manifest.provenance["model"]["kind"] == "saved_model"
    assert {artifact.verdict for artifact in report.artifacts} == {"passed"}
    x = _x(11, 6, 4)
    _assert_answers(tmp_path / "m.cell", x, {"output_0": model(x)})


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
    x = {"zeta": _x(5, 4), "scale": np.float32(2).reshape(())}
    _assert_answers(
        tmp_path / "m.cell", x, {"output_0": tf.matmul(x["zeta"], module.w) * x["scale"]}
    )
    for artifact in manifest.artifacts:
        with aios.load(tmp_path / "m.cell", engine=artifact.engine) as bridge:
            answers = bridge.perform_inference({"n": counts[0]}, signature="count")
        np.testing.assert_array_equal(answers["total"], counts[0].sum(axis=1))
        np.testing.assert_array_equal(answers["positive"], counts[0] > 0)


def test_rows_for_a_fixed_batch_are_put_together_into_calls(tmp_path):
    from safetensors.numpy import load_file

    model = keras.Sequential([keras.Input(batch_shape=(4, 3), name="x"), layers.Dense(2)])
    x = _x(12, 3)
    aios.export(model, tmp_path / "m.cell", samples=x)
    golden = load_file(tmp_path / "m.cell" / "golden.safetensors")["serving_default/inputs/x"]
    np.testing.assert_array_equal(golden[:3], x.reshape(3, 4, 3))


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
    x = _x(7, 4)
    _assert_answers(tmp_path / "m.cell", x, {"output_0": model(x, training=False)})


def test_an_optional_input_is_left_out_where_the_samples_leave_it_out(tmp_path):
    class Sum(layers.Layer):
        def call(self, x, more=None):
            return x * 2 if more is None else x + more

    x, more = keras.Input((3,), name="x"), keras.Input((3,), name="more", optional=True)
    model = keras.Model([x, more], Sum()(x, more))
    inputs = {"x": _x(4, 3), "more": _x(4, 3) + 1}
    for count, expected in ((1, inputs["x"] * 2), (2, inputs["x"] + inputs["more"])):
        given = dict(list(inputs.items())[:count])
        bundle = tmp_path / f"{count}.cell"
        aios.export(model, bundle, samples=given, engines="tensorflow")
        _assert_answers(bundle, given, {"output_0": expected})


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


def test_damaged_files_are_refused_by_name(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"not a zip file")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"\xff\xff garbage")
    for name, message in (
        ("model.keras", "can't load .*not a zip archive"),
        ("notes.txt", "got the file"),
        ("empty", "no SavedModel"),
        ("saved", "can't be loaded"),
    ):
        with pytest.raises(aios.InvalidArgumentError, match=message):
            aios.export(tmp_path / name, tmp_path / "m.cell")
    assert not (tmp_path / "m.cell").exists()


_ON_ANOTHER_BACKEND = """
import sys, json, warnings, numpy as np, keras, aios
assert keras.backend.backend() == sys.argv[2]
keras.utils.set_random_seed(0)
layers = [keras.Input((5, 4), name="x"), keras.layers.LSTM(6), keras.layers.Dense(3)]
model = keras.Sequential(layers)
report = aios.export(model, sys.argv[1], engines=("litert", "tensorflow"))
x = np.random.default_rng(0).standard_normal((7, 5, 4)).astype(np.float32)
expected = keras.ops.convert_to_numpy(model(x))
worst = {}
for engine in report.errors:
    with aios.load(sys.argv[1], engine=engine) as bridge:
        worst[engine] = float(np.abs(bridge.perform_inference(x) - expected).max())
class Own(keras.layers.Layer):
    def call(self, x): return x * 2
try:
    aios.export(keras.Sequential([keras.Input((4,)), Own()]), sys.argv[1] + "2")
except aios.UnsupportedError as error:
    refused = str(error)
print(json.dumps({"worst": worst, "refused": refused}))
"""


@pytest.mark.parametrize("backend", ["numpy", "jax", "torch"])
def test_keras_on_another_backend_is_exported_by_a_child_process(tmp_path, run_python, backend):
    pytest.importorskip(backend)
    # Keras's NumPy backend borrows functions from JAX.
    pytest.importorskip("torch" if backend == "torch" else "jax")
    code = _ON_ANOTHER_BACKEND.replace("sys.argv[1]", repr(str(tmp_path / "m.cell")))
    code = code.replace("sys.argv[2]", repr(backend))
    said = json.loads(run_python(code, KERAS_BACKEND=backend, **_quiet()).splitlines()[-1])
    assert set(said["worst"]) >= {"litert", "tensorflow"}
    assert max(said["worst"].values()) < 1e-5
    assert "register_keras_serializable" in said["refused"]


def _quiet():
    return {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "PYTHONPATH": os.pathsep.join([])}
