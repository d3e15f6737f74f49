"""Which calls lie in ranges of input values, and the widest ranges that no bad call lies in."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from aios.bundle.comparison import Array
from aios.bundle.dtypes import is_float
from aios.bundle.ranges import InputRanges, Range


def rows_inside(inputs: Mapping[str, Array], ranges: Mapping[str, Range]) -> Array:
    """Which calls lie in the ranges; axis 0 of every array counts calls."""
    count = len(next(iter(inputs.values()))) if inputs else 1
    inside = np.ones(count, bool)
    for name in ranges.keys() & inputs.keys():
        low, high = ranges[name]
        rows = _extents(inputs[name])
        inside &= (rows[:, 0] >= low) & (rows[:, 1] <= high)
    return inside


def proven_ranges(
    required: Mapping[str, Range], inputs: Mapping[str, Array], missed: Collection[int]
) -> InputRanges:
    """The widest ranges around `required` that hold no call which was missed.

    They reach as far as calls that were answered well, the nearest taken first.

    Args:
        required: What every call inside was answered well of.
        inputs: All calls that were asked, by input.
        missed: Those that weren't answered well.
    """
    extents = {name: _extents(inputs[name]) for name in required}
    found = dict(required)
    if not extents:
        return found
    reach = np.max([np.abs(rows).max(axis=1) for rows in extents.values()], axis=0)
    wrong = sorted(missed)
    for row in np.argsort(reach, kind="stable"):
        if row in missed:
            continue
        wider = {
            name: (min(low, extents[name][row, 0]), max(high, extents[name][row, 1]))
            for name, (low, high) in found.items()
        }
        if not rows_inside({name: array[wrong] for name, array in inputs.items()}, wider).any():
            found = {name: (float(low), float(high)) for name, (low, high) in wider.items()}
    return found


def _extents(array: Array) -> Array:
    """The least and the greatest finite value of each call, of shape [calls, 2]; zeros if none."""
    if not is_float(array.dtype) or array[:1].size == 0:
        return np.zeros((len(array), 2))
    values = array.reshape(len(array), -1).astype(np.float64)
    known = np.isfinite(values)
    least = np.where(known, values, np.inf).min(axis=1)
    greatest = np.where(known, values, -np.inf).max(axis=1)
    some = known.any(axis=1)
    return np.stack([np.where(some, least, 0), np.where(some, greatest, 0)], axis=1)
