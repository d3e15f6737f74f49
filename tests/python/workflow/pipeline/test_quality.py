"""One measure of quality for training models, cells and champions."""

import numpy as np
import pytest

from aios.workflow.pipeline.quality import largest_difference, quality_metrics


@pytest.mark.parametrize(
    ("answers", "targets", "accuracy"),
    [
        ([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], [0, 1, 1], 2 / 3),
        ([[0.9, 0.1], [0.2, 0.8]], [[0], [1]], 1.0),
        ([[0.9, 0.1], [0.2, 0.8]], [[0, 1], [0, 1]], 0.5),
        ([0.4, 0.6, 0.7], [0, 1, 0], 2 / 3),
        ([[-3.0], [0.2]], [False, True], 1.0),
    ],
    ids=["class numbers", "a column of them", "one-hot rows", "probabilities", "logits"],
)
def test_classes_are_judged_by_accuracy(answers, targets, accuracy):
    assert quality_metrics(answers, targets) == {"accuracy": pytest.approx(accuracy)}


def test_values_are_judged_by_their_errors():
    found = quality_metrics([[1.0], [4.0]], [2.0, 2.0])
    assert found == {"mae": 1.5, "mse": 2.5}


def test_whole_numbers_that_are_no_classes_are_values():
    assert quality_metrics([[3.0], [7.0]], np.array([3, 9])) == {"mae": 1.0, "mse": 2.0}


def test_the_largest_difference_is_infinite_where_only_one_is_finite():
    assert largest_difference([1.0, 2.0], [1.0, 2.5]) == 0.5
    assert largest_difference([1.0, np.nan], [1.0, 2.0]) == np.inf
    assert largest_difference(np.zeros((0, 3)), np.zeros((0, 3))) == 0.0
