"""How far apart two answers are: the one rule in Python, which src/runtime/verifier.cpp has too."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from aios.bundle.dtypes import is_float
from aios.bundle.manifest import Tolerance

Array = npt.NDArray[Any]
Arrays = dict[str, Array]


class RowErrors(NamedTuple):
    """The largest errors of each row of axis 0; infinite where the rows can't be compared.

    `absolute` is |answer - reference|, `tolerances` the same in tolerances: over 1 is a miss;
    `relative` is the absolute one over the row's largest magnitude, None for what isn't floats.
    """

    absolute: Array
    tolerances: Array
    relative: Array | None


def row_errors(answer: Array, reference: Array, tolerance: Tolerance) -> RowErrors:
    """Compares an answer with its reference, row by row.

    Integers, bools and strings are either equal or infinitely wrong; so are floats of which one
    isn't finite. NaN equals NaN here, and an infinity itself.
    """
    rows = len(reference)
    flat = (rows, math.prod(reference.shape[1:]))
    if answer.shape[:1] != (rows,) or answer.size != reference.size:
        return _unequal(np.ones(rows, bool))
    answers, references = answer.reshape(flat), reference.reshape(flat)
    if not is_float(reference.dtype):
        return _unequal((answers != references).any(axis=1))
    if flat[1] == 0:
        return RowErrors(np.zeros(rows), np.zeros(rows), np.zeros(rows))
    answers, references = answers.astype(np.float64), references.astype(np.float64)
    magnitude = np.abs(np.where(np.isfinite(references), references, 0)).max(axis=1, keepdims=True)
    same = (answers == references) | (np.isnan(answers) & np.isnan(references))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        allowed = tolerance.absolute * np.maximum(1.0, magnitude)
        allowed = allowed + tolerance.relative * np.abs(references)
        off = np.where(same, 0.0, _infinite_if_nan(answers - references))
        apart = np.where(same, 0.0, _infinite_if_nan(off / allowed)).max(axis=1)
        error = off.max(axis=1)
        relative = np.where(error == 0, 0.0, _infinite_if_nan(error / magnitude[:, 0]))
    return RowErrors(error, apart, relative)


class TensorErrors(NamedTuple):
    """The largest errors of a whole tensor, as those of one row; see `RowErrors`."""

    absolute: float
    tolerances: float
    relative: float | None


def tensor_errors(answer: Array, reference: Array, tolerance: Tolerance) -> TensorErrors:
    """Compares one sample's answer with its reference; of another dtype or size, all is wrong."""
    if answer.dtype != reference.dtype or answer.size != reference.size:
        return TensorErrors(math.inf, math.inf, None)
    absolute, apart, relative = row_errors(
        answer.reshape(1, -1), reference.reshape(1, -1), tolerance
    )
    return TensorErrors(
        float(absolute[0]), float(apart[0]), None if relative is None else float(relative[0])
    )


def tolerances_apart(answer: Array, reference: Array, tolerance: Tolerance) -> Array:
    """The largest distance of each row of axis 0, in tolerances."""
    return row_errors(answer, reference, tolerance).tolerances


def answers_agree(answers: Arrays, references: Arrays, tolerance: Tolerance) -> bool:
    """Whether every tensor of `references` was answered within the tolerance, row by row."""
    return all(
        name in answers
        and answers[name].shape == reference.shape
        and bool((tolerances_apart(answers[name], reference, tolerance) <= 1).all())
        for name, reference in references.items()
    )


def hides_nothing(answer: Array, reference: Array) -> bool:
    """Whether NaN and infinities of the reference are NaN or infinities in the answer.

    The order of a sum alone makes one of the other. Other dtypes than floats tell nothing.
    """
    if not is_float(reference.dtype):
        return True
    return answer.shape == reference.shape and not bool(
        (np.isfinite(answer) & ~np.isfinite(reference)).any()
    )


def _unequal(rows: Array) -> RowErrors:
    errors = np.where(rows, np.inf, 0.0)
    return RowErrors(errors, errors, None)


def _infinite_if_nan(values: Array) -> Array:
    return np.where(np.isnan(values), np.inf, np.abs(values))
