"""The one rule for how far an answer is from its reference: values, shapes, NaN and infinities."""

import numpy as np
import pytest

from aios.bundle.comparison import (
    answers_agree,
    hides_nothing,
    row_errors,
    tensor_errors,
    tolerances_apart,
)
from aios.bundle.manifest import Tolerance

TOLERANCE = Tolerance(1e-2, 1e-1)
NAN, INF = np.nan, np.inf


def rows(*values):
    return np.array(values, np.float32)


def test_each_row_is_allowed_by_its_own_largest_magnitude():
    reference = rows([0.0, 0.5], [0.0, 100.0])
    errors = row_errors(reference + rows([0.01, 0.0], [0.5, 0.0]), reference, TOLERANCE)
    np.testing.assert_allclose(errors.absolute, [0.01, 0.5], rtol=1e-6)
    np.testing.assert_allclose(errors.tolerances, [1.0, 0.5], rtol=1e-6)
    np.testing.assert_allclose(errors.relative, [0.02, 0.005], rtol=1e-6)


def test_an_error_is_allowed_more_where_the_reference_itself_is_larger():
    errors = row_errors(rows([0.0, 1.055]), rows([0.0, 1.0]), TOLERANCE)
    np.testing.assert_allclose(errors.tolerances, [0.5], rtol=1e-5)


@pytest.mark.parametrize(
    ("answer", "reference", "apart"),
    [
        (NAN, NAN, 0), (INF, INF, 0), (-INF, -INF, 0), (NAN, 1, INF), (1, NAN, INF),
        (INF, 1, INF), (1, INF, INF), (INF, -INF, INF), (NAN, INF, INF),
    ],
)  # fmt: skip
def test_what_is_not_finite_is_equal_to_its_own_kind_and_infinitely_wrong_else(
    answer, reference, apart
):
    assert tolerances_apart(rows([answer, 2]), rows([reference, 2]), TOLERANCE).tolist() == [apart]


@pytest.mark.parametrize("dtype", ["int32", "bool", object])
def test_other_dtypes_than_floats_are_equal_or_infinitely_wrong(dtype):
    reference = np.array([[1, 0], [0, 0]]).astype(dtype)
    answer = np.array([[1, 0], [0, 1]]).astype(dtype)
    errors = row_errors(answer, reference, TOLERANCE)
    assert (errors.tolerances.tolist(), errors.relative) == ([0, INF], None)


def test_another_number_of_elements_is_infinitely_wrong():
    assert (
        row_errors(rows([1, 2]), rows([1, 2], [1, 2]), TOLERANCE).tolerances.tolist() == [INF] * 2
    )


def test_rows_without_elements_are_right():
    assert row_errors(np.zeros((2, 0)), np.zeros((2, 0)), TOLERANCE).tolerances.tolist() == [0, 0]


def test_a_whole_tensor_is_compared_as_one_row_and_must_have_the_dtype():
    reference = rows([0.0, 0.5], [0.0, 100.0])
    answer = reference + rows([0.01, 0.0], [0.5, 0.0])
    np.testing.assert_allclose(
        tensor_errors(answer, reference, TOLERANCE), (0.5, 0.5, 0.005), rtol=1e-6
    )
    wrong = (INF, INF, None)
    assert tensor_errors(answer.astype(np.float64), reference, TOLERANCE) == wrong
    assert tensor_errors(answer[:1], reference, TOLERANCE) == wrong


def test_answers_agree_where_every_reference_has_an_answer_of_its_shape_within_the_tolerance():
    reference = {"y": rows([1.0], [2.0])}
    assert answers_agree({"y": reference["y"] + 0.1, "z": rows([0])}, reference, TOLERANCE)
    assert not answers_agree({"y": reference["y"] + 0.3}, reference, TOLERANCE)
    assert not answers_agree({"y": reference["y"][:1]}, reference, TOLERANCE)
    assert not answers_agree({}, reference, TOLERANCE)


def test_an_answer_hides_nothing_if_it_is_nowhere_finite_where_the_reference_is_not():
    assert hides_nothing(rows([NAN, INF, 1]), rows([INF, NAN, 1]))
    assert hides_nothing(rows([NAN, NAN]), rows([1, NAN]))
    assert not hides_nothing(rows([0, 1]), rows([NAN, 1]))
    assert not hides_nothing(rows([NAN]), rows([NAN, 1]))
    assert hides_nothing(np.array([1]), np.array([2]))
