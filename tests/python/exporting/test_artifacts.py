"""What is written for each engine, and what is declined with which words."""

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.bridge.isolation import may_isolate
from aios.bundle.manifest import Tolerance, read_manifest
from aios.exporting import graphs, tflite
from aios.exporting.engines import litert
from aios.exporting.sources.keras_model import KerasSource
from aios.proving.in_process import InProcessProver
from aios.proving.isolated import IsolatedProver

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


def _artifact(bundle, engine):
    return next(a for a in read_manifest(bundle).artifacts if a.engine == engine)


def _x(*shape):
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def test_a_dense_model_gets_one_dynamic_tflite_and_one_frozen_graph(tmp_path):
    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3)])
    aios.export(model, tmp_path / "m.cell")
    lite, full = (_artifact(tmp_path / "m.cell", engine) for engine in ("litert", "tensorflow"))
    assert [(graph.path, graph.batch) for graph in lite.graphs] == [("litert/dynamic.tflite", -1)]
    assert lite.composable
    (graph,) = full.graphs
    assert (graph.path, graph.batch, graph.signature) == (
        "tensorflow/serving_default.pb",
        -1,
        "serving_default",
    )
    assert [file.path for file in full.files] == [graph.path]


def test_the_frozen_graph_answers_in_tensorflow_by_the_manifests_names(tmp_path):
    left, right = keras.Input((4,), name="zebra"), keras.Input((4,), name="apple")
    outputs = {"score": layers.Dense(1)(left), "kind": layers.Dense(2)(right)}
    model = keras.Model([left, right], outputs)
    aios.export(model, tmp_path / "m.cell")
    (graph,) = _artifact(tmp_path / "m.cell", "tensorflow").graphs
    definition = tf.compat.v1.GraphDef.FromString((tmp_path / "m.cell" / graph.path).read_bytes())
    assert not any("Variable" in node.op for node in definition.node)
    inputs = {"zebra": _x(5, 4), "apple": _x(5, 4) + 1}
    with tf.Graph().as_default() as imported:
        tf.graph_util.import_graph_def(definition, name="")
        with tf.compat.v1.Session(graph=imported) as session:
            fed = {graph.inputs[name]: value for name, value in inputs.items()}
            answers = session.run(dict(graph.outputs), fed)
    expected = model([inputs["zebra"], inputs["apple"]])
    assert set(answers) == {"score", "kind"}
    for name, answer in answers.items():
        assert_within_tolerance(answer, np.asarray(expected[name]))


def test_a_recurrent_model_gets_batches_1_and_8_that_any_batch_is_composed_of(tmp_path):
    model = keras.Sequential([keras.Input((6, 4), name="x"), layers.LSTM(5), layers.Dense(2)])
    aios.export(model, tmp_path / "m.cell")
    artifact = _artifact(tmp_path / "m.cell", "litert")
    assert [(graph.path, graph.batch) for graph in artifact.graphs] == [
        ("litert/b1.tflite", 1),
        ("litert/b8.tflite", 8),
    ]
    assert artifact.composable
    for graph in artifact.graphs:
        content = (tmp_path / "m.cell" / graph.path).read_bytes()
        assert "WHILE" in tflite.operators(content)
        x = _x(graph.batch, 6, 4)
        path = tmp_path / "m.cell" / graph.path
        answer = InProcessProver().interpret(path, "serving_default", {"x": x})["output_0"]
        assert_within_tolerance(answer, np.asarray(model(x)))


def test_converting_adds_no_function_to_call_and_no_metadata(tmp_path):
    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3)])
    source = KerasSource(model)
    source.save(tmp_path / "saved")
    frozen = {"serving_default": source.frozen("serving_default")}
    endpoint = tflite._endpoint(frozen["serving_default"], {})
    assert {node.op for node in endpoint.graph.as_graph_def().node} >= {"Placeholder", "MatMul"}
    assert not endpoint.graph.as_graph_def().library.function
    assert b"CONVERSION_METADATA" not in tflite.convert(frozen, tmp_path)


def test_large_weights_are_no_part_of_the_graph_that_is_converted(tmp_path):
    inputs = keras.Input((6, 128), name="x")
    model = keras.Model(inputs, layers.LSTM(64)(layers.Dense(128)(inputs)))
    source = KerasSource(model)
    source.save(tmp_path / "saved")
    frozen = source.frozen("serving_default")
    light, constants = graphs.without_large_constants(frozen)
    assert sorted(len(value.tensor_content) for value in constants.values()) == sorted(
        weight.nbytes for weight in model.get_weights() if weight.ndim == 2
    )
    assert light.graph_def.ByteSize() < 64 << 10 < frozen.graph_def.ByteSize()
    content = tflite.convert({"serving_default": frozen}, tmp_path, 1)
    assert not tflite.refused_operators(content)
    path = tmp_path / "b1.tflite"
    path.write_bytes(content)
    x = _x(1, 6, 128)
    answer = InProcessProver().interpret(path, "serving_default", {"x": x})["output_0"]
    assert_within_tolerance(answer, np.asarray(model(x)))


