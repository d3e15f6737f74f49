"""Gathers elementwise operators into expressions, and chains of them into one operator."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from aios.compiler.expression import (
    SCALAR_ONLY,
    Expression,
    c,
    functions_of,
    is_mask,
    simplify,
    size,
    substitute,
    x,
)
from aios.compiler.graph import CTYPES, MISSING, Graph, Operator, Rewriter, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

# The most inputs and functions of one merged operator: what registers hold.
MAX_INPUTS = 6
MAX_FUNCTIONS = 40

_UNARY = {
    "ABS": "abs",
    "CEIL": "ceil",
    "COS": "cos",
    "ELU": "elu",
    "EXP": "exp",
    "FLOOR": "floor",
    "HARD_SWISH": "hard_swish",
    "LOG": "log",
    "LOGICAL_NOT": "not",
    "LOGISTIC": "logistic",
    "NEG": "neg",
    "RELU": "relu",
    "ROUND": "round",
    "RSQRT": "rsqrt",
    "SIGN": "sign",
    "SIN": "sin",
    "SQRT": "sqrt",
    "SQUARE": "square",
    "TANH": "tanh",
}
_BINARY = {
    "ADD": "add",
    "DIV": "div",
    "EQUAL": "equal",
    "FLOOR_DIV": "floor_div",
    "FLOOR_MOD": "floor_mod",
    "GREATER": "greater",
    "GREATER_EQUAL": "greater_equal",
    "LESS": "less",
    "LESS_EQUAL": "less_equal",
    "LOGICAL_AND": "and",
    "LOGICAL_OR": "or",
    "MAXIMUM": "max",
    "MINIMUM": "min",
    "MUL": "mul",
    "NOT_EQUAL": "not_equal",
    "POW": "pow",
    "PRELU": "prelu",
    "SUB": "sub",
}
# The schema's ActivationFunctionType.
_FUSED: dict[int, Callable[[Expression], Expression]] = {
    0: lambda e: e,
    1: lambda e: ("relu", e),
    2: lambda e: ("min", c(1.0), ("max", c(-1.0), e)),
    3: lambda e: ("min", c(6.0), ("relu", e)),
    4: lambda e: ("tanh", e),
}


def fused_activation(op: Operator) -> Expression | None:
    """Returns the activation that the converter fused, or None for one that is unknown."""
    function = _FUSED.get(int(op.attributes.get("fused_activation_function", 0)))
    return None if function is None else function(x(0))


def canonicalise(graph: Graph) -> Graph:
    """Turns each elementwise operator into an ELEMENTWISE with an expression.

    A fused activation becomes an `activation` attribute, on operators that are not elementwise.
    """
    rewriter = Rewriter(graph)
    for op in rewriter:
        expression = _expression(graph, op)
        if expression is None:
            activation = fused_activation(op)
            attributes = {**op.attributes, "activation": activation or x(0)}
            rewriter.emit(replace(op, attributes=attributes) if activation else op)
        else:
            rewriter.emit(_elementwise(graph, op, expression))
    return rewriter.finish()


def _elementwise(graph: Graph, op: Operator, expression: Expression) -> Operator:
    """Makes the operator; constants of one value move into the expression."""
    inputs: list[int] = []
    places: dict[int, Expression] = {}
    for place, index in enumerate(op.inputs):
        scalar = _scalar(graph.tensors[index]) if index != MISSING else None
        if scalar is not None:
            places[place] = ("c", scalar)
            continue
        if index not in inputs:
            inputs.append(index)
        places[place] = x(inputs.index(index))
    return Operator(
        "ELEMENTWISE", tuple(inputs), op.outputs, {"expression": substitute(expression, places)}
    )


def _scalar(tensor: Tensor) -> Any:
    """Returns the value of a constant that has only one."""
    if tensor.data is None or tensor.size == 0:
        return None
    first = tensor.data.reshape(-1)[0]
    if tensor.size > 1 and not bool(np.all(tensor.data == first)):
        return None
    return first.item()


def _expression(graph: Graph, op: Operator) -> Expression | None:
    """Returns an elementwise operator's expression over its inputs, or None for other operators."""
    base = _base_expression(graph, op)
    if base is None:
        return None
    activation = fused_activation(op)
    return None if activation is None else substitute(activation, {0: base})


