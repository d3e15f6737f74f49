"""Products of activations: BATCH_MATMUL and ATTENTION."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from aios.compiler.attributes import IDENTITY, Attention, fused
from aios.compiler.lowering.axes import axes, broadcast_strides
from aios.compiler.lowering.core import (
    DeclineError,
    Lowerer,
    ctype,
    is_float32,
    lowers,
    require_float32,
    summary,
)
from aios.compiler.lowering.epilogue import activation_type
from aios.compiler.options import adjoints_of
from aios.compiler.packing import pack_dense, pad_to_lanes
from aios.compiler.program import Packed, Scratch, Shared, Work

if TYPE_CHECKING:
    from aios.compiler.graph import Operator


@lowers("BATCH_MATMUL")
def batch_matmul(lowerer: Lowerer, op: Operator) -> None:
    """Lowers products of the last two axes; one side may be shared by the whole batch."""
    left, right = (lowerer.tensor(i).shape for i in op.inputs[:2])
    if not is_float32(lowerer, op) or _is_partial(left, right):
        _plain_product(lowerer, op)
        return
    adjoint_x, adjoint_y = adjoints_of(op)
    rows, depth = (left[-1], left[-2]) if adjoint_x else (left[-2], left[-1])
    columns = right[-2] if adjoint_y else right[-1]
    activation = activation_type(lowerer, fused(op).activation)
    weights = lowerer.graph.constant(op.inputs[1])
    if weights is not None and len(weights.shape) == 2 and not adjoint_x:
        rows *= prod(left[:-2])
        packed = pack_dense(weights if adjoint_y else weights.T, lanes=lowerer.machine.lanes)
        lowerer.work = lowerer.work.plus(Work(other=rows * depth * columns))
        lowerer.call(
            f"dense<{rows}, {depth}, {columns}, {activation}>",
            [op.inputs[0], Packed(packed)],
            [op.outputs[0]],
            comment=summary(lowerer, op),
            header="dense.hpp",
        )
        return
    batch = prod(lowerer.tensor(op.outputs[0]).shape[:-2])
    repeats = [prod(shape[:-2]) != batch for shape in (left, right)]
    words = [str(flag).lower() for flag in (adjoint_x, adjoint_y, *repeats)]
    while words and words[-1] == "false":
        words.pop()
    shape = f"MatmulShape<{', '.join([str(n) for n in (batch, rows, depth, columns)] + words)}>"
    lowerer.work = lowerer.work.plus(Work(other=batch * rows * depth * columns))
    lowerer.call(
        f"batchMatmul<{shape}, {activation}>",
        op.inputs[:2],
        [op.outputs[0], _scratch(lowerer, shape, (rows, depth, columns), adjoint_x)],
        comment=summary(lowerer, op),
        header="matmul.hpp",
    )


def _is_partial(left: tuple[int, ...], right: tuple[int, ...]) -> bool:
    """Tells whether a side repeats its matrices along some axes of the batch, but not all."""
    batch = np.broadcast_shapes(left[:-2], right[:-2])
    return any(prod(s[:-2]) not in (1, prod(batch)) for s in (left, right))


def _plain_product(lowerer: Lowerer, op: Operator) -> None:
    """Lowers products of any type, and any broadcast of the batch, by plain loops."""
    left, right = (lowerer.tensor(i).shape for i in op.inputs[:2])
    adjoint = adjoints_of(op)
    rows, depth = (left[-1], left[-2]) if adjoint[0] else (left[-2], left[-1])
    columns = right[-2] if adjoint[1] else right[-1]
    batch = np.broadcast_shapes(left[:-2], right[:-2])
    steps = [broadcast_strides(s[:-2], batch) for s in (left, right)]
    sizes = (axes(batch or (1,)), *(axes(s or (0,)) for s in steps), rows, depth, columns)
    words = ", ".join([*map(str, sizes), *(str(a).lower() for a in adjoint)])
    if fused(op).activation != IDENTITY:
        raise DeclineError("a fused activation")
    ctype(lowerer.tensor(op.inputs[0]))
    lowerer.work = lowerer.work.plus(Work(other=prod(batch) * rows * depth * columns))
    comment = summary(lowerer, op)
    function = f"matmulAny<{words}>"
    lowerer.call(function, op.inputs[:2], op.outputs, comment=comment, header="any_type.hpp")


def _scratch(lowerer: Lowerer, shape: str, sizes: tuple[int, int, int], adjoint_x: bool) -> Scratch:
    rows, depth, columns = sizes
    lanes = lowerer.machine.lanes
    floats = (depth + 1) * pad_to_lanes(columns, lanes)
    if adjoint_x:
        wide = pad_to_lanes(rows, lanes)
        floats += depth * wide + wide * pad_to_lanes(depth, lanes)
    return Scratch(floats * 4, f"kMatmulScratch<{shape}>")


@lowers("ATTENTION")
def attention(lowerer: Lowerer, op: Operator) -> None:
    """Lowers softmax(scale q kᵀ + mask) v for all heads; a mask is [queries, keys]."""
    require_float32(lowerer, op)
    shapes = [lowerer.tensor(i).shape for i in op.inputs[:3]]
    with_heads = [s if len(s) == 4 else (*s[:2], 1, s[2]) for s in shapes]
    (batch, queries, heads, depth), (_, keys, _, _), (_, _, _, width) = with_heads
    bits = int(np.float32(op.typed(Attention).scale).view(np.uint32))
    numbers = [batch, heads, queries, keys, depth, width]
    shape = f"AttentionShape<{', '.join(map(str, numbers))}, {bits}u>"
    lanes = lowerer.machine.lanes
    floats = (depth + 1) * pad_to_lanes(keys, lanes) + (keys + 1) * pad_to_lanes(width, lanes)
    floats += queries * pad_to_lanes(keys, lanes)
    count = batch * heads * queries * keys * (depth + width)
    lowerer.work = lowerer.work.plus(Work(other=count))
    lowerer.call(
        f"attention<{shape}>",
        op.inputs[:3],
        [op.outputs[0], Scratch(floats * 4, f"kAttentionScratch<{shape}>")],
        comment=summary(lowerer, op),
        header="attention.hpp",
        tail=op.inputs[3:],
        shared=Shared(
            f"kAttentionTasks<{shape}>",
            f"attentionRange<{shape}>({{0}}, {{1}}, {{2}}, {{3}}, {{4}}, "
            f"{'{5}' if op.inputs[3:] else 'nullptr'}, begin, end)",
            count,
            own_scratch=True,
        ),
    )
