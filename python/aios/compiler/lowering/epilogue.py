"""What a kernel does to its result before it stores it: an activation and a residual add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aios.compiler.attributes import fused
from aios.compiler.expression_writer import vector_struct
from aios.compiler.program import Operand, Value

if TYPE_CHECKING:
    from aios.compiler.expression import Expression
    from aios.compiler.graph import Operator
    from aios.compiler.lowering.core import Lowerer

_NAMED = {
    ("x", 0): "Identity",
    ("relu", ("x", 0)): "Relu",
    ("min", ("c", 6.0), ("relu", ("x", 0))): "Relu6",
    ("logistic", ("x", 0)): "Sigmoid",
    ("tanh", ("x", 0)): "Tanh",
    ("gelu", ("x", 0)): "Gelu",
    ("gelu_tanh", ("x", 0)): "GeluTanh",
    ("elu", ("x", 0)): "Elu",
    ("hard_swish", ("x", 0)): "HardSwish",
    ("softplus", ("x", 0)): "Softplus",
    ("silu", ("x", 0)): "Silu",
}


@dataclass(frozen=True, slots=True)
class ResidualUse:
    """How a fused residual appears in a call.

    Attributes:
        template: The template argument, with its comma; empty when there is none.
        operands: The residual's pointer, or nothing.
    """

    template: str
    operands: tuple[Operand, ...]


def activation_type(lowerer: Lowerer, expression: Expression) -> str:
    """Returns the C++ activation type of a unary expression, defining it when it has no name."""
    named = _NAMED.get(expression)
    return named or lowerer.define("Activation", vector_struct(expression, 1))


def epilogue(lowerer: Lowerer, op: Operator) -> tuple[str, ResidualUse]:
    """Returns the activation type and the residual of an operator that passes have fused."""
    moved = fused(op)
    activation = activation_type(lowerer, moved.activation)
    if moved.residual is None:
        return activation, ResidualUse("", ())
    place = "kAfterActivation" if moved.residual_after else "kBeforeActivation"
    return activation, ResidualUse(f", Residual::{place}", (Value(moved.residual),))
