"""Small models of random shapes and dtypes: every engine that takes one answers as it does."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tolerance import assert_within_tolerance

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")

ENGINES = ("litert", "tensorflow")
bounded = settings(
    max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def _check(model, inputs, expected):
    """Exports, then compares each engine's answers to a batch."""
    directory = Path(tempfile.mkdtemp())
    try:
        report = aios.export(model, directory / "m.cell", samples=inputs, engines=ENGINES)
        assert "tensorflow" in report.errors, report.declined
        for artifact in report.artifacts:
            assert artifact.verdict != "failed", artifact.reason
        for engine in report.errors:
            with aios.load(directory / "m.cell", engine=engine) as bridge:
                answer = bridge.perform_inference(inputs)["output_0"]
            if np.issubdtype(expected.dtype, np.floating):
                assert_within_tolerance(answer, expected)
            else:
                assert answer.dtype == expected.dtype
                np.testing.assert_array_equal(answer, expected)
    finally:
        shutil.rmtree(directory)


@st.composite
def _stacks(draw):
    """The input's shape and layers that fit it."""
    rank = draw(st.integers(1, 3))
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=rank, max_size=rank)))
    layers = draw(st.lists(st.sampled_from(["dense", "act", "norm", "conv", "flat"]), max_size=4))
    return shape, layers, draw(st.integers(1, 9)), draw(st.integers(1, 12))


def _make(kind, units, rank):
    layers = keras.layers
    if kind == "dense":
        return layers.Dense(units)
    if kind == "act":
        return layers.Activation("silu")
    if kind == "norm":
        return layers.LayerNormalization()
    if kind == "conv" and rank in (2, 3):
        return (layers.Conv1D if rank == 2 else layers.Conv2D)(units, 3, padding="same")
    return layers.Flatten()


@bounded
@given(_stacks())
@pytest.mark.filterwarnings("ignore:the golden samples")
def test_stacks_of_layers_of_any_shape(stack):
    shape, kinds, units, batch = stack
    keras.utils.set_random_seed(0)
    inputs = value = keras.Input(shape, name="x")
    for kind in [*kinds, "dense"]:
        value = _make(kind, units, len(value.shape) - 1)(value)
    model = keras.Model(inputs, value)
    x = np.random.default_rng(0).standard_normal((batch, *shape)).astype(np.float32)
    _check(model, {"x": x}, np.asarray(model(x)))


_DTYPES = ["bool", "int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64"]


@bounded
@given(
    dtype=st.sampled_from(_DTYPES),
    shape=st.lists(st.integers(1, 5), min_size=0, max_size=4),
    batch=st.integers(1, 9),
)
@pytest.mark.filterwarnings("ignore:the golden samples")
def test_every_dtype_in_every_rank(dtype, shape, batch):
    class Turned(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, *shape], dtype, name="x")])
        def __call__(self, x):
            return tf.concat([x, x], axis=-1) if shape else tf.where(tf.equal(x, x), x, x)

    generator = np.random.default_rng(1)
    x = generator.integers(0, 100, (batch, *shape)).astype(dtype)
    expected = np.concatenate([x, x], axis=-1) if shape else x
    _check(Turned(), {"x": x}, expected)
