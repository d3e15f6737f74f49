"""Pads: with a value, or with the tensor's own elements; and blocks of pixels in the batch."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aios.compiler.lowering.axes import dense_strides
from aios.compiler.lowering.core import DeclineError, Lowerer, lowers, summary
from aios.compiler.lowering.shape import constant, move
from aios.compiler.program import Packed, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aios.compiler.graph import Array, Operator


@lowers("PAD", "PADV2")
def pad(lowerer: Lowerer, op: Operator) -> None:
    """Fills the result with the padding's value and copies the inside."""
    pads = np.asarray(constant(lowerer, op, 1, "paddings")).reshape(-1, 2)
    value = constant(lowerer, op, 2, "a pad value")[0] if len(op.inputs) > 2 else 0
    _pad(lowerer, op, (op.inputs[0], op.outputs[0]), pads, value)


def _pad(
    lowerer: Lowerer, op: Operator, tensors: tuple[int, int], pads: Array, value: Any = 0
) -> None:
    """Pads the first of `tensors` into the second."""
    index, result = tensors
    source, out = lowerer.tensor(index), lowerer.tensor(result)
    if (pads < 0).any():
        raise DeclineError("negative padding")
    comment = summary(lowerer, op)
    fill = Packed(np.asarray([value], out.dtype))
    lowerer.call(f"fill<{out.size}>", [fill], [result], comment=comment, header="shape.hpp")
    strides = dense_strides(out.shape)
    offset = sum(int(p) * s for p, s in zip(pads[:, 0], strides, strict=True))
    target = Value(result, offset * out.dtype.itemsize)
    steps = dense_strides(source.shape), strides
    move(lowerer, Value(index), target, source.shape, steps, comment=comment)


@lowers("MIRROR_PAD")
def mirror_pad(lowerer: Lowerer, op: Operator) -> None:
    """Gathers elements by a table of positions: mirrored without or with the border element."""
    source, out = lowerer.tensor(op.inputs[0]), lowerer.tensor(op.outputs[0])
    pads = np.asarray(constant(lowerer, op, 1, "paddings")).reshape(-1, 2)
    mode: Literal["symmetric", "reflect"]
    mode = "symmetric" if op.options.get("mode", 0) == 1 else "reflect"
    positions = np.arange(source.size, dtype=np.int32).reshape(source.shape)
    table = np.pad(positions, pads, mode=mode)
    lowerer.call(
        f"gather<1, {source.size}, {out.size}, 1>",
        [op.inputs[0], Packed(table)],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="shape.hpp",
    )


@lowers("SPACE_TO_BATCH_ND")
def space_to_batch(lowerer: Lowerer, op: Operator) -> None:
    """Moves the pixels of each phase of a grid into a sample of their own, after a pad."""
    block, pads = _blocks(lowerer, op)
    source = lowerer.tensor(op.inputs[0])
    padded = op.inputs[0]
    if pads.any():
        sizes = [n + int(p.sum()) for n, p in zip(source.shape, pads, strict=True)]
        padded = lowerer.temporary(tuple(sizes), source.dtype.name)
        _pad(lowerer, op, (op.inputs[0], padded), pads)
    _phases(lowerer, op, block, (padded, op.outputs[0]), to_batch=True)


@lowers("BATCH_TO_SPACE_ND")
def batch_to_space(lowerer: Lowerer, op: Operator) -> None:
    """Puts the phases of a grid together again, and cuts its edges off."""
    block, crops = _blocks(lowerer, op)
    out = lowerer.tensor(op.outputs[0])
    if not crops.any():
        _phases(lowerer, op, block, (op.inputs[0], op.outputs[0]), to_batch=False)
        return
    sizes = [n + int(c.sum()) for n, c in zip(out.shape, crops, strict=True)]
    whole = lowerer.temporary(tuple(sizes), out.dtype.name)
    _phases(lowerer, op, block, (op.inputs[0], whole), to_batch=False)
    strides = dense_strides(sizes)
    offset = sum(int(c) * s for c, s in zip(crops[:, 0], strides, strict=True))
    source = Value(whole, offset * out.dtype.itemsize)
    steps = strides, dense_strides(out.shape)
    move(lowerer, source, Value(op.outputs[0]), out.shape, steps, comment=summary(lowerer, op))


def _blocks(lowerer: Lowerer, op: Operator) -> tuple[list[int], Array]:
    """Returns the block's sizes, and the pads or crops of all axes."""
    block = [int(n) for n in constant(lowerer, op, 1, "a block's shape")]
    edges = np.zeros((len(lowerer.tensor(op.inputs[0]).shape), 2), np.int64)
    given = constant(lowerer, op, 2, "paddings or crops")
    edges[1 : 1 + len(block)] = np.asarray(given).reshape(-1, 2)
    return block, edges


def _phases(
    lowerer: Lowerer,
    op: Operator,
    block: Sequence[int],
    tensors: tuple[int, int],
    *,
    to_batch: bool,
) -> None:
    """Moves between [batch, rows · block, …] and [block · batch, rows, …], as `tensors` say."""
    image = lowerer.tensor(tensors[0 if to_batch else 1]).shape
    rows = [n // b for n, b in zip(image[1:], block, strict=False)]
    rest = image[1 + len(block) :]
    # Both sides as [block…, batch, rows…, rest…].
    shape = (*block, image[0], *rows, *rest)
    strides = dense_strides(image)
    inner = strides[1 : 1 + len(block)]
    steps = (
        *inner,
        strides[0],
        *(s * b for s, b in zip(inner, block, strict=True)),
        *strides[1 + len(block) :],
    )
    if prod(shape) != prod(image):
        raise DeclineError("sizes that aren't multiples of the block")
    pair = (steps, dense_strides(shape)) if to_batch else (dense_strides(shape), steps)
    comment = summary(lowerer, op)
    move(lowerer, Value(tensors[0]), Value(tensors[1]), shape, pair, comment=comment)