def test_weights_that_the_converter_leaves_outside_are_put_into_the_graph(tmp_path, monkeypatch):
    model = keras.Sequential([keras.Input((128,), name="x"), layers.Dense(128)])
    source = KerasSource(model)
    source.save(tmp_path / "saved")
    converted, real = [], tflite._converted

    def reading_variables(*arguments, **options):
        converted.append(options.get("as_variables", True))
        return real(*arguments, **options)

    monkeypatch.setattr(tflite, "_converted", reading_variables)
    monkeypatch.setattr(tflite, "_VARIABLE_OPERATORS", ("FULLY_CONNECTED",))
    with pytest.raises(aios.UnsupportedError, match="FULLY_CONNECTED"):
        tflite.convert({"serving_default": source.frozen("serving_default")}, tmp_path)
    assert converted == [True, False]


def test_a_dynamic_file_that_is_wrong_in_batches_gives_way_to_fixed_ones(tmp_path, monkeypatch):
    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3)])
    prover = IsolatedProver if may_isolate() else InProcessProver
    run = prover.interpret

    def wrong_at_batch_3(self, model, signature, inputs):
        answers = run(self, model, signature, inputs)
        return {k: v + 1 if len(v) == litert._PROBED_BATCH else v for k, v in answers.items()}

    monkeypatch.setattr(prover, "interpret", wrong_at_batch_3)
    aios.export(model, tmp_path / "m.cell")
    assert [graph.batch for graph in _artifact(tmp_path / "m.cell", "litert").graphs] == [1, 8]
    with aios.load(tmp_path / "m.cell", engine="litert") as bridge:
        x = _x(11, 4)
        assert_within_tolerance(bridge.perform_inference(x), np.asarray(model(x)))


class _OverTheBatch(layers.Layer):
    def call(self, x):
        return x - keras.ops.mean(x, axis=0, keepdims=True) + x[:1]


class _OneOfTwoBranches(layers.Layer):
    def call(self, x):
        return tf.cond(tf.reduce_mean(x) > 0, lambda: tf.nn.tanh(x) * 2, lambda: tf.cumsum(x, 1))


@pytest.mark.parametrize("layer", [_OverTheBatch, _OneOfTwoBranches])
def test_a_model_that_mixes_a_batch_is_served_as_asked_and_never_composed(tmp_path, layer):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3), layer()])
    aios.export(model, tmp_path / "m.cell")
    for engine in ("litert", "tensorflow"):
        assert not _artifact(tmp_path / "m.cell", engine).composable
        with aios.load(tmp_path / "m.cell", engine=engine) as bridge:
            for x in (_x(7, 4), -_x(7, 4), _x(1, 4)):
                assert_within_tolerance(bridge.perform_inference(x), np.asarray(model(x)))


def _module(function, shape=(None, 3)):
    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.state = tf.Variable(tf.zeros([3]))
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer([0, 1], [5.0, 7.0], tf.int32, tf.float32), 0.0
            )

        @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name="x")])
        def __call__(self, x):
            return function(self, x)

    return Module()


def _writes(module, x):
    module.state.assign(tf.fill([3], 2.0))
    return x * module.state


def test_what_cannot_be_frozen_runs_from_the_saved_model(tmp_path):
    module = _module(_writes)
    report = aios.export(module, tmp_path / "m.cell")
    assert "AssignVariableOp" in report.declined["litert"]
    artifact = _artifact(tmp_path / "m.cell", "tensorflow")
    assert artifact.verdict == "passed"
    (graph,) = artifact.graphs
    assert graph.path == "saved_model"
    assert set(graph.inputs) == {"x"}
    assert set(graph.outputs) == {"output_0"}
    files = {file.path for file in artifact.files}
    assert "saved_model/saved_model.pb" in files
    assert not files & {file.path for file in read_manifest(tmp_path / "m.cell").files}
    x = _x(5, 3)
    with aios.load(tmp_path / "m.cell") as bridge:
        assert_within_tolerance(bridge.perform_inference(x), np.asarray(module(x)))


def test_operators_that_litert_lacks_are_named(tmp_path):
    module = _module(lambda _, x: tf.math.erfinv(tf.tanh(x) * 0.5))
    report = aios.export(module, tmp_path / "m.cell")
    assert "Erfinv" in report.declined["litert"]
    assert report.errors.keys() == {"tensorflow"}
    assert "engine 'litert' declined" in report.warnings[0]


def _converted(function, **settings):
    concrete = _module(function).__call__.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    for name, value in settings.items():
        setattr(converter, name, value)
    return converter.convert()


