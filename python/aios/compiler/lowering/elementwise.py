"""ELEMENTWISE: expressions of several tensors, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aios.compiler.attributes import Elementwise
from aios.compiler.expression import functions_of, has_vector_form, is_mask
from aios.compiler.expression_writer import scalar_struct, vector_struct
from aios.compiler.lowering.axes import axes, broadcast_strides, dense_strides, merge_axes
from aios.compiler.lowering.core import DeclineError, Lowerer, ctype, lowers, summary

if TYPE_CHECKING:
    from aios.compiler.graph import Operator

_INTEGER_FUNCTIONS = {
    "abs", "add", "and", "bit_and", "bit_not", "bit_or", "bit_xor", "cast", "div", "equal",
    "floor_div", "floor_mod", "greater", "greater_equal", "left_shift", "less", "less_equal", "max",
    "min", "mul", "neg", "not", "not_equal", "or", "pow", "relu", "right_shift", "select", "sign",
    "square", "sub", "truncate_div", "truncate_mod",
}  # fmt: skip


@lowers("ELEMENTWISE")
def elementwise(lowerer: Lowerer, op: Operator) -> None:
    """Lowers an expression: on vectors where all is float32, else element by element."""
    out = lowerer.tensor(op.outputs[0])
    expression = op.typed(Elementwise).expression
    tensors = [lowerer.tensor(i) for i in op.inputs]
    types = [ctype(t) for t in tensors]
    result = ctype(out)
    functions = functions_of(expression)
    floats = {"float", "double"}
    if not (floats & {*types, result}) and functions - _INTEGER_FUNCTIONS:
        raise DeclineError(f"{sorted(functions - _INTEGER_FUNCTIONS)} of {out.dtype.name}")
    strides = [broadcast_strides(t.shape, out.shape) for t in tensors]
    shape, steps = merge_axes(out.shape, *strides, dense_strides(out.shape))
    all_float = {*types, result} == {"float"}
    if all_float and not is_mask(expression) and has_vector_form(expression):
        name = lowerer.define("Expression", vector_struct(expression, len(tensors)))
        kernel = "Elementwise"
    else:
        name = lowerer.define("Expression", scalar_struct(expression, types, result))
        kernel = "Map"
    arguments = ", ".join([name, axes(shape), *(axes(s) for s in steps[:-1])])
    lowerer.call(
        f"{kernel}<{arguments}>::run",
        [],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="elementwise.hpp",
        tail=op.inputs,
    )
