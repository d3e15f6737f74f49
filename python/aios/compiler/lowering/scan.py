"""SCAN: a recurrent loop whose step is lowered like any other graph."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from aios.compiler.attributes import Scan
from aios.compiler.lowering.bodies import copy, inline, keep_states, write_in_place
from aios.compiler.lowering.core import Lowerer, lowers
from aios.compiler.program import Call, Loop, Operand, Statement, Step, Value, Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aios.compiler.graph import Operator


@lowers("SCAN")
def scan(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a loop: its states live in memory of their own, and are replaced after each step."""
    attributes = op.typed(Scan)
    first_state, first_rest = attributes.sequences, attributes.sequences + attributes.states
    old = attributes.body.inputs[first_state:first_rest]
    kept = dict(zip(attributes.body.outputs, old, strict=False))
    body, mapping = inline(lowerer, write_in_place(attributes.body, kept))
    states = [mapping[i] for i in attributes.body.inputs[first_state:first_rest]]
    invariants = [mapping[i] for i in attributes.body.inputs[first_rest:]]
    for inner, outer in zip(invariants, op.inputs[first_rest:], strict=True):
        if lowerer.tensor(inner).data is None:
            lowerer.alias(inner, outer)
    for state, initial in zip(states, op.inputs[first_state:first_rest], strict=True):
        copy(lowerer, initial, state, "initial state")
    before = lowerer.work
    lowerer.work = Work()
    statements = lowerer.body(body)
    start = lowerer.position
    news = [mapping[i] for i in attributes.body.outputs]
    _collect(lowerer, news[attributes.states :], op.outputs[attributes.states :])
    keep_states(lowerer, states, news[: attributes.states])
    statements += lowerer.take_statements(start)
    slices = {mapping[i]: o for i, o in zip(attributes.body.inputs, op.inputs, strict=False)}
    sequences = dict(list(slices.items())[:first_state])
    lowerer.work = before.plus(lowerer.work, attributes.trips)
    statements = _with_slices(lowerer, statements, sequences)
    lowerer.append(Loop(attributes.trips, statements, f"{attributes.trips} steps"))
    for state, result in zip(states, op.outputs, strict=False):
        lowerer.alias(result, state)


def _collect(lowerer: Lowerer, values: list[int], results: tuple[int, ...]) -> None:
    """Copies what is collected into this step's slices."""
    for value, result in zip(values, results, strict=True):
        nbytes = lowerer.tensor(value).nbytes
        step = Step(result, nbytes)
        call = f"copyBytes<{nbytes}>"
        lowerer.call(call, [value], [step], comment="collect", header="shape.hpp")


def _with_slices(
    lowerer: Lowerer, statements: tuple[Statement, ...], sequences: Mapping[int, int]
) -> tuple[Statement, ...]:
    """Reads the slices of sequences where they lie, or from copies where that isn't possible."""
    steps = {}
    for inner, outer in sequences.items():
        tensor = lowerer.tensor(outer)
        steps[inner] = Step(outer, prod(tensor.shape[1:]) * tensor.dtype.itemsize)
    if all(isinstance(s, Call) and _same_types(lowerer, s, steps) for s in statements):
        return tuple(
            replace(s, operands=tuple(_sliced(lowerer, o, steps) for o in s.operands))
            for s in statements
            if isinstance(s, Call)
        )
    start = lowerer.position
    for inner, step in steps.items():
        call = f"copyBytes<{step.stride_bytes}>"
        lowerer.call(call, [step], [inner], comment="slice", header="shape.hpp")
    return lowerer.take_statements(start) + statements


def _same_types(lowerer: Lowerer, call: Call, steps: Mapping[int, Step]) -> bool:
    for operand in call.operands:
        if isinstance(operand, Value):
            step = steps.get(lowerer.owner(operand.index)[0])
            dtype = lowerer.tensor(operand.index).dtype
            if step is not None and dtype != lowerer.tensor(step.index).dtype:
                return False
    return True


def _sliced(lowerer: Lowerer, operand: Operand, steps: Mapping[int, Step]) -> Operand:
    if not isinstance(operand, Value):
        return operand
    owner, offset = lowerer.owner(operand.index)
    step = steps.get(owner)
    return operand if step is None else replace(step, byte_offset=offset + operand.byte_offset)