def test_files_that_need_flex_or_custom_operators_are_refused_by_name():
    doubles = tf.ones([3, 2], tf.float64)
    both = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    flex = _converted(
        lambda _, x: tf.matmul(tf.cast(x, tf.float64), doubles),
        target_spec=tf.lite.TargetSpec(both),
    )
    assert tflite.refused_operators(flex) == ["FlexMatMul"]
    custom = _converted(lambda _, x: tf.math.erfinv(x), allow_custom_ops=True)
    assert tflite.refused_operators(custom) == ["CUSTOM:Erfinv"]


def test_files_that_read_variables_are_refused_by_operator(tmp_path):
    module = _module(_writes)
    del module.table
    tf.saved_model.save(module, str(tmp_path / "saved"))
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved"))
    converter.experimental_enable_resource_variables = True
    assert "READ_VARIABLE" in tflite.refused_operators(converter.convert())


def test_a_python_callback_is_declined_by_every_engine(tmp_path):
    module = _module(
        lambda _, x: tf.ensure_shape(tf.numpy_function(lambda v: v * 2, [x], tf.float32), [None, 3])
    )
    with pytest.raises(aios.UnsupportedError, match=r"tensorflow declined: .*Py[Ff]unc"):
        aios.export(module, tmp_path / "m.cell")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_answers_differently_each_time_is_refused(tmp_path):
    module = _module(lambda _, x: x + tf.random.normal([3]))
    with pytest.raises(aios.FailedPreconditionError, match="differently from call to call"):
        aios.export(module, tmp_path / "m.cell")


class _Diverging:
    """Corrupts the weights of one layer wherever a model is frozen."""

    def __init__(self, kernel):
        from aios.exporting.freezing import freeze

        self._kernel, self._freeze = kernel, freeze

    def __call__(self, function):
        frozen = self._freeze(function)
        for node in frozen.graph_def.node:
            if node.op == "Const":
                value = tf.make_ndarray(node.attr["value"].tensor)
                if value.shape == self._kernel.shape and np.array_equal(value, self._kernel):
                    changed = value.copy()
                    changed.flat[0] += 0.5
                    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(changed))
        return frozen


def _sequential():
    return keras.Sequential(
        [
            keras.Input((6,), name="x"),
            layers.Dense(8, activation="tanh", name="first"),
            layers.Dense(8, activation="tanh", name="second"),
            layers.Dense(8, activation="tanh", name="third"),
            layers.Dropout(0.5, name="dropout"),
            layers.Dense(3, name="last"),
        ]
    )


def _branching():
    inputs = keras.Input((6,), name="x")
    left = layers.Dense(8, name="left")(inputs)
    left = layers.Dense(8, name="left_2")(left)
    right = layers.Dense(8, name="right")(inputs)
    joined = layers.Add(name="join")([left, right])
    return keras.Model(inputs, layers.Dense(3, name="last")(joined))


@pytest.mark.parametrize(
    ("build", "layer"),
    [(_sequential, "first"), (_sequential, "third"), (_branching, "left_2"), (_branching, "last")],
)
def test_the_first_diverging_layer_is_named(tmp_path, monkeypatch, build, layer):
    model = build()
    kernel = np.asarray(model.get_layer(layer).kernel)
    monkeypatch.setattr("aios.exporting.sources.base.freeze", _Diverging(kernel))
    with pytest.raises(
        aios.FailedPreconditionError,
        match=rf"litert failed: .*it first diverges in layer '{layer}' \(Dense\)",
    ):
        aios.export(model, tmp_path / "m.cell", engines="litert")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_engine_is_reported_beside_one_that_passed(tmp_path, monkeypatch):
    model = _sequential()
    kernel = np.asarray(model.get_layer("second").kernel)
    corrupt = _Diverging(kernel)
    real = litert.make

    def make_corrupted(work, source, golden, tolerance, prover):
        wrong = type(source)(source.model)
        wrong.__dict__.update(source.__dict__)
        wrong._frozen = {name: corrupt(function) for name, function in source._functions.items()}
        return real(work, wrong, golden, tolerance, prover)

    monkeypatch.setitem(aios.exporting.engines.MAKERS, "litert", make_corrupted)
    with pytest.warns(UserWarning, match="'second'"):
        report = aios.export(model, tmp_path / "m.cell")
    assert report.diverging_layers == {"litert": "'second' (Dense)"}
    assert report.errors.keys() == {"tensorflow"}
    failed = _artifact(tmp_path / "m.cell", "litert")
    assert failed.verdict == "failed"
    assert failed.worst > 1
    assert failed.tolerance == Tolerance()
    with aios.load(tmp_path / "m.cell") as bridge:
        assert bridge.engine == "tensorflow"
    with pytest.raises(aios.NotFoundError, match="second"):
        aios.load(tmp_path / "m.cell", engine="litert")


def test_a_source_freezes_a_signature_once(tmp_path):
    source = KerasSource(_sequential())
    source.save(tmp_path / "saved")
    assert source.frozen("serving_default") is source.frozen("serving_default")
