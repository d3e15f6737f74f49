"""Golden samples: edges, discrimination, and answers that aren't finite."""

import numpy as np
import pytest

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
pytestmark = pytest.mark.usefixtures("borrowed_engines")


def _mlp(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((6,), name="x"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(4),
        ]
    )


def test_golden_samples_have_edges_and_discriminate(tmp_path):
    from safetensors.numpy import load_file

    x = np.random.default_rng(0).standard_normal((10, 6)).astype(np.float32)
    report = aios.export(_mlp(), tmp_path / "m.cell", samples=x)
    tensors = load_file(tmp_path / "m.cell" / "golden.safetensors")
    inputs = tensors["serving_default/inputs/x"]
    assert inputs.shape == (23, 1, 6)
    np.testing.assert_array_equal(inputs[:10, 0], x)
    np.testing.assert_array_equal(inputs[10], 0 * inputs[10])
    assert 0 < inputs[11].max() < np.finfo(np.float32).tiny
    assert np.signbit(inputs[12]).all()
    np.testing.assert_allclose(inputs[13:17, 0], np.array([[10], [-10], [100], [-100]]) * x[0])
    assert inputs[17:, 0, 0].tolist() == list(map(np.float32, (-1, -9999, 1e9, -1e9, 1e30, -1e30)))
    np.testing.assert_array_equal(inputs[17:, 0, 1], x[0, 1].repeat(6))
    assert report.golden_samples == 23
    assert report.discrimination > 20


def test_a_model_that_answers_the_same_to_everything_is_warned_about(tmp_path):
    model = _mlp()
    model.layers[-1].set_weights([np.zeros((16, 4)), np.ones(4)])
    with pytest.warns(UserWarning, match="prove little"):
        report = aios.export(model, tmp_path / "m.cell")
    assert report.discrimination == 0


def test_samples_with_answers_that_are_not_finite_are_kept_apart_and_reported(tmp_path):
    from safetensors.numpy import load_file

    inputs = keras.Input((2,), name="x")
    model = keras.Model(inputs, keras.ops.log(inputs))
    x = np.array([[1, 2], [-1, 2], [3, 4]], np.float32)
    with pytest.warns(UserWarning, match="1 samples judge no accuracy"):
        report = aios.export(model, tmp_path / "m.cell", samples=x)
    # Rows 0 and 2, row 0 times 10 and 100, and with 1e9 and 1e30 in it.
    assert report.dropped_samples == 1
    assert report.golden_samples == 6
    golden = load_file(tmp_path / "m.cell" / "golden.safetensors")
    assert np.isfinite(golden["serving_default/outputs/output_0"]).all()
    probes = golden["serving_default/probe_outputs/output_0"]
    assert len(probes) == 1 + 3 + 2 + 4 + 3  # row 1, zeros, minus 10 and 100, the rest
    assert (~np.isfinite(probes)).any(axis=(1, 2)).all()
    for artifact in report.artifacts:
        assert artifact.probes == len(probes)
        assert artifact.propagated > len(probes) / 2
