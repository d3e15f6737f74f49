"""Moves elementwise operators into the kernel that makes their operand."""

from __future__ import annotations

from dataclasses import replace

from aios.compiler.attributes import Elementwise, fused
from aios.compiler.expression import Expression, inputs_of, simplify, substitute, x
from aios.compiler.graph import MISSING, Graph, Operator
from aios.compiler.passes.merging import is_vector

# The kinds that have an epilogue, with the number of their own inputs.
_ARITY = {"FULLY_CONNECTED": 3, "CONV_2D": 3, "DEPTHWISE_CONV_2D": 3}
# These apply an activation, but can't add a residual.
_ACTIVATION_ONLY = frozenset({"BATCH_MATMUL", "TRANSPOSE_CONV"})
EPILOGUE_KINDS = frozenset(_ARITY) | _ACTIVATION_ONLY


def fuse_epilogues(graph: Graph) -> Graph:
    """Fuses `f(y)`, `f(y + r)` and `f(y) + r` into the operator that computes y.

    Only when nobody else reads y; r has y's shape and is known when the fused operator runs, at the
    place of the elementwise one.
    """
    while True:
        fused = _fuse_once(graph)
        if fused is None:
            return graph
        graph = fused


def _fuse_once(graph: Graph) -> Graph | None:
    producers, consumers = graph.producers(), graph.consumers()
    for op in graph.operators:
        if op.kind != "ELEMENTWISE" or not is_vector(graph, op):
            continue
        for index in op.inputs:
            producer = producers.get(index)
            if producer is None or producer.kind not in EPILOGUE_KINDS:
                continue
            if len(consumers[index]) != 1 or index in graph.outputs:
                continue
            fused = _fused(graph, producer, op, index)
            if fused is not None:
                kept = (o for o in graph.operators if o is not producer)
                return graph.with_operators(fused if o is op else o for o in kept)
    return None


def _fused(graph: Graph, producer: Operator, op: Operator, index: int) -> Operator | None:
    moved = fused(producer)
    if moved.residual is not None or len(op.inputs) > 2:
        return None
    same = {graph.tensors[i].size for i in (*op.inputs, *op.outputs)}
    if len(same) != 1:
        return None
    place = op.inputs.index(index)
    expression = op.typed(Elementwise).expression
    before = moved.activation
    if len(op.inputs) == 1:
        activation = simplify(substitute(expression, {0: before}))
        attributes = replace(moved, activation=activation)
        return replace(producer, outputs=op.outputs, attributes=attributes)
    split = _split_residual(expression, place, 1 - place)
    if split is None or producer.kind in _ACTIVATION_ONLY or _is_grouped(graph, producer):
        return None
    activation, after = split
    if not after and before != x(0):
        if activation != x(0):
            return None
        activation, after = before, True
    elif after:
        activation = substitute(activation, {0: before})
    residual = op.inputs[1 - place]
    attributes = replace(moved, activation=activation, residual=residual, residual_after=after)
    missing = (MISSING,) * (_ARITY[producer.kind] - len(producer.inputs))
    inputs = (*producer.inputs, *missing, residual)
    return replace(producer, inputs=inputs, outputs=op.outputs, attributes=attributes)


def _is_grouped(graph: Graph, op: Operator) -> bool:
    if op.kind != "CONV_2D":
        return False
    return graph.tensors[op.inputs[1]].shape[3] != graph.tensors[op.inputs[0]].shape[3]


def _split_residual(
    expression: Expression, main: int, other: int
) -> tuple[Expression, bool] | None:
    """Splits into (activation of x0, whether the residual is added after it)."""
    if expression[0] == "add":
        for value, residual in ((expression[1], expression[2]), (expression[2], expression[1])):
            if residual == x(other) and inputs_of(value) == {main}:
                if value == x(main):
                    return x(0), False
                return substitute(value, {main: x(0)}), True
    for addition in (("add", x(main), x(other)), ("add", x(other), x(main))):
        replaced = _replace(expression, addition)
        if inputs_of(replaced) == {0}:
            return replaced, False
    return None


def _replace(expression: Expression, part: Expression) -> Expression:
    """Replaces `part` by an input numbered 0 and marks other inputs by other numbers."""
    if expression == part:
        return x(0)
    if expression[0] == "x":
        return x(expression[1] + 1)
    if expression[0] == "c":
        return expression
    return (expression[0], *(_replace(e, part) for e in expression[1:]))
