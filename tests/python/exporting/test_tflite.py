"""Conversion to TensorFlow Lite, and operators that files may not have."""

import pytest
from exported import module_of, writes_state

import aios
from aios.exporting import tflite
from aios.exporting.sources.keras_model import KerasSource

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


def test_converting_adds_no_function_to_call_and_no_metadata(tmp_path):
    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3)])
    source = KerasSource(model)
    source.save(tmp_path / "saved")
    frozen = {"serving_default": source.frozen("serving_default")}
    endpoint = tflite._endpoint(frozen["serving_default"], {})
    assert {node.op for node in endpoint.graph.as_graph_def().node} >= {"Placeholder", "MatMul"}
    assert not endpoint.graph.as_graph_def().library.function
    assert b"CONVERSION_METADATA" not in tflite.convert(frozen, tmp_path)


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


def _converted(function, **settings):
    concrete = module_of(function).__call__.get_concrete_function()
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
    module = module_of(writes_state)
    del module.table
    tf.saved_model.save(module, str(tmp_path / "saved"))
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved"))
    converter.experimental_enable_resource_variables = True
    assert "READ_VARIABLE" in tflite.refused_operators(converter.convert())
