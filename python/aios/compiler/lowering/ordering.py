"""Sorting, positions of extremes, bins, and sums that run along an axis."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from aios.compiler.lowering.core import Lowerer, ctype, lowers, summary
from aios.compiler.lowering.shape import constant
from aios.compiler.program import Packed

if TYPE_CHECKING:
    from aios.compiler.graph import Operator


@lowers("ARG_MAX", "ARG_MIN")
def arg_extreme(lowerer: Lowerer, op: Operator) -> None:
    """Lowers the position of the first largest or smallest element along an axis."""
    shape = lowerer.tensor(op.inputs[0]).shape
    axis = int(constant(lowerer, op, 1, "an axis")[0]) % len(shape)
    counts = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
    maximum = "true" if op.kind == "ARG_MAX" else "false"
    lowerer.call(
        f"argExtreme<{maximum}, {', '.join(map(str, counts))}>",
        [op.inputs[0]],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="reduce.hpp",
    )


@lowers("TOPK_V2")
def top_k(lowerer: Lowerer, op: Operator) -> None:
    """Lowers the largest elements of the last axis, in order; all of them when it sorts."""
    shape = lowerer.tensor(op.inputs[0]).shape
    kept = lowerer.tensor(op.outputs[0]).shape[-1]
    ctype(lowerer.tensor(op.inputs[0]))
    lowerer.call(
        f"topK<{prod(shape[:-1])}, {shape[-1]}, {kept}>",
        [op.inputs[0]],
        op.outputs[:2],
        comment=summary(lowerer, op),
        header="ordering.hpp",
    )


@lowers("BUCKETIZE")
def bucketize(lowerer: Lowerer, op: Operator) -> None:
    """Lowers the number of the bin in which each element lies."""
    boundaries = np.asarray(op.options.get("boundaries"), np.float32).reshape(-1)
    lowerer.call(
        f"bucketize<{lowerer.tensor(op.inputs[0]).size}, {boundaries.size}>",
        [op.inputs[0], Packed(boundaries)],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="ordering.hpp",
    )


_RUNNING = {"CUMSUM": "Total", "CUMPROD": "Multiply", "CUMULATIVE_LOGSUMEXP": "LogSumExp"}


@lowers(*_RUNNING)
def cumulative(lowerer: Lowerer, op: Operator) -> None:
    """Joins along an axis, keeping every partial result."""
    tensor = lowerer.tensor(op.inputs[0])
    axis = int(constant(lowerer, op, 1, "an axis")[0]) % len(tensor.shape)
    counts = prod(tensor.shape[:axis]), tensor.shape[axis], prod(tensor.shape[axis + 1 :])
    flags = [str(bool(op.options.get(f, False))).lower() for f in ("exclusive", "reverse")]
    ctype(tensor)
    lowerer.call(
        f"cumulative<{', '.join([_RUNNING[op.kind], *map(str, counts), *flags])}>",
        [op.inputs[0]],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="ordering.hpp",
    )
