"""Whether the model's answer to a sample is determined in floating point.

Far outside of the values that a network was made for, rounding errors can grow from layer to layer
until another order of additions gives another class. The training model's own answer is then one
of many, and which of them an engine gives is luck: such a sample can't judge.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aios.bundle.comparison import Array, Arrays, tolerances_apart
from aios.bundle.dtypes import is_float
from aios.bundle.manifest import Tolerance
from aios.exporting.asking import in_chunks

#: By how many units in the last place inputs are changed: rounding in the layers adds up.
_CHANGES_ULPS = (1, 8, 16)
#: The part of the tolerance that such a change may take.
_ALLOWED = 0.5


def undetermined(
    answers: Callable[[Arrays], Arrays],
    inputs: Arrays,
    outputs: Arrays,
    tolerance: Tolerance,
    *,
    independent: bool,
) -> Array:
    """Tells for each call whether its answer moves where inputs change in their last bits.

    Args:
        answers: The training model.
        inputs: Calls; axis 0 of every array counts them.
        outputs: The model's answers to them, which are finite.
        tolerance: What answers are told apart by.
        independent: Whether the model answers calls alike when they are put into one.

    Returns:
        One bool a call; a call on which the model raises isn't undetermined.
    """
    count = len(next(iter(outputs.values()))) if outputs else 0
    found = np.zeros(count, bool)
    if not count or not any(is_float(array.dtype) for array in inputs.values()):
        return found
    every = np.arange(count)
    groups = in_chunks(every, inputs) if independent else list(every[:, np.newaxis])
    for ulps in _CHANGES_ULPS:
        changed = {name: _changed(array, ulps) for name, array in inputs.items()}
        for rows in groups:
            try:
                moved = answers({name: _joined(array[rows]) for name, array in changed.items()})
            except Exception:  # Nothing is known of a call that the model raises on.
                continue
            for name, array in outputs.items():
                answer = np.asarray(moved[name]).reshape(array[rows].shape)
                found[rows] |= tolerances_apart(answer, array[rows], tolerance) > _ALLOWED
    return found


def _changed(array: Array, ulps: int) -> Array:
    """Every float a little larger or smaller, always the same."""
    if not is_float(array.dtype):
        return array
    signs = np.random.default_rng(ulps).choice([-1.0, 1.0], array.shape)
    step = float(np.finfo(np.float32).eps) * ulps
    if array.dtype == np.float64:
        step = float(np.finfo(np.float64).eps) * ulps
    with np.errstate(over="ignore"):
        return (array.astype(np.float64) * (1 + step * signs)).astype(array.dtype)


def _joined(calls: Array) -> Array:
    """Calls of batch 1 as one of all their samples; a single call is itself."""
    return calls[0] if len(calls) == 1 else np.concatenate(list(calls))
