"""Slices with bounds that are constant, or with a begin that the call computes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from aios.compiler.lowering.axes import axes, dense_strides, merge_axes
from aios.compiler.lowering.core import DeclineError, Lowerer, lowers, summary
from aios.compiler.lowering.shape import constant, move
from aios.compiler.program import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aios.compiler.graph import Operator


@lowers("SLICE")
def slice_(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a slice of known size."""
    out = lowerer.tensor(op.outputs[0]).shape
    if lowerer.graph.constant(op.inputs[1]) is None:
        _cut_at(lowerer, op, 0, [1] * len(out), out)
        return
    begin = [int(b) for b in constant(lowerer, op, 1, "a slice's begin")]
    _cut(lowerer, op, begin, [1] * len(begin), out)


@dataclass(frozen=True, slots=True)
class _Index:
    """What an indexing says of one axis of the input: its place among the bounds, if it has one."""

    place: int | None
    shrinks: bool


def _indices(op: Operator, rank: int, count: int) -> list[_Index]:
    """Spreads `count` bounds over the axes of the input: an ellipsis covers what is left."""
    masks = {name: int(op.options.get(f"{name}_mask") or 0) for name in _MASKS}
    named = [p for p in range(count) if not masks["new_axis"] >> p & 1]
    real = [p for p in named if not masks["ellipsis"] >> p & 1]
    found: list[_Index] = []
    for place in named:
        if masks["ellipsis"] >> place & 1:
            found += [_Index(None, False)] * (rank - len(real))
        else:
            found.append(_Index(place, bool(masks["shrink_axis"] >> place & 1)))
    return found + [_Index(None, False)] * (rank - len(found))


_MASKS = ("new_axis", "ellipsis", "shrink_axis")


@lowers("STRIDED_SLICE")
def strided_slice(lowerer: Lowerer, op: Operator) -> None:
    """Lowers NumPy's basic indexing."""
    shape = lowerer.tensor(op.inputs[0]).shape
    step = [int(v) for v in constant(lowerer, op, 3, "a slice's step")]
    if op.options.get("offset"):
        raise DeclineError("end relative to begin")
    indices = _indices(op, len(shape), len(step))
    if any(lowerer.graph.constant(op.inputs[i]) is None for i in (1, 2)):
        _strided_at(lowerer, op, indices, step)
        return
    begin, end = ([int(v) for v in constant(lowerer, op, i, "a slice's bound")] for i in (1, 2))
    starts: list[int] = []
    steps: list[int] = []
    sizes: list[int] = []
    for n, index in zip(shape, indices, strict=True):
        place = index.place
        if place is None:
            starts, steps, sizes = [*starts, 0], [*steps, 1], [*sizes, n]
            continue
        if index.shrinks:
            starts, steps, sizes = [*starts, begin[place] % n], [*steps, 1], [*sizes, 1]
            continue
        first = None if op["begin_mask"] >> place & 1 else begin[place]
        last = None if op["end_mask"] >> place & 1 else end[place]
        covered = range(n)[slice(first, last, step[place])]
        starts.append(covered.start)
        steps.append(step[place])
        sizes.append(len(covered))
    _cut(lowerer, op, starts, steps, sizes)


def _strided_at(
    lowerer: Lowerer, op: Operator, indices: Sequence[_Index], step: Sequence[int]
) -> None:
    """Lowers an indexing whose begin is computed, when the result's shape says how much."""
    out = list(lowerer.tensor(op.outputs[0]).shape)
    in_order = [i.place for i in indices if i.place is not None] == list(range(len(step)))
    if not in_order or any(s < 1 for s in step) or any(op.options.get(m) for m in _SPREAD):
        raise DeclineError("bounds that are not constant")
    sizes = [1 if i.shrinks else out.pop(0) for i in indices]
    masked = sum(1 << a for a in range(len(step), len(indices))) | int(op["begin_mask"])
    _cut_at(lowerer, op, masked, [*step, *[1] * (len(indices) - len(step))], sizes)


_SPREAD = ("new_axis_mask", "ellipsis_mask")


def _cut_at(
    lowerer: Lowerer, op: Operator, masked: int, step: Sequence[int], sizes: Sequence[int]
) -> None:
    """Copies the box of `sizes` elements, `step` apart, that begins at the second input."""
    shape = lowerer.tensor(op.inputs[0]).shape
    extent = [(n - 1) * s + 1 for n, s in zip(sizes, step, strict=True)]
    if any(e > n for e, n in zip(extent, shape, strict=True)):
        raise DeclineError("a slice larger than its tensor")
    reads = [a * b for a, b in zip(dense_strides(shape), step, strict=True)]
    box = ", ".join([axes(shape), axes(extent), f"{masked}u", axes(sizes), axes(reads)])
    lowerer.call(
        f"sliceAt<{box}>",
        op.inputs[:2],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="indexing.hpp",
    )


def _cut(
    lowerer: Lowerer, op: Operator, begin: Sequence[int], step: Sequence[int], sizes: Sequence[int]
) -> None:
    source, result = op.inputs[0], op.outputs[0]
    tensor = lowerer.tensor(source)
    strides = dense_strides(tensor.shape)
    first = sum(b * s for b, s in zip(begin, strides, strict=True))
    offset = first * tensor.dtype.itemsize
    if prod(sizes) != lowerer.tensor(result).size:
        raise DeclineError("bounds that don't give the stated shape")
    steps = [a * b for a, b in zip(strides, step, strict=True)]
    dense = dense_strides(sizes)
    _, (read, write) = merge_axes(sizes, steps, dense)
    if read == write:
        lowerer.alias(result, source, offset)
        return
    values = Value(source, offset), Value(result)
    move(lowerer, *values, sizes, (steps, dense), comment=summary(lowerer, op))


@lowers("REVERSE_V2")
def reverse(lowerer: Lowerer, op: Operator) -> None:
    """Walks axes backwards."""
    shape = lowerer.tensor(op.inputs[0]).shape
    turned = {int(a) % len(shape) for a in constant(lowerer, op, 1, "axes")}
    begin = [n - 1 if a in turned else 0 for a, n in enumerate(shape)]
    _cut(lowerer, op, begin, [-1 if a in turned else 1 for a in range(len(shape))], shape)
