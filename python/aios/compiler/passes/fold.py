"""Computes operators whose inputs are all constant."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aios.bundle.dtypes import numpy_dtype
from aios.compiler.attributes import Rounding
from aios.compiler.graph import MISSING, Array, Graph, Operator, Rewriter, Tensor
from aios.compiler.options import activation_code, axis_of
from aios.compiler.passes.shape_rules import infer_shape
from aios.compiler.passes.subgraphs import settle_bodies

# A constant larger than this isn't made by folding: a broadcast would bloat the weights.
MAX_FOLDED_BYTES = 64 << 20

# Zeros beyond this are written when they are needed, and not stored.
MAX_ZEROS_BYTES = 64 << 10

Fold = Callable[[Operator, list[Array], Tensor], Array]

_FOLDS: dict[str, Fold] = {
    "ADD": lambda op, v, out: v[0] + v[1],
    "BROADCAST_TO": lambda op, v, out: np.broadcast_to(v[0], out.shape),
    "CAST": lambda op, v, out: v[0].astype(out.dtype),
    "CONCATENATION": lambda op, v, out: np.concatenate(v, axis_of(op)),
    "DEQUANTIZE": lambda op, v, out: v[0].astype(np.float32),
    "DIV": lambda op, v, out: v[0] / v[1],
    "EXPAND_DIMS": lambda op, v, out: v[0].reshape(out.shape),
    "FILL": lambda op, v, out: np.full(out.shape, v[1], out.dtype),
    "GATHER": lambda op, v, out: np.take(v[0], v[1], axis_of(op)),
    "GREATER": lambda op, v, out: v[0] > v[1],
    "GREATER_EQUAL": lambda op, v, out: v[0] >= v[1],
    "LESS": lambda op, v, out: v[0] < v[1],
    "LESS_EQUAL": lambda op, v, out: v[0] <= v[1],
    "LOGICAL_AND": lambda op, v, out: v[0] & v[1],
    "LOGICAL_NOT": lambda op, v, out: ~v[0],
    "LOGICAL_OR": lambda op, v, out: v[0] | v[1],
    "MAXIMUM": lambda op, v, out: np.maximum(v[0], v[1]),
    "MINIMUM": lambda op, v, out: np.minimum(v[0], v[1]),
    "MUL": lambda op, v, out: v[0] * v[1],
    "NEG": lambda op, v, out: -v[0],
    "PACK": lambda op, v, out: np.stack(v, axis_of(op)),
    "RANGE": lambda op, v, out: v[0] + v[2] * np.arange(out.size).astype(out.dtype),
    "RESHAPE": lambda op, v, out: v[0].reshape(out.shape),
    "REVERSE_V2": lambda op, v, out: np.flip(v[0], tuple(int(a) for a in v[1])),
    "ROUND_TO": lambda op, v, out: (
        v[0].astype(numpy_dtype(op.typed(Rounding).dtype)).astype(out.dtype)
    ),
    "RSQRT": lambda op, v, out: np.asarray(1 / np.sqrt(v[0].astype(np.float64))),
    "SQRT": lambda op, v, out: np.sqrt(v[0]),
    "SQUEEZE": lambda op, v, out: v[0].reshape(out.shape),
    "SUB": lambda op, v, out: v[0] - v[1],
    "TILE": lambda op, v, out: np.tile(v[0], tuple(int(n) for n in v[1])),
    "TRANSPOSE": lambda op, v, out: np.transpose(v[0], tuple(int(a) for a in v[1])),
}


def fold_constants(graph: Graph) -> Graph:
    """Replaces operators on constants by their values; float16 constants become float32.

    Sizes that the file leaves open are computed on the way, where they follow from the inputs.
    """
    rewriter = Rewriter(graph)
    draws: set[int] = set()
    made: dict[int, Operator] = {}
    for source in rewriter:
        op = settle_bodies(rewriter, source, fold_constants)
        infer_shape(rewriter, op)
        if op.kind == "RANDOM_UNIFORM":
            draws.add(op.outputs[0])
        value = _kept_by_dropout(rewriter, op) if draws.issuperset(op.inputs[:1]) else None
        if value is None:
            value = _value(rewriter, op)
        if value is None:
            value = _clamped(rewriter, op, made.get(op.inputs[0]) if op.inputs else None)
        if value is None:
            rewriter.emit(op)
            made.update(dict.fromkeys(op.outputs, op))
        else:
            rewriter.set_constant(op.outputs[0], value)
    return rewriter.finish()


def foldable_kinds() -> frozenset[str]:
    """Returns the operator kinds that are computed here when their inputs are known."""
    return frozenset({*_FOLDS, *_OF_SHAPES})


def _value(rewriter: Rewriter, op: Operator) -> Array | None:
    out = rewriter.tensors[op.outputs[0]] if len(op.outputs) == 1 else None
    if out is None or activation_code(op):
        return None
    if op.kind in _OF_SHAPES:
        return _OF_SHAPES[op.kind](rewriter.tensors[op.inputs[0]].shape, out)
    fold = _FOLDS.get(op.kind)
    values = [rewriter.tensors[i].data for i in op.inputs if i != MISSING]
    known = [v for v in values if v is not None]
    if fold is None or len(known) != len(values) or not values or -1 in out.shape:
        return None
    if out.nbytes > MAX_FOLDED_BYTES or (op.kind == "DEQUANTIZE" and known[0].dtype != np.float16):
        return None
    with np.errstate(all="ignore"):
        return np.asarray(fold(op, known, out))


def _kept_by_dropout(rewriter: Rewriter, op: Operator) -> Array | None:
    """What a dropout of rate 0 keeps: everything, as no draw from [0, 1) lies below its rate."""
    if op.kind != "GREATER_EQUAL":
        return None
    rate, out = rewriter.tensors[op.inputs[1]].data, rewriter.tensors[op.outputs[0]]
    if rate is None or (rate > 0).any() or -1 in out.shape or out.nbytes > MAX_FOLDED_BYTES:
        return None
    return np.ones(out.shape, out.dtype)


def _clamped(rewriter: Rewriter, op: Operator, inner: Operator | None) -> Array | None:
    """Returns c of min(max(x, a), c) with a >= c, or of max(min(x, a), c) with a <= c."""
    wanted = {"MINIMUM": "MAXIMUM", "MAXIMUM": "MINIMUM"}.get(op.kind)
    if inner is None or wanted is None or inner.kind != wanted:
        return None
    (bound, last) = (rewriter.tensors[o.inputs[1]].data for o in (inner, op))
    if bound is None or last is None or last.dtype.kind not in "iu" or last.size != 1:
        return None
    empty = bound >= last if op.kind == "MINIMUM" else bound <= last
    out = rewriter.tensors[op.outputs[0]]
    return np.broadcast_to(last, out.shape) if empty.all() and -1 not in out.shape else None


def _zeros(shape: tuple[int, ...], out: Tensor) -> Array | None:
    small = -1 not in out.shape and out.nbytes <= MAX_ZEROS_BYTES
    return np.zeros(out.shape, out.dtype) if small else None


# What follows from the shape of an input, constant or not.
_OF_SHAPES: dict[str, Callable[[tuple[int, ...], Tensor], Array | None]] = {
    "RANK": lambda shape, out: np.asarray(len(shape), out.dtype),
    "SHAPE": lambda shape, out: None if -1 in shape else np.asarray(shape, out.dtype),
    "ZEROS_LIKE": _zeros,
}
