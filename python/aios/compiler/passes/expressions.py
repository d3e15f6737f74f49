"""Turns elementwise operators into expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from aios.bundle.dtypes import CTYPES
from aios.compiler.attributes import IDENTITY, Elementwise, Rounding, fused
from aios.compiler.expression import Expression, c, constant_of, inputs_of, substitute, x
from aios.compiler.graph import Graph, Operator, Rewriter
from aios.compiler.options import activation_code

# The most terms of one sum.
MAX_TERMS = 16

# Operators whose function has their name in lower case.
_NAMED = (
    *(
        "ABS",
        "ACOS",
        "ACOSH",
        "ASIN",
        "ASINH",
        "ATAN",
        "ATANH",
        "CEIL",
        "COS",
        "COSH",
        "ELU",
        "ERF",
    ),
    *("ERFC", "EXP", "EXPM1", "FLOOR", "HARD_SWISH", "LGAMMA", "LOG", "LOG1P", "LOGISTIC", "NEG"),
    *("RELU", "ROUND", "RSQRT", "SIGN", "SIN", "SINH", "SOFTPLUS", "SQRT", "SQUARE", "TAN", "TANH"),
)
_UNARY = {
    **{kind: kind.lower() for kind in _NAMED},
    "BITWISE_NOT": "bit_not",
    "LOGICAL_NOT": "not",
}
_BINARY = {
    "ADD": "add",
    "ATAN2": "atan2",
    "BITWISE_AND": "bit_and",
    "BITWISE_OR": "bit_or",
    "BITWISE_XOR": "bit_xor",
    "DIV": "div",
    "EQUAL": "equal",
    "FLOOR_DIV": "floor_div",
    "FLOOR_MOD": "floor_mod",
    "GREATER": "greater",
    "GREATER_EQUAL": "greater_equal",
    "LEFT_SHIFT": "left_shift",
    "LESS": "less",
    "LESS_EQUAL": "less_equal",
    "LOGICAL_AND": "and",
    "LOGICAL_OR": "or",
    "MAXIMUM": "max",
    "MINIMUM": "min",
    "MUL": "mul",
    "NOT_EQUAL": "not_equal",
    "PRELU": "prelu",
    "RIGHT_SHIFT": "right_shift",
    "SUB": "sub",
    "TRUNCATE_DIV": "truncate_div",
    "TRUNCATE_MOD": "truncate_mod",
}
# The schema's ActivationFunctionType; a constant has the type of what it is compared with.
_FUSED: dict[int, Callable[[Expression, str], Expression]] = {
    0: lambda e, ctype: e,
    1: lambda e, ctype: ("relu", e),
    2: lambda e, ctype: ("min", c(1.0, ctype), ("max", c(-1.0, ctype), e)),
    3: lambda e, ctype: ("min", c(6.0, ctype), ("relu", e)),
    4: lambda e, ctype: ("tanh", e),
}


def _unless_zero(zero: Expression, value: Expression, ctype: str) -> Expression:
    """Returns 0 where an operand is 0, and another value elsewhere."""
    return ("select", ("equal", zero, c(0, ctype)), c(0, ctype), value)


_SPECIAL: dict[str, Callable[[Operator, str], Expression]] = {
    "DIV_NO_NAN": lambda op, ctype: _unless_zero(x(1), ("div", x(0), x(1)), ctype),
    "FILL": lambda op, ctype: x(1),
    "GELU": lambda op, ctype: ("gelu_tanh" if op.options.get("approximate") else "gelu", x(0)),
    "INV": lambda op, ctype: ("div", c(1, ctype), x(0)),
    "LEAKY_RELU": lambda op, ctype: (
        "leaky_relu", x(0), c(op.options.get("alpha") or 0.0, ctype),
    ),
    "MUL_NO_NAN": lambda op, ctype: _unless_zero(x(1), ("mul", x(0), x(1)), ctype),
    "ONES_LIKE": lambda op, ctype: c(1, ctype),
    "RELU6": lambda op, ctype: ("min", c(6.0, ctype), ("relu", x(0))),
    "RELU_0_TO_1": lambda op, ctype: ("min", c(1.0, ctype), ("max", c(0.0, ctype), x(0))),
    "RELU_N1_TO_1": lambda op, ctype: ("min", c(1.0, ctype), ("max", c(-1.0, ctype), x(0))),
    "ROUND_TO": lambda op, ctype: (f"round_to_{CTYPES[op.typed(Rounding).dtype].lower()}", x(0)),
    "SELU": lambda op, ctype: (
        "select",
        ("less", x(0), c(0, ctype)),
        ("mul", c(1.7580993408473766, ctype), ("expm1", x(0))),
        ("mul", c(1.0507009873554805, ctype), x(0)),
    ),
    "SOFTSIGN": lambda op, ctype: ("div", x(0), ("add", ("abs", x(0)), c(1, ctype))),
    "SQUARED_DIFFERENCE": lambda op, ctype: ("square", ("sub", x(0), x(1))),
    "XDIVY": lambda op, ctype: _unless_zero(x(0), ("div", x(0), x(1)), ctype),
    "XLOG1PY": lambda op, ctype: _unless_zero(x(0), ("mul", x(0), ("log1p", x(1))), ctype),
    "XLOGY": lambda op, ctype: _unless_zero(x(0), ("mul", x(0), ("log", x(1))), ctype),
    "ZEROS_LIKE": lambda op, ctype: c(0, ctype),
}  # fmt: skip


def elementwise_kinds() -> frozenset[str]:
    """Returns the operator kinds that become expressions."""
    return frozenset({*_UNARY, *_BINARY, *_SPECIAL, *_BY_GRAPH})


def fused_activation(op: Operator, ctype: str = "float") -> Expression | None:
    """Returns the activation that the converter fused, or None for one that is unknown."""
    function = _FUSED.get(activation_code(op))
    return None if function is None else function(x(0), ctype)


def canonicalise(graph: Graph) -> Graph:
    """Turns each elementwise operator into an ELEMENTWISE with an expression.

    The file's activation becomes a `Fused` one, on operators that are not elementwise.
    """
    rewriter = Rewriter(graph)
    for op in rewriter:
        expression = _expression(graph, op)
        if expression is None:
            activation = fused_activation(op)
            if activation is None or activation == IDENTITY:
                rewriter.emit(op)
            else:
                rewriter.emit(replace(op, attributes=replace(fused(op), activation=activation)))
        else:
            rewriter.emit(_elementwise(graph, op, expression))
    return rewriter.finish()


def _elementwise(graph: Graph, op: Operator, expression: Expression) -> Operator:
    """Makes the operator; constants of one value move into the expression."""
    used = inputs_of(expression)
    inputs: list[int] = []
    places: dict[int, Expression] = {}
    for place, index in enumerate(op.inputs):
        data = graph.constant(index)
        constant = None if data is None else constant_of(data)
        if constant is not None:
            places[place] = constant
            continue
        if place not in used:
            continue
        if index not in inputs:
            inputs.append(index)
        places[place] = x(inputs.index(index))
    attributes = Elementwise(substitute(expression, places))
    return Operator("ELEMENTWISE", tuple(inputs), op.outputs, attributes=attributes)


def _ctype(graph: Graph, index: int) -> str:
    return CTYPES.get(graph.tensors[index].dtype.name, "float")


def _expression(graph: Graph, op: Operator) -> Expression | None:
    """Returns an elementwise operator's expression over its inputs, or None for other operators."""
    base = _base_expression(graph, op)
    if base is None:
        return None
    activation = fused_activation(op, _ctype(graph, op.outputs[0]))
    return None if activation is None else substitute(activation, {0: base})


