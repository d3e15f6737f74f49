"""Reading and writing at positions that the call computes."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from aios.compiler.attributes import WriteRow
from aios.compiler.lowering.axes import axes
from aios.compiler.lowering.bodies import copy
from aios.compiler.lowering.core import DeclineError, Lowerer, lowers, summary
from aios.compiler.options import axis_of, batch_dims_of
from aios.compiler.program import Packed, Value

if TYPE_CHECKING:
    from aios.compiler.graph import Operator

_INDICES = ("int32", "int64", "uint8", "int16")


def _require_indices(lowerer: Lowerer, index: int) -> None:
    dtype = lowerer.tensor(index).dtype.name
    if dtype not in _INDICES:
        raise DeclineError(f"indices of {dtype}")


@lowers("GATHER", "EMBEDDING_LOOKUP")
def gather(lowerer: Lowerer, op: Operator) -> None:
    """Takes slices of an axis by index; an index out of range is taken as the nearest."""
    table, index = (op.inputs[1], op.inputs[0]) if op.kind != "GATHER" else op.inputs[:2]
    shape, indices = lowerer.tensor(table).shape, lowerer.tensor(index).shape
    axis = axis_of(op) % len(shape)
    batch = batch_dims_of(op) % (len(indices) + 1)
    counts = [prod(shape[batch:axis]), shape[axis], prod(indices[batch:]), prod(shape[axis + 1 :])]
    _require_indices(lowerer, index)
    function, header = "gather", "shape.hpp"
    if prod(indices[:batch]) > 1:
        function, header = "gatherBatches", "indexing.hpp"
        counts = [prod(indices[:batch]), *counts]
    lowerer.call(
        f"{function}<{', '.join(map(str, counts))}>",
        [table, index],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header=header,
    )


@lowers("GATHER_ND")
def gather_nd(lowerer: Lowerer, op: Operator) -> None:
    """Takes slices by indices of several axes."""
    table, index = (lowerer.tensor(i).shape for i in op.inputs[:2])
    depth = index[-1]
    _require_indices(lowerer, op.inputs[1])
    counts = f"{prod(index[:-1])}, {axes(table[:depth])}, {prod(table[depth:])}"
    lowerer.call(
        f"gatherNd<{counts}>",
        op.inputs[:2],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="indexing.hpp",
    )


@lowers("SCATTER_ND")
def scatter_nd(lowerer: Lowerer, op: Operator) -> None:
    """Adds updates to zeros, at indices of several axes."""
    out = lowerer.tensor(op.outputs[0])
    zero = Packed(np.zeros(1, out.dtype))
    comment = summary(lowerer, op)
    lowerer.call(f"fill<{out.size}>", [zero], op.outputs, comment=comment, header="shape.hpp")
    scatter(lowerer, op, (op.inputs[0], op.inputs[1]), "Add")


def scatter(lowerer: Lowerer, op: Operator, operands: tuple[int, int], join: str) -> None:
    """Joins updates with what the result has; `operands` are the indices and the updates."""
    index, out = lowerer.tensor(operands[0]).shape, lowerer.tensor(op.outputs[0]).shape
    depth = index[-1]
    _require_indices(lowerer, operands[0])
    counts = f"{prod(index[:-1])}, {axes(out[:depth])}, {prod(out[depth:])}"
    lowerer.call(
        f"scatterNd<{join}, {counts}>",
        operands,
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="indexing.hpp",
    )


_JOINS = {
    "TENSOR_SCATTER_ADD": "Add",
    "TENSOR_SCATTER_MAX": "Largest",
    "TENSOR_SCATTER_MIN": "Smallest",
    "TENSOR_SCATTER_SUB": "Subtract",
    "TENSOR_SCATTER_UPDATE": "Assign",
}


@lowers(*_JOINS)
def tensor_scatter(lowerer: Lowerer, op: Operator) -> None:
    """Joins updates with a copy of a tensor, at indices of several axes."""
    copy(lowerer, op.inputs[0], op.outputs[0], "all")
    scatter(lowerer, op, (op.inputs[1], op.inputs[2]), _JOINS[op.kind])


@lowers("DENSE_BINCOUNT")
def bincount(lowerer: Lowerer, op: Operator) -> None:
    """Counts the values of each row, or adds their weights, or tells which there are."""
    shape, out = lowerer.tensor(op.inputs[0]).shape, lowerer.tensor(op.outputs[0])
    rows = shape[0] if len(shape) == 2 else 1
    _require_indices(lowerer, op.inputs[0])
    weighted = lowerer.tensor(op.inputs[2]).size > 0
    flags = [str(bool(f)).lower() for f in (op.options.get("binary_output"), weighted)]
    numbers = [rows, prod(shape) // rows, out.shape[-1]]
    lowerer.call(
        f"bincount<{', '.join([*map(str, numbers), *flags])}>",
        [op.inputs[0], op.inputs[2]],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="indexing.hpp",
    )


@lowers("ONE_HOT")
def one_hot(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a one-hot encoding along any axis."""
    out = lowerer.tensor(op.outputs[0])
    axis = axis_of(op, -1) % len(out.shape)
    counts = prod(out.shape[:axis]), out.shape[axis], prod(out.shape[axis + 1 :])
    _require_indices(lowerer, op.inputs[0])
    lowerer.call(
        f"oneHot<{', '.join(map(str, counts))}>",
        [op.inputs[0], op.inputs[2], op.inputs[3]],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="shape.hpp",
    )


