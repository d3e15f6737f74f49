import math

import numpy as np
import pytest

import aios
from aios.workflow.pipeline.quality import largest_difference, quality_metrics


def test_limits_that_hold_pass():
    gates = aios.Gates(min_accuracy=0.9, minimum={"recall": 0.5}, maximum={"mae": 0.1})
    found = gates.judge_quality({"accuracy": 0.9, "recall": 0.6, "mae": 0.1})
    assert found.passed
    assert [item.name for item in found.checks] == ["accuracy", "recall", "mae"]


@pytest.mark.parametrize("observed", [0.89, math.nan, None])
def test_a_limit_that_is_missed_not_a_number_or_not_measured_fails(observed):
    metrics = {} if observed is None else {"accuracy": observed}
    found = aios.Gates(min_accuracy=0.9).judge_quality(metrics)
    assert not found.passed
    assert found.reason.startswith("accuracy: expected at least 0.9, ")


def test_each_limit_of_a_bundle_is_judged_by_itself():
    gates = aios.Gates(max_p99_us=100, max_size_bytes=1000, max_error=1e-3, max_regression=0.01)
    good = {"p99_us": 99, "size_bytes": 1000, "error": 1e-4, "regression": 0.0}
    assert gates.judge_bundle(**good).passed
    for name, bad in {"p99_us": 101, "size_bytes": 1001, "error": 0.1, "regression": 0.02}.items():
        found = gates.judge_bundle(**{**good, name: bad})
        assert [item.name for item in found.checks if not item.passed] == [name]
        assert f"{name}: expected at most" in found.reason


def test_there_is_no_regression_without_a_champion():
    gates = aios.Gates(max_regression=0.0)
    assert gates.judge_bundle(p99_us=1, size_bytes=1, error=0, regression=None).checks == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_accuracy": 90}, "expected 0 to 1, such as 0.9, got 90"),
        ({"max_p99_us": -1}, "0 or more"),
    ],
)
def test_limits_out_of_range_are_refused(options, message):
    with pytest.raises(aios.InvalidArgumentError, match=message):
        aios.Gates(**options)


PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])


@pytest.mark.parametrize(
    ("answers", "targets", "expected"),
    [
        (PROBABILITIES, np.array([0, 1, 1]), {"accuracy": 2 / 3}),
        (PROBABILITIES, np.array([[0], [1], [0]]), {"accuracy": 1.0}),
        (PROBABILITIES, np.eye(2)[[0, 0, 0]], {"accuracy": 2 / 3}),
        (np.array([[0.7], [0.2]]), np.array([1, 0]), {"accuracy": 1.0}),
        (np.array([[3.0], [-2.0]]), np.array([1, 1]), {"accuracy": 0.5}),
        (np.array([[1.0], [3.0]]), np.array([1.5, 2.0]), {"mae": 0.75, "mse": 0.625}),
    ],
)
def test_quality_is_measured_by_the_kind_of_target(answers, targets, expected):
    assert quality_metrics(answers, targets) == pytest.approx(expected)


def test_the_largest_difference_counts_nan_as_infinite():
    assert largest_difference(np.array([1.0, 2.0]), np.array([1.0, 2.5])) == 0.5
    assert largest_difference(np.array([np.nan]), np.array([1.0])) == math.inf
