"""Samples whose answer floating point doesn't determine: they judge no engine."""

import numpy as np
import pytest

from aios.bundle.manifest import SignatureRecord, TensorRecord, Tolerance
from aios.exporting import golden
from aios.exporting.conditioning import undetermined
from aios.exporting.samples import drawn

SIGNATURE = SignatureRecord(
    "serve",
    (TensorRecord("x", "float32", (-1, 8)),),
    (TensorRecord("y", "float32", (-1, 8)),),
)


def doubles(inputs):
    return {"y": inputs["x"] * 2}


def magnifies_what_is_large(inputs):
    """Answers a sine of the inputs, whose phase the last bits decide from 100 on."""
    return {"y": np.sin(inputs["x"].astype(np.float64) * 1e3).astype(np.float32)}


@pytest.mark.parametrize("independent", [True, False])
def test_only_the_calls_whose_answer_moves_are_undetermined(independent):
    x = np.random.default_rng(0).standard_normal((2, 1, 8)).astype(np.float32)
    x[0] *= np.float32(1e-3)
    x[1] *= 1000
    outputs = {"y": magnifies_what_is_large({"x": x})["y"]}
    found = undetermined(
        magnifies_what_is_large, {"x": x}, outputs, Tolerance(), independent=independent
    )
    assert found.tolist() == [False, True]


def test_a_plain_function_and_integers_are_determined():
    x = np.full((3, 1, 8), 1e30, np.float32)
    found = undetermined(doubles, {"x": x}, doubles({"x": x}), Tolerance(), independent=True)
    assert not found.any()
    ids = np.arange(24).reshape(3, 1, 8)
    found = undetermined(doubles, {"x": ids}, doubles({"x": ids}), Tolerance(), independent=True)
    assert not found.any()


def test_golden_samples_leave_out_undetermined_edges_and_count_them():
    samples = drawn(SIGNATURE)
    kept = golden.collect(doubles, SIGNATURE, samples, Tolerance())
    less = golden.collect(magnifies_what_is_large, SIGNATURE, samples, Tolerance())
    assert kept.undetermined == 0
    assert 0 < less.undetermined == kept.count - less.count
    assert less.in_range == kept.in_range