def _base_expression(graph: Graph, op: Operator) -> Expression | None:
    kind = op.kind
    if kind in _UNARY:
        return (_UNARY[kind], x(0))
    if kind == "POW":
        return _power(graph, op)
    if kind in _BINARY:
        return (_BINARY[kind], x(0), x(1))
    if kind in ("SELECT", "SELECT_V2"):
        return _select(graph, op)
    if kind == "CAST":
        return _cast(graph, op)
    special: dict[str, Expression] = {
        "SQUARED_DIFFERENCE": ("square", ("sub", x(0), x(1))),
        "RELU6": ("min", c(6.0), ("relu", x(0))),
        "RELU_N1_TO_1": ("min", c(1.0), ("max", c(-1.0), x(0))),
        "RELU_0_TO_1": ("min", c(1.0), ("max", c(0.0), x(0))),
        "LEAKY_RELU": ("leaky_relu", x(0), c(op.attributes.get("alpha") or 0.0)),
        "GELU": ("gelu_tanh" if op.attributes.get("approximate") else "gelu", x(0)),
    }
    return special.get(kind)


def _power(graph: Graph, op: Operator) -> Expression:
    exponent = _scalar(graph.tensors[op.inputs[1]])
    simple: dict[float, Expression] = {
        1.0: x(0),
        2.0: ("square", x(0)),
        3.0: ("mul", x(0), ("square", x(0))),
        0.5: ("sqrt", x(0)),
        -0.5: ("rsqrt", x(0)),
        -1.0: ("div", c(1.0), x(0)),
    }
    if graph.tensors[op.inputs[0]].dtype == np.float32 and exponent in simple:
        return simple[exponent]
    return ("pow", x(0), x(1))


def _select(graph: Graph, op: Operator) -> Expression | None:
    if op.kind == "SELECT":
        condition, value = (graph.tensors[i] for i in op.inputs[:2])
        if len(condition.shape) == 1 and len(value.shape) > 1:
            return None
    return ("select", x(0), x(1), x(2))


def _cast(graph: Graph, op: Operator) -> Expression | None:
    result = CTYPES.get(graph.tensors[op.outputs[0]].dtype.name)
    return None if result is None else ("cast", result, x(0))


def is_vector(graph: Graph, op: Operator) -> bool:
    """Tells whether an ELEMENTWISE works on vectors of float32 throughout."""
    expression = op["expression"]
    tensors = [graph.tensors[i] for i in (*op.inputs, *op.outputs)]
    return (
        all(t.dtype == np.float32 for t in tensors)
        and not is_mask(expression)
        and not functions_of(expression) & SCALAR_ONLY
    )


def merge_elementwise(graph: Graph) -> Graph:
    """Merges an ELEMENTWISE into its only reader, when that is one of the same shape and form."""
    while True:
        merged = _merge_once(graph)
        if merged is None:
            return graph
        graph = merged


def _merge_once(graph: Graph) -> Graph | None:
    consumers = graph.consumers()
    merged: dict[int, Operator] = {}
    gone: set[int] = set()
    producers = graph.producers()
    for op in graph.operators:
        if op.kind != "ELEMENTWISE":
            continue
        for index in op.inputs:
            producer = producers.get(index)
            if producer is None or id(producer) in merged or id(op) in merged:
                continue
            fused = _merged(graph, producer, op, consumers)
            if fused is not None:
                merged[id(op)] = fused
                merged[id(producer)] = producer
                gone.add(id(producer))
    if not gone:
        return None
    return graph.with_operators(
        merged.get(id(op), op) for op in graph.operators if id(op) not in gone
    )


def _merged(
    graph: Graph, producer: Operator, op: Operator, consumers: dict[int, list[Operator]]
) -> Operator | None:
    if producer.kind != "ELEMENTWISE" or producer.outputs[0] in graph.outputs:
        return None
    result = producer.outputs[0]
    if len(consumers[result]) != 1:
        return None
    if graph.tensors[result].shape != graph.tensors[op.outputs[0]].shape:
        return None
    inputs = [i for i in op.inputs if i != result]
    inputs += [i for i in producer.inputs if i not in inputs]
    inner = {p: x(inputs.index(i)) for p, i in enumerate(producer.inputs)}
    value = substitute(producer["expression"], inner)
    outer = {p: value if i == result else x(inputs.index(i)) for p, i in enumerate(op.inputs)}
    expression = simplify(substitute(op["expression"], outer))
    fused = Operator("ELEMENTWISE", tuple(inputs), op.outputs, {"expression": expression})
    if len(inputs) > MAX_INPUTS or size(expression) > MAX_FUNCTIONS:
        return None
    both_vector = is_vector(graph, producer) or _mask_for_vector(graph, producer)
    if not both_vector or not is_vector(graph, fused):
        return None
    return fused


def _mask_for_vector(graph: Graph, op: Operator) -> bool:
    """Tells whether an ELEMENTWISE makes a truth value from float32 vectors."""
    return is_mask(op["expression"]) and all(
        graph.tensors[i].dtype == np.float32 for i in op.inputs
    )