@lowers("WRITE_ROW")
def write_row(lowerer: Lowerer, op: Operator) -> None:
    """Replaces one row, in a copy or where the old value lies."""
    source, value, row = op.inputs
    out = lowerer.tensor(op.outputs[0])
    if op.typed(WriteRow).in_place:
        lowerer.alias(op.outputs[0], source)
    else:
        copy(lowerer, source, op.outputs[0], "all rows")
    lowerer.call(
        f"writeRow<{out.shape[0]}, {prod(out.shape[1:])}>",
        [value, row],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="indexing.hpp",
    )


@lowers("DYNAMIC_UPDATE_SLICE")
def update_slice(lowerer: Lowerer, op: Operator) -> None:
    """Replaces a box that begins at the third input."""
    shape, box = (lowerer.tensor(i).shape for i in op.inputs[:2])
    _require_indices(lowerer, op.inputs[2])
    copy(lowerer, op.inputs[0], op.outputs[0], "all")
    lowerer.call(
        f"updateAt<{axes(shape)}, {axes(box)}>",
        [op.inputs[1], Value(op.inputs[2])],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="indexing.hpp",
    )


# The join of each reduction over segments, and where an empty segment starts.
_SEGMENTS = {
    "SEGMENT_SUM": ("Sum", 0),
    "UNSORTED_SEGMENT_SUM": ("Sum", 0),
    "UNSORTED_SEGMENT_PROD": ("Product", 1),
    "UNSORTED_SEGMENT_MAX": ("Largest", "min"),
    "UNSORTED_SEGMENT_MIN": ("Smallest", "max"),
}


@lowers(*_SEGMENTS)
def segments(lowerer: Lowerer, op: Operator) -> None:
    """Reduces the rows of each segment."""
    shape, out = lowerer.tensor(op.inputs[0]).shape, lowerer.tensor(op.outputs[0])
    index = lowerer.tensor(op.inputs[1]).shape
    join, start = _SEGMENTS[op.kind]
    if isinstance(start, str):
        limits = np.finfo(out.dtype) if out.dtype.kind == "f" else np.iinfo(out.dtype)
        start = getattr(limits, start)
    _require_indices(lowerer, op.inputs[1])
    counts = prod(index), out.shape[0], prod(shape[len(index) :])
    lowerer.call(
        f"segments<{join}, {', '.join(map(str, counts))}>",
        [*op.inputs[:2], Packed(np.asarray([start], out.dtype))],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="indexing.hpp",
    )


@lowers("REVERSE_SEQUENCE")
def reverse_sequence(lowerer: Lowerer, op: Operator) -> None:
    """Reverses the beginning of each sample's steps."""
    shape = lowerer.tensor(op.inputs[0]).shape
    batch, steps = (int(op.options.get(name) or 0) for name in ("batch_dim", "seq_dim"))
    first, second = sorted((batch % len(shape), steps % len(shape)))
    counts = [prod(shape[:first]), shape[first], prod(shape[first + 1 : second]), shape[second]]
    numbers = ", ".join(map(str, [*counts, prod(shape[second + 1 :])]))
    _require_indices(lowerer, op.inputs[1])
    lowerer.call(
        f"reverseSequence<{numbers}, {str(batch < steps).lower()}>",
        op.inputs[:2],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="indexing.hpp",
    )
