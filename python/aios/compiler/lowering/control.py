"""WHILE and IF: loops of any number of trips, and branches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aios.compiler.attributes import BranchBodies, LoopBodies
from aios.compiler.lowering.bodies import copy, inline, keep_states, write_in_place
from aios.compiler.lowering.core import DeclineError, Lowerer, lowers, summary
from aios.compiler.program import Branch, Value, While

if TYPE_CHECKING:
    from aios.compiler.graph import Graph, Operator
    from aios.compiler.program import Statement


@lowers("WHILE")
def loop(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a loop until its condition fails; what it changes lives in memory of its own."""
    bodies = op.typed(LoopBodies)
    body = bodies.body
    shapes = [lowerer.tensor(i).shape for i in op.inputs]
    if any(-1 in s for s in shapes) or shapes != [body.tensors[i].shape for i in body.outputs]:
        raise DeclineError("a state whose shape changes or is not static")
    changed = [p for p, i in enumerate(body.inputs) if body.outputs[p] != i]
    states: dict[int, int] = {}
    for place in changed:
        tensor = lowerer.tensor(op.inputs[place])
        states[place] = lowerer.temporary(tensor.shape, tensor.dtype.name)
        copy(lowerer, op.inputs[place], states[place], "initial state")
    given = [states.get(place, outer) for place, outer in enumerate(op.inputs)]
    condition, (flag,) = _inside(lowerer, bodies.condition, given)
    body = write_in_place(body, dict(zip(body.outputs, body.inputs, strict=True)))
    statements, news = _inside(lowerer, body, given)
    start = lowerer.position
    keep_states(lowerer, list(states.values()), [news[p] for p in changed])
    statements += lowerer.take_statements(start)
    lowerer.append(While(condition, Value(flag), statements, summary(lowerer, op)))
    for index, owner in zip(op.outputs, given, strict=True):
        lowerer.alias(index, owner)


@lowers("IF")
def branch(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a branch: both sides write the same results."""
    shapes = [lowerer.tensor(i).shape for i in op.outputs]
    sides = []
    bodies = op.typed(BranchBodies)
    for side in (bodies.then, bodies.otherwise):
        if shapes != [side.tensors[i].shape for i in side.outputs]:
            raise DeclineError("sides of different shapes")
        statements, results = _inside(lowerer, side, op.inputs[1:])
        start = lowerer.position
        for index, result in zip(op.outputs, results, strict=True):
            copy(lowerer, result, index, "result")
        sides.append(statements + lowerer.take_statements(start))
    lowerer.append(Branch(Value(op.inputs[0]), sides[0], sides[1], summary(lowerer, op)))


def _inside(
    lowerer: Lowerer, body: Graph, given: list[int] | tuple[int, ...]
) -> tuple[tuple[Statement, ...], list[int]]:
    """Lowers a body on given tensors; returns its statements and its outputs' indices."""
    operators, mapping = inline(lowerer, body)
    for inner, outer in zip(body.inputs, given, strict=True):
        if body.tensors[inner].data is None:
            lowerer.alias(mapping[inner], outer)
    return lowerer.body(operators), [mapping[i] for i in body.outputs]
