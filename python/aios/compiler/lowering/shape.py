"""Operators that only move elements: reshapes, concatenations, splits, tiles, diagonals."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from aios.compiler.lowering.axes import axes, broadcast_strides, dense_strides, merge_axes
from aios.compiler.lowering.core import DeclineError, Lowerer, ctype, lowers, summary
from aios.compiler.options import activation_code, axis_of
from aios.compiler.program import Packed, Step, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aios.compiler.graph import Operator


def constant(lowerer: Lowerer, op: Operator, place: int, what: str) -> list[Any]:
    """Returns a constant operand as a flat list, or declines."""
    value = lowerer.graph.constant(op.inputs[place]) if place < len(op.inputs) else None
    if value is None:
        raise DeclineError(f"{what} that is not constant")
    return list(value.reshape(-1).tolist())


def move(
    lowerer: Lowerer,
    source: Value | Step,
    target: Value | Step,
    shape: Sequence[int],
    strides: tuple[Sequence[int], Sequence[int]],
    *,
    comment: str,
) -> None:
    """Copies `target[i · write] = source[i · read]` for all i in `shape`.

    `strides` are read and write, in elements.
    """
    if 0 in shape:
        return
    sizes, (reads, writes) = merge_axes(shape, *strides)
    tensor = lowerer.tensor(source.index)
    ctype(tensor)
    lowerer.call(
        f"copyAxes<{axes(sizes)}, {axes(reads)}, {axes(writes)}>",
        [source],
        [target],
        comment=comment,
        header="shape.hpp",
    )


@lowers("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
def reshape(lowerer: Lowerer, op: Operator) -> None:
    """A reshape is the same memory."""
    if lowerer.tensor(op.inputs[0]).nbytes != lowerer.tensor(op.outputs[0]).nbytes:
        raise DeclineError("a shape that is not static")
    lowerer.alias(op.outputs[0], op.inputs[0])


@lowers("TRANSPOSE")
def transpose(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a permutation of axes; one that moves only axes of size 1 is the same memory."""
    order = [int(a) for a in constant(lowerer, op, 1, "a permutation")]
    shape = lowerer.tensor(op.inputs[0]).shape
    moved = [a for a in order if shape[a] != 1]
    if moved == sorted(moved):
        lowerer.alias(op.outputs[0], op.inputs[0])
        return
    strides = dense_strides(shape)
    out = lowerer.tensor(op.outputs[0]).shape
    move(
        lowerer,
        Value(op.inputs[0]),
        Value(op.outputs[0]),
        out,
        ([strides[a] for a in order], dense_strides(out)),
        comment=summary(lowerer, op),
    )


@lowers("CONCATENATION")
def concatenation(lowerer: Lowerer, op: Operator) -> None:
    """Copies each part into its place."""
    if activation_code(op):
        raise DeclineError("a fused activation")
    out = lowerer.tensor(op.outputs[0])
    axis = axis_of(op) % max(1, len(out.shape))
    _join(lowerer, op, axis, [lowerer.tensor(i).shape for i in op.inputs])


@lowers("PACK")
def pack(lowerer: Lowerer, op: Operator) -> None:
    """Stacks tensors along a new axis."""
    out = lowerer.tensor(op.outputs[0])
    axis = axis_of(op) % len(out.shape)
    shape = lowerer.tensor(op.inputs[0]).shape
    _join(lowerer, op, axis, [(*shape[:axis], 1, *shape[axis:])] * len(op.inputs))


def _join(lowerer: Lowerer, op: Operator, axis: int, parts: Sequence[tuple[int, ...]]) -> None:
    out = lowerer.tensor(op.outputs[0])
    strides = dense_strides(out.shape)
    position = 0
    for index, shape in zip(op.inputs, parts, strict=True):
        offset = position * strides[axis] * out.dtype.itemsize
        position += shape[axis]
        whole = prod(out.shape[:axis]) == 1
        if whole and lowerer.place_inside(index, op.outputs[0], offset):
            continue
        target = Value(op.outputs[0], offset)
        comment = summary(lowerer, op)
        steps = dense_strides(shape), strides
        move(lowerer, Value(index), target, shape, steps, comment=comment)


@lowers("SPLIT", "SPLIT_V", "UNPACK")
def split(lowerer: Lowerer, op: Operator) -> None:
    """Cuts along an axis; parts of the outermost real axis are the same memory."""
    place = {"SPLIT": 1, "SPLIT_V": 0, "UNPACK": 0}[op.kind]
    source = op.inputs[place]
    shape = lowerer.tensor(source).shape
    if op.kind == "UNPACK":
        axis = axis_of(op)
    else:
        axis = int(constant(lowerer, op, 0 if op.kind == "SPLIT" else 2, "an axis")[0])
    axis %= len(shape)
    strides = dense_strides(shape)
    position = 0
    for index in op.outputs:
        part = lowerer.tensor(index)
        size = 1 if op.kind == "UNPACK" else part.shape[axis]
        offset = position * strides[axis] * part.dtype.itemsize
        if prod(shape[:axis]) == 1:
            lowerer.alias(index, source, offset)
        else:
            cut = (*shape[:axis], size, *shape[axis + 1 :])
            comment = summary(lowerer, op)
            values = Value(source, offset), Value(index)
            move(lowerer, *values, cut, (strides, dense_strides(cut)), comment=comment)
        position += size


