"""Reductions over axes."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from aios.compiler.lowering.axes import axes, dense_strides, merge_axes
from aios.compiler.lowering.core import DeclineError, Lowerer, ctype, lowers, summary
from aios.compiler.lowering.shape import constant

if TYPE_CHECKING:
    from aios.compiler.graph import Operator

_OPERATIONS = {
    "MEAN": "Sum",
    "SUM": "Sum",
    "REDUCE_PROD": "Product",
    "REDUCE_MAX": "Largest",
    "REDUCE_MIN": "Smallest",
    "REDUCE_ANY": "Any",
    "REDUCE_ALL": "All",
}


@lowers(*_OPERATIONS)
def reduce(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a reduction: neighbouring axes of float32 by vectors, anything else by elements."""
    tensor = lowerer.tensor(op.inputs[0])
    rank = len(tensor.shape)
    reduced = {int(a) % max(1, rank) for a in constant(lowerer, op, 1, "axes")}
    reduced = {a for a in reduced if tensor.shape[a] != 1}
    count = prod(tensor.shape[a] for a in reduced)
    if not reduced:
        lowerer.alias(op.outputs[0], op.inputs[0])
        return
    if 0 in tensor.shape:
        raise DeclineError("an empty tensor")
    first, last = min(reduced), max(reduced)
    between = [a for a in range(first, last + 1) if a not in reduced and tensor.shape[a] != 1]
    operation = _OPERATIONS[op.kind]
    comment = summary(lowerer, op)
    if tensor.dtype.name == "float32" and not between:
        counts = [prod(tensor.shape[:first]), count, prod(tensor.shape[last + 1 :])]
        counts += [count] if op.kind == "MEAN" else []
        function = f"reduce<{operation}, {', '.join(map(str, counts))}>"
    else:
        if op.kind == "MEAN" and ctype(tensor) not in ("float", "double"):
            raise DeclineError(f"dtype {tensor.dtype.name}")
        strides = dense_strides(tensor.shape)
        kept = [a for a in range(rank) if a not in reduced]
        outer, (outer_steps,) = merge_axes(
            [tensor.shape[a] for a in kept], [strides[a] for a in kept]
        )
        inner_axes = sorted(reduced)
        inner, (inner_steps,) = merge_axes(
            [tensor.shape[a] for a in inner_axes], [strides[a] for a in inner_axes]
        )
        arguments = ", ".join(map(axes, (outer, outer_steps, inner, inner_steps)))
        function = f"meanAny<{arguments}>"
        if op.kind != "MEAN":
            function = f"reduceAny<{operation}, {arguments}>"
    lowerer.call(function, [op.inputs[0]], [op.outputs[0]], comment=comment, header="reduce.hpp")
