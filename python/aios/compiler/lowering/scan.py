"""SCAN: a recurrent loop whose step is lowered like any other graph."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from aios.compiler.graph import Graph, Operator, Scan
from aios.compiler.lowering.core import BodyDeclineError, DeclineError, Lowerer, lowers
from aios.compiler.program import Loop, Operand, Statement, Step, Value, Work

if TYPE_CHECKING:
    from collections.abc import Mapping


@lowers("SCAN")
def scan(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a loop: its states live in memory of their own, and are replaced after each step."""
    attributes: Scan = op["scan"]
    body, mapping = _inlined(lowerer, attributes.body)
    first_state, first_rest = attributes.sequences, attributes.sequences + attributes.states
    states = [mapping[i] for i in attributes.body.inputs[first_state:first_rest]]
    invariants = [mapping[i] for i in attributes.body.inputs[first_rest:]]
    for inner, outer in zip(invariants, op.inputs[first_rest:], strict=True):
        lowerer.alias(inner, outer)
    for state, initial in zip(states, op.inputs[first_state:first_rest], strict=True):
        _copy(lowerer, Value(initial), Value(state), "initial state")
    start, before = lowerer.position, lowerer.work
    lowerer.work = Work()
    lowerer.enter_loop(True)
    declined = lowerer.lower_all(body)
    if declined:
        raise BodyDeclineError(declined)
    lowerer.enter_loop(False)
    news = [mapping[i] for i in attributes.body.outputs]
    _keep_states(lowerer, states, news[: attributes.states])
    for value, result in zip(
        news[attributes.states :], op.outputs[attributes.states :], strict=True
    ):
        nbytes = lowerer.tensor(value).nbytes
        lowerer.call(
            f"copyBytes<{nbytes}>",
            [value],
            [Step(result, nbytes)],
            comment="collect",
            header="shape.hpp",
        )
    slices = {}
    for inner, outer in zip(attributes.body.inputs[:first_state], op.inputs, strict=False):
        tensor = lowerer.tensor(outer)
        stride = prod(tensor.shape[1:]) * tensor.dtype.itemsize
        slices[mapping[inner]] = Step(outer, stride)
    statements = tuple(_with_slices(lowerer, s, slices) for s in lowerer.take_statements(start))
    lowerer.work = before.plus(lowerer.work, attributes.trips)
    lowerer.loop(attributes.trips, statements, f"{attributes.trips} steps")
    for state, result in zip(states, op.outputs, strict=False):
        lowerer.alias(result, state)


def _inlined(lowerer: Lowerer, body: Graph) -> tuple[list[Operator], dict[int, int]]:
    """Adds the body's tensors to the graph; returns its operators over them and the indices."""
    offset = lowerer.add_tensors(body.tensors)
    mapping = {i: i + offset for i in range(len(body.tensors))}
    mapping[-1] = -1
    operators = []
    for op in body.operators:
        attributes = dict(op.attributes)
        if "residual" in attributes:
            attributes["residual"] = mapping[attributes["residual"]]
        operators.append(
            Operator(
                op.kind,
                tuple(mapping[i] for i in op.inputs),
                tuple(mapping[i] for i in op.outputs),
                attributes,
            )
        )
    return operators, mapping


def _copy(lowerer: Lowerer, source: Value, target: Value, comment: str) -> None:
    nbytes = lowerer.tensor(target.index).nbytes
    lowerer.call(f"copyBytes<{nbytes}>", [source], [target], comment=comment, header="shape.hpp")


def _keep_states(lowerer: Lowerer, states: list[int], news: list[int]) -> None:
    """Moves each new state into the memory of the old one."""
    for place, (state, new) in enumerate(zip(states, news, strict=True)):
        owner, _ = lowerer.owner(new)
        if owner in states and owner != state and states.index(owner) < place:
            raise DeclineError("states that trade places")
        if owner != state:
            _copy(lowerer, Value(new), Value(state), "next state")


def _with_slices(lowerer: Lowerer, statement: Statement, slices: Mapping[int, Step]) -> Statement:
    if isinstance(statement, Loop):
        raise DeclineError("a loop in a loop")
    operands = tuple(_sliced(lowerer, o, slices) for o in statement.operands)
    return replace(statement, operands=operands) if operands != statement.operands else statement


def _sliced(lowerer: Lowerer, operand: Operand, slices: Mapping[int, Step]) -> Operand:
    if not isinstance(operand, Value):
        return operand
    owner, offset = lowerer.owner(operand.index)
    step = slices.get(owner)
    if step is None:
        return operand
    tensor = lowerer.tensor(step.index)
    if tensor.dtype != lowerer.tensor(operand.index).dtype:
        raise DeclineError("a slice seen as another type")
    return replace(step, byte_offset=offset + operand.byte_offset)
