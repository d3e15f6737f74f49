"""Artifacts and bare SavedModels in TensorFlow's own Python."""

import numpy as np
import pytest

import aios
from aios.bridge.fallback.records import Signature, TensorSpec
from aios.bridge.fallback.tensorflow import TensorFlowModel, describe_saved_model
from aios.bundle.directory import BundleDirectory
from aios.bundle.integrity import open_bundle

pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")


@pytest.fixture(scope="module")
def model(digits):
    opened = open_bundle(digits.bundle)
    (artifact,) = [one for one in opened.manifest.artifacts if one.engine == "tensorflow"]
    return TensorFlowModel(opened.directory, artifact, 1)


def of(name="serving_default", x="x", shape=(-1, 64)):
    return Signature(
        name, [TensorSpec(x, "float32", shape)], [TensorSpec("output_0", "float32", (-1, 10))]
    )


def test_a_frozen_graph_answers(model, digits):
    (answer,) = model.new_session(of()).answer([digits.x_test[:3]])
    expected = np.asarray(digits.model(digits.x_test[:3], training=False))
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-5)


def test_what_the_graph_lacks_is_named(model):
    with pytest.raises(aios.UnsupportedError, match="no graph for signature 'abacus'"):
        model.new_session(of("abacus"))
    with pytest.raises(aios.CorruptBundleError, match="lacks a tensor that the manifest names"):
        model.new_session(of(x="y"))


def test_a_call_that_tensorflow_refuses_is_the_callers_mistake(model):
    session = model.new_session(of(shape=(-1, 3)))
    with pytest.raises(aios.InvalidArgumentError, match="could not run the model"):
        session.call([np.zeros((1, 3), np.float32)])


def test_a_saved_model_is_described_as_a_bundle_of_one_artifact(digits):
    manifest = describe_saved_model(digits.bundle / "saved_model", ["serve"])
    (signature,) = manifest.signatures
    assert signature.name == "serving_default"
    assert [(spec.name, spec.dtype, spec.shape) for spec in signature.inputs] == [
        ("x", "float32", (-1, 64))
    ]
    (artifact,) = manifest.artifacts
    assert artifact.key == ("tensorflow", "any", "float32")
    opened = TensorFlowModel(BundleDirectory(digits.bundle / "saved_model"), artifact, 1)
    (answer,) = opened.new_session(of()).answer([digits.x_test[:2]])
    assert answer.shape == (2, 10)


def test_other_tags_are_refused(digits):
    with pytest.raises(aios.InvalidArgumentError, match="could not load the SavedModel"):
        describe_saved_model(digits.bundle / "saved_model", ["nonsense"])