def _base_expression(graph: Graph, op: Operator) -> Expression | None:
    if op.kind in _UNARY:
        return (_UNARY[op.kind], x(0))
    if op.kind in _BY_GRAPH:
        return _BY_GRAPH[op.kind](graph, op)
    if op.kind in _BINARY:
        return (_BINARY[op.kind], x(0), x(1))
    special = _SPECIAL.get(op.kind)
    return None if special is None else special(op, _ctype(graph, op.outputs[0]))


def _sum(graph: Graph, op: Operator) -> Expression | None:
    total = x(0)
    for place in range(1, len(op.inputs)):
        total = ("add", total, x(place))
    return total if len(op.inputs) <= MAX_TERMS else None


def _power(graph: Graph, op: Operator) -> Expression:
    data = graph.constant(op.inputs[1])
    exponent = None if data is None else constant_of(data)
    simple: dict[float, Expression] = {
        1.0: x(0),
        2.0: ("square", x(0)),
        3.0: ("mul", x(0), ("square", x(0))),
        0.5: ("sqrt", x(0)),
        -0.5: ("rsqrt", x(0)),
        -1.0: ("div", c(1.0), x(0)),
    }
    known = exponent is not None and graph.tensors[op.inputs[0]].dtype == np.float32
    if exponent is not None and known and exponent[1] in simple:
        return simple[exponent[1]]
    return ("pow", x(0), x(1))


def _classified(graph: Graph, op: Operator) -> Expression:
    """Returns whether a number is infinite, finite, or none, by comparisons in its own type."""
    infinity = c(float("inf"), _ctype(graph, op.inputs[0]))
    magnitude: Expression = ("abs", x(0))
    if op.kind == "IS_NAN":
        return ("not_equal", x(0), x(0))
    return ("equal" if op.kind == "IS_INF" else "less", magnitude, infinity)


def _select(graph: Graph, op: Operator) -> Expression | None:
    if op.kind == "SELECT":
        condition, value = (graph.tensors[i] for i in op.inputs[:2])
        if len(condition.shape) == 1 and len(value.shape) > 1:
            return None
    return ("select", x(0), x(1), x(2))


def _cast(graph: Graph, op: Operator) -> Expression | None:
    result = CTYPES.get(graph.tensors[op.outputs[0]].dtype.name)
    return None if result is None else ("cast", result, x(0))


# What depends on more than the operator's attributes.
_BY_GRAPH: dict[str, Callable[[Graph, Operator], Expression | None]] = {
    "ADD_N": _sum,
    "CAST": _cast,
    "IS_FINITE": _classified,
    "IS_INF": _classified,
    "IS_NAN": _classified,
    "POW": _power,
    "SELECT": _select,
    "SELECT_V2": _select,
}
