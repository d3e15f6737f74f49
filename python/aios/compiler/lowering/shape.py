"""Operators that only move elements: reshapes, slices, concatenations, pads, tiles, gathers."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aios.compiler.lowering.axes import axes, broadcast_strides, dense_strides, merge_axes
from aios.compiler.lowering.core import DeclineError, Lowerer, ctype, lowers, summary
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
    if op.attributes.get("fused_activation_function", 0):
        raise DeclineError("a fused activation")
    out = lowerer.tensor(op.outputs[0])
    axis = int(op.attributes.get("axis", 0)) % max(1, len(out.shape))
    _join(lowerer, op, axis, [lowerer.tensor(i).shape for i in op.inputs])


@lowers("PACK")
def pack(lowerer: Lowerer, op: Operator) -> None:
    """Stacks tensors along a new axis."""
    out = lowerer.tensor(op.outputs[0])
    axis = int(op.attributes.get("axis", 0)) % len(out.shape)
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
        axis = int(op.attributes.get("axis", 0))
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


@lowers("SLICE")
def slice_(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a slice with constant bounds."""
    begin = [int(b) for b in constant(lowerer, op, 1, "a slice's begin")]
    constant(lowerer, op, 2, "a slice's size")
    _cut(lowerer, op, begin, [1] * len(begin), lowerer.tensor(op.outputs[0]).shape)


@lowers("STRIDED_SLICE")
def strided_slice(lowerer: Lowerer, op: Operator) -> None:
    """Lowers NumPy's basic indexing with constant bounds."""
    shape = lowerer.tensor(op.inputs[0]).shape
    begin, end, step = (
        [int(v) for v in constant(lowerer, op, i, "a slice's bound")] for i in (1, 2, 3)
    )
    if op.attributes.get("ellipsis_mask", 0) or op.attributes.get("new_axis_mask", 0):
        raise DeclineError("an ellipsis or a new axis")
    if op.attributes.get("offset"):
        raise DeclineError("end relative to begin")
    starts: list[int] = []
    steps: list[int] = []
    sizes: list[int] = []
    for axis, n in enumerate(shape):
        if axis >= len(begin):
            starts, steps, sizes = [*starts, 0], [*steps, 1], [*sizes, n]
            continue
        bit = 1 << axis
        first = None if op["begin_mask"] & bit else begin[axis]
        last = None if op["end_mask"] & bit else end[axis]
        if op["shrink_axis_mask"] & bit:
            starts, steps, sizes = [*starts, begin[axis] % n], [*steps, 1], [*sizes, 1]
            continue
        covered = range(n)[slice(first, last, step[axis])]
        starts.append(covered.start)
        steps.append(step[axis])
        sizes.append(len(covered))
    _cut(lowerer, op, starts, steps, sizes)


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


@lowers("PAD", "PADV2")
def pad(lowerer: Lowerer, op: Operator) -> None:
    """Fills the result with the padding's value and copies the inside."""
    source, out = lowerer.tensor(op.inputs[0]), lowerer.tensor(op.outputs[0])
    pads = np.asarray(constant(lowerer, op, 1, "paddings")).reshape(-1, 2)
    value = constant(lowerer, op, 2, "a pad value")[0] if len(op.inputs) > 2 else 0
    if (pads < 0).any():
        raise DeclineError("negative padding")
    comment = summary(lowerer, op)
    fill = Packed(np.asarray([value], out.dtype))
    lowerer.call(f"fill<{out.size}>", [fill], [op.outputs[0]], comment=comment, header="shape.hpp")
    strides = dense_strides(out.shape)
    offset = sum(int(p) * s for p, s in zip(pads[:, 0], strides, strict=True))
    target = Value(op.outputs[0], offset * out.dtype.itemsize)
    move(
        lowerer,
        Value(op.inputs[0]),
        target,
        source.shape,
        (dense_strides(source.shape), strides),
        comment=comment,
    )


@lowers("MIRROR_PAD")
def mirror_pad(lowerer: Lowerer, op: Operator) -> None:
    """Gathers elements by a table of positions: mirrored without or with the border element."""
    source, out = lowerer.tensor(op.inputs[0]), lowerer.tensor(op.outputs[0])
    pads = np.asarray(constant(lowerer, op, 1, "paddings")).reshape(-1, 2)
    mode: Literal["symmetric", "reflect"]
    mode = "symmetric" if op.attributes.get("mode", 0) == 1 else "reflect"
    positions = np.arange(source.size, dtype=np.int32).reshape(source.shape)
    table = np.pad(positions, pads, mode=mode)
    lowerer.call(
        f"gather<1, {source.size}, {out.size}, 1>",
        [op.inputs[0], Packed(table)],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="shape.hpp",
    )


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


@lowers("GATHER", "EMBEDDING_LOOKUP")
def gather(lowerer: Lowerer, op: Operator) -> None:
    """Takes slices of an axis by index; an index out of range is taken as the nearest."""
    table, index = (op.inputs[1], op.inputs[0]) if op.kind != "GATHER" else op.inputs[:2]
    if op.attributes.get("batch_dims", 0):
        raise DeclineError("batch dimensions")
    shape = lowerer.tensor(table).shape
    axis = int(op.attributes.get("axis", 0)) % len(shape)
    counts = prod(shape[:axis]), shape[axis], lowerer.tensor(index).size, prod(shape[axis + 1 :])
    if lowerer.tensor(index).dtype.name not in ("int32", "int64", "uint8"):
        raise DeclineError(f"indices of {lowerer.tensor(index).dtype.name}")
    lowerer.call(
        f"gather<{', '.join(map(str, counts))}>",
        [table, index],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="shape.hpp",
    )


@lowers("ONE_HOT")
def one_hot(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a one-hot encoding along any axis."""
    index, out = lowerer.tensor(op.inputs[0]), lowerer.tensor(op.outputs[0])
    axis = int(op.attributes.get("axis", -1)) % len(out.shape)
    counts = prod(out.shape[:axis]), out.shape[axis], prod(out.shape[axis + 1 :])
    if index.dtype.name not in ("int32", "int64", "uint8"):
        raise DeclineError(f"indices of {index.dtype.name}")
    lowerer.call(
        f"oneHot<{', '.join(map(str, counts))}>",
        [op.inputs[0], op.inputs[2], op.inputs[3]],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="shape.hpp",
    )


@lowers("CUMSUM")
def cumsum(lowerer: Lowerer, op: Operator) -> None:
    """Sums along an axis, keeping every partial sum."""
    shape = lowerer.tensor(op.inputs[0]).shape
    axis = int(constant(lowerer, op, 1, "an axis")[0]) % len(shape)
    counts = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
    flags = [str(bool(op.attributes.get(f, False))).lower() for f in ("exclusive", "reverse")]
    lowerer.call(
        f"cumulativeSum<{', '.join([*map(str, counts), *flags])}>",
        [op.inputs[0]],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="shape.hpp",
    )


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


@lowers("SHAPE", "RANGE")
def dynamic(lowerer: Lowerer, op: Operator) -> None:
    """Declines what constant folding should have removed."""
    raise DeclineError("operands that are not constant")
