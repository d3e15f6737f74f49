"""Shapes that a file leaves open and that follow from the inputs.

They are open in loops, and behind operators that are TensorFlow's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from aios.compiler.graph import MISSING, Operator, Rewriter, Tensor
from aios.compiler.options import adjoints_of, axis_of, batch_dims_of
from aios.compiler.passes.expressions import elementwise_kinds

Shape = tuple[int, ...]
# Returns the shape of the output from the inputs' tensors; None when it isn't known.
Rule = Callable[[Operator, list[Tensor]], "Shape | None"]


def infer_shape(rewriter: Rewriter, op: Operator) -> None:
    """Sets the shape of an operator's only output where it isn't known but follows."""
    if len(op.outputs) != 1 or -1 not in rewriter.tensors[op.outputs[0]].shape:
        return
    tensors = [rewriter.tensors[i] for i in op.inputs if i != MISSING]
    rule = _RULES.get(op.kind)
    if op.kind in elementwise_kinds() and op.kind != "FILL":
        rule = _broadcast
    if rule is None or (op.kind not in _CONSTANTS and any(-1 in t.shape for t in tensors)):
        return
    shape = rule(op, tensors)
    if shape is not None and -1 not in shape:
        out = op.outputs[0]
        rewriter.tensors[out] = replace(rewriter.tensors[out], shape=shape)


def _broadcast(op: Operator, tensors: list[Tensor]) -> Shape | None:
    return tuple(np.broadcast_shapes(*(t.shape for t in tensors)))


def _first(op: Operator, tensors: list[Tensor]) -> Shape | None:
    return tensors[0].shape


def _constant_shape(op: Operator, tensors: list[Tensor]) -> Shape | None:
    data = tensors[0 if op.kind == "FILL" else 1].data
    return None if data is None else tuple(int(n) for n in data.reshape(-1))


def _reshape(op: Operator, tensors: list[Tensor]) -> Shape | None:
    wanted = _constant_shape(op, tensors) if len(tensors) > 1 else None
    if wanted is None or -1 in tensors[0].shape or wanted.count(-1) > 1:
        return None
    known = prod(n for n in wanted if n != -1)
    rest = prod(tensors[0].shape) // known if known else 0
    return tuple(rest if n == -1 else n for n in wanted)


def _concatenation(op: Operator, tensors: list[Tensor]) -> Shape | None:
    shape = list(tensors[0].shape)
    axis = axis_of(op) % len(shape)
    shape[axis] = sum(t.shape[axis] for t in tensors)
    return tuple(shape)


def _pack(op: Operator, tensors: list[Tensor]) -> Shape | None:
    shape = tensors[0].shape
    axis = axis_of(op) % (len(shape) + 1)
    return (*shape[:axis], len(tensors), *shape[axis:])


def _transpose(op: Operator, tensors: list[Tensor]) -> Shape | None:
    order = tensors[1].data
    return None if order is None else tuple(tensors[0].shape[int(a)] for a in order)


def _gather(op: Operator, tensors: list[Tensor]) -> Shape | None:
    table, index = tensors[0].shape, tensors[1].shape
    axis = axis_of(op) % len(table)
    batch = batch_dims_of(op) % (len(index) + 1)
    return (*table[:axis], *index[batch:], *table[axis + 1 :])


def _dense(op: Operator, tensors: list[Tensor]) -> Shape | None:
    source, (columns, depth) = tensors[0].shape, tensors[1].shape
    if op.options.get("keep_num_dims"):
        return (*source[:-1], columns)
    return (prod(source) // depth, columns)


def _matmul(op: Operator, tensors: list[Tensor]) -> Shape | None:
    left, right = tensors[0].shape, tensors[1].shape
    rows = left[-1] if adjoints_of(op)[0] else left[-2]
    columns = right[-2] if adjoints_of(op)[1] else right[-1]
    return (*np.broadcast_shapes(left[:-2], right[:-2]), rows, columns)


def _reduction(op: Operator, tensors: list[Tensor]) -> Shape | None:
    axes, shape = tensors[1].data, tensors[0].shape
    if axes is None:
        return None
    gone = {int(a) % len(shape) for a in axes.reshape(-1)}
    kept = op.options.get("keep_dims")
    return tuple(1 if a in gone else n for a, n in enumerate(shape) if kept or a not in gone)


def _slice(op: Operator, tensors: list[Tensor]) -> Shape | None:
    begin, size = tensors[1].data, tensors[2].data
    if size is None or (begin is None and (size == -1).any()):
        return None
    starts: Sequence[int] = [0] * size.size if begin is None else [int(b) for b in begin]
    bounds = zip(tensors[0].shape, starts, size, strict=True)
    return tuple(n - b if int(s) == -1 else int(s) for n, b, s in bounds)


def _pad(op: Operator, tensors: list[Tensor]) -> Shape | None:
    pads = tensors[1].data
    if pads is None:
        return None
    return tuple(n + int(a) + int(b) for n, (a, b) in zip(tensors[0].shape, pads, strict=True))


def _tile(op: Operator, tensors: list[Tensor]) -> Shape | None:
    times = tensors[1].data
    if times is None:
        return None
    return tuple(n * int(t) for n, t in zip(tensors[0].shape, times, strict=True))


def _bincount(op: Operator, tensors: list[Tensor]) -> Shape | None:
    size = tensors[1].data
    return None if size is None else (*tensors[0].shape[:-1], int(size.item()))


# These take the output's shape from a constant, whatever the input's is.
_CONSTANTS = frozenset({"BROADCAST_TO", "FILL", "RESHAPE"})
_REDUCTIONS = (
    *("MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ANY", "REDUCE_ALL"),
)
_RULES: dict[str, Rule] = {
    "BATCH_MATMUL": _matmul,
    "BROADCAST_TO": _constant_shape,
    "CONCATENATION": _concatenation,
    "CUMPROD": _first,
    "CUMSUM": _first,
    "DENSE_BINCOUNT": _bincount,
    "FILL": _constant_shape,
    "FULLY_CONNECTED": _dense,
    "GATHER": _gather,
    "LOG_SOFTMAX": _first,
    "PACK": _pack,
    "PAD": _pad,
    "PADV2": _pad,
    "RESHAPE": _reshape,
    "REVERSE_V2": _first,
    "SLICE": _slice,
    "SOFTMAX": _first,
    "TILE": _tile,
    "TRANSPOSE": _transpose,
    "WRITE_ROW": _first,
    **dict.fromkeys(_REDUCTIONS, _reduction),
}
