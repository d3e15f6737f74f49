"""How far apart two answers are: the rule of src/runtime/verifier.cpp, for arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from aios.bundle.manifest import Tolerance

Array = npt.NDArray[Any]
Arrays = dict[str, Array]

#: What stands for "not equal" where equality is all that counts: integers, bools, strings.
UNEQUAL = 1e6


def tolerances_apart(answer: Array, reference: Array, tolerance: Tolerance) -> npt.NDArray[Any]:
    """Largest distance per row of axis 0, in tolerances.

    Integers, bools and strings are either equal (0) or UNEQUAL tolerances apart; so are floats of
    which one isn't finite. NaN equals NaN here.
    """
    rows = len(reference)
    answers, references = answer.reshape(rows, -1), reference.reshape(rows, -1)
    if answers.shape != references.shape:
        return np.full(rows, UNEQUAL)
    if references.shape[1] == 0:
        return np.zeros(rows)
    if not np.issubdtype(reference.dtype, np.floating):
        return np.where((answers != references).any(axis=1), UNEQUAL, 0.0)
    answers, references = answers.astype(np.float64), references.astype(np.float64)
    scale = np.maximum(1.0, np.abs(references).max(axis=1, keepdims=True))
    allowed = tolerance.absolute * scale + tolerance.relative * np.abs(references)
    with np.errstate(invalid="ignore"):
        apart = np.nan_to_num(np.abs(answers - references) / allowed, nan=UNEQUAL, posinf=UNEQUAL)
    same = (answers == references) | (np.isnan(answers) & np.isnan(references))
    apart = np.where(same, 0.0, apart)
    return np.asarray(apart.max(axis=1))


def answers_agree(answers: Arrays, references: Arrays, tolerance: Tolerance) -> bool:
    """Whether every tensor of `references` was answered within the tolerance, row by row."""
    return all(
        name in answers
        and answers[name].shape == reference.shape
        and bool((tolerances_apart(answers[name], reference, tolerance) <= 1).all())
        for name, reference in references.items()
    )
