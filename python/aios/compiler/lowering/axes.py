"""Shapes and strides: dense strides, broadcasting, and merging axes that are walked as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def dense_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Returns row-major strides in elements."""
    strides: list[int] = []
    step = 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


def broadcast_strides(shape: Sequence[int], out: Sequence[int]) -> tuple[int, ...]:
    """Returns the strides with which a dense tensor of `shape` is read as one of shape `out`."""
    padded = (1,) * (len(out) - len(shape)) + tuple(shape)
    strides = dense_strides(padded)
    return tuple(0 if n == 1 else s for n, s in zip(padded, strides, strict=True))


def merge_axes(
    shape: Sequence[int], *strides: Sequence[int]
) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Drops axes of size 1 and joins neighbours that every stride walks as one.

    Returns:
        The new shape, of at least one axis, and the new strides in the given order.
    """
    sizes: list[int] = []
    steps: list[list[int]] = [[] for _ in strides]
    for axis in range(len(shape)):
        if shape[axis] == 1:
            continue
        columns = [s[axis] for s in strides]
        joined = sizes and all(
            step[-1] == column * shape[axis] for step, column in zip(steps, columns, strict=True)
        )
        if joined:
            sizes[-1] *= shape[axis]
            for step, column in zip(steps, columns, strict=True):
                step[-1] = column
        else:
            sizes.append(shape[axis])
            for step, column in zip(steps, columns, strict=True):
                step.append(column)
    if not sizes:
        sizes = [1]
        steps = [[1] for _ in strides]
    return tuple(sizes), [tuple(s) for s in steps]


def axes(values: Sequence[int]) -> str:
    """Returns the C++ type of sizes or steps."""
    return f"Axes<{', '.join(str(v) for v in values)}>"