@lowers("TILE")
def tile(lowerer: Lowerer, op: Operator) -> None:
    """Repeats a tensor along its axes."""
    shape = lowerer.tensor(op.inputs[0]).shape
    times = [int(n) for n in constant(lowerer, op, 1, "multiples")]
    out = [n for pair in zip(times, shape, strict=True) for n in pair]
    strides = [s for stride in dense_strides(shape) for s in (0, stride)]
    values = Value(op.inputs[0]), Value(op.outputs[0])
    steps = strides, dense_strides(out)
    move(lowerer, *values, out, steps, comment=summary(lowerer, op))


@lowers("BROADCAST_TO")
def broadcast_to(lowerer: Lowerer, op: Operator) -> None:
    """Repeats axes of size 1."""
    out = lowerer.tensor(op.outputs[0]).shape
    strides = broadcast_strides(lowerer.tensor(op.inputs[0]).shape, out)
    values = Value(op.inputs[0]), Value(op.outputs[0])
    steps = strides, dense_strides(out)
    move(lowerer, *values, out, steps, comment=summary(lowerer, op))


@lowers("DEPTH_TO_SPACE", "SPACE_TO_DEPTH")
def depth_and_space(lowerer: Lowerer, op: Operator) -> None:
    """Moves blocks of pixels between rows and columns and channels."""
    block = int(op["block_size"])
    to_space = op.kind == "DEPTH_TO_SPACE"
    image = lowerer.tensor(op.outputs[0] if to_space else op.inputs[0]).shape
    packed = lowerer.tensor(op.inputs[0] if to_space else op.outputs[0]).shape
    batch, height, width, depth = packed
    channels = image[3]
    # Both sides as [batch, height, block, width, block, channels].
    shape = (batch, height, block, width, block, channels)
    as_image = dense_strides(shape)
    row, column = width * depth, depth
    as_packed = (height * row, row, block * channels, column, channels, 1)
    steps = (as_packed, as_image) if to_space else (as_image, as_packed)
    values = Value(op.inputs[0]), Value(op.outputs[0])
    move(lowerer, *values, shape, steps, comment=summary(lowerer, op))


@lowers("BITCAST")
def bitcast(lowerer: Lowerer, op: Operator) -> None:
    """Lowers the same bytes as another type; a copy, so that C++ may see one type per address."""
    source, out = lowerer.tensor(op.inputs[0]), lowerer.tensor(op.outputs[0])
    if source.nbytes != out.nbytes:
        raise DeclineError(f"{source.dtype.name} as {out.dtype.name}")
    comment = summary(lowerer, op)
    function = f"copyBytes<{out.nbytes}>"
    lowerer.call(function, [op.inputs[0]], [op.outputs[0]], comment=comment, header="shape.hpp")


@lowers("MATRIX_DIAG", "MATRIX_SET_DIAG")
def matrix_diag(lowerer: Lowerer, op: Operator) -> None:
    """Puts rows on the diagonals of matrices of zeros, or of given ones."""
    out = lowerer.tensor(op.outputs[0])
    *batch, rows, columns = out.shape
    diagonal = op.inputs[0 if op.kind == "MATRIX_DIAG" else 1]
    comment = summary(lowerer, op)
    function, source = f"copyBytes<{out.nbytes}>", Value(op.inputs[0])
    if op.kind == "MATRIX_DIAG":
        zero = Packed(np.zeros(1, out.dtype))
        lowerer.call(f"fill<{out.size}>", [zero], op.outputs, comment=comment, header="shape.hpp")
    else:
        lowerer.call(function, [source], op.outputs, comment=comment, header="shape.hpp")
    shape = (prod(batch), min(rows, columns))
    steps = (shape[1], 1), (rows * columns, columns + 1)
    move(lowerer, Value(diagonal), Value(op.outputs[0]), shape, steps, comment=comment)


@lowers("MATRIX_DIAG_PART")
def diagonal(lowerer: Lowerer, op: Operator) -> None:
    """Takes the diagonals of matrices."""
    *batch, rows, columns = lowerer.tensor(op.inputs[0]).shape
    shape = (prod(batch), min(rows, columns))
    steps = (rows * columns, columns + 1), (shape[1], 1)
    values = Value(op.inputs[0]), Value(op.outputs[0])
    move(lowerer, *values, shape, steps, comment=summary(lowerer, op))


@lowers("SHAPE", "RANGE", "RANK")
def dynamic(lowerer: Lowerer, op: Operator) -> None:
    """Declines what constant folding should have removed."""
    raise DeclineError("operands that are not constant")
