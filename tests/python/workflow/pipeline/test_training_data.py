"""What a training workflow takes is checked before anything is stored."""

import numpy as np
import pytest

import aios


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((np.zeros((3, 2)), np.zeros(2)), "x_train has 3 rows and y_train 2"),
        ((np.zeros((3, 2)), np.zeros(3), np.zeros((1, 2))), "expected x_val and y_val, or neither"),
        ((np.zeros((3, 2)), np.zeros(3), np.zeros((1, 5)), np.zeros(1)), "expected rows of shape"),
        ((np.zeros((0, 2)), np.zeros(0)), "at least one row"),
        ((np.array([None, 1]), np.zeros(2)), "numbers or text of one kind, got ndarray"),
    ],
)
def test_data_that_does_not_fit_together_is_refused(arrays, message):
    with pytest.raises(aios.InvalidArgumentError, match=message):
        aios.TrainingData(*arrays)


def test_lists_become_arrays_and_the_text_names_their_shapes():
    made = aios.TrainingData([[1.0, 2.0]], [3])
    assert made.x_train.dtype == np.float64
    assert repr(made) == "<TrainingData x_train float64[1, 2], y_train int64[1]>"
