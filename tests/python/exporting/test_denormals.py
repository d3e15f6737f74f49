"""Models whose answers jump at zero."""

import numpy as np
import pytest

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
pytestmark = pytest.mark.usefixtures("borrowed_engines")


def test_an_answer_that_jumps_at_zero_is_not_asked_about_denormals(tmp_path):
    import tensorflow as tf
    from safetensors.numpy import load_file

    class Step(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
        def __call__(self, x):
            return tf.cast(x > 0, tf.float32) + x

    report = aios.export(Step(), tmp_path / "m.cell")
    assert report.errors.keys() == {"litert", "tensorflow"}
    x = load_file(tmp_path / "m.cell" / "golden.safetensors")["serving_default/inputs/x"]
    np.testing.assert_array_equal(x[32:34], 0)
