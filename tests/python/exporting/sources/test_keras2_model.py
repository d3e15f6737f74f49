"""Models of Keras 2 are exported through tf_keras."""

import pytest
from exported import normal
from tolerance import assert_within_tolerance

import aios
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(scope="module")
def keras2():
    return pytest.importorskip(
        "tf_keras", reason="needs tf_keras: pip install --no-deps tf_keras, of TensorFlow's version"
    )


def _keras2_model(keras2):
    kinds = keras2.layers
    left, right = kinds.Input((3,), name="left (cm)"), kinds.Input((2,), name="right")
    joined = kinds.Concatenate()([left, right])
    return keras2.Model([left, right], {"y": kinds.Dense(2)(joined), "twice": left * 2})


def test_a_model_of_keras_2_is_exported(tmp_path, keras2):
    model = _keras2_model(keras2)
    inputs = {"left (cm)": normal(4, 3), "right": normal(4, 2)}
    report = aios.export(model, tmp_path / "m.cell", samples=inputs)
    assert report.errors.keys() == {"litert", "tensorflow"}
    assert read_manifest(tmp_path / "m.cell").provenance["model"]["kind"] == "keras2"
    with aios.load(tmp_path / "m.cell") as bridge:
        answers = bridge.perform_inference(inputs)
    expected = model(list(inputs.values()))
    for name in ("y", "twice"):
        assert_within_tolerance(answers[name], expected[name].numpy())


def test_a_lambda_of_keras_2_is_not_run_either(tmp_path, keras2):
    model = keras2.Sequential(
        [keras2.layers.InputLayer((4,)), keras2.layers.Lambda(lambda x: x * 2)]
    )
    model.save(tmp_path / "old.h5")
    with pytest.raises(aios.InvalidArgumentError, match=r"tf_keras\.models.*safe_mode=False"):
        aios.export(tmp_path / "old.h5", tmp_path / "m.cell")


def test_a_model_of_keras_2_that_was_never_called_is_refused(tmp_path, keras2):
    class Unbuilt(keras2.Model):
        def call(self, x):
            return x

    with pytest.raises(aios.InvalidArgumentError, match="call it once"):
        aios.export(Unbuilt(), tmp_path / "m.cell")
