"""What loops and branches share: a body's operators in the outer graph, and states that change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aios.compiler.attributes import Fused, WriteRow
from aios.compiler.graph import Graph, Operator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aios.compiler.lowering.core import Lowerer


def inline(lowerer: Lowerer, body: Graph) -> tuple[list[Operator], dict[int, int]]:
    """Adds the body's tensors to the graph; returns its operators over them and the indices."""
    offset = lowerer.add_tensors(body.tensors)
    mapping = {i: i + offset for i in range(len(body.tensors))}
    mapping[-1] = -1
    operators = []
    for op in body.operators:
        inputs, outputs = (
            tuple(mapping[i] for i in indices) for indices in (op.inputs, op.outputs)
        )
        attributes = op.attributes
        if isinstance(attributes, Fused) and attributes.residual is not None:
            attributes = replace(attributes, residual=mapping[attributes.residual])
        operators.append(replace(op, inputs=inputs, outputs=outputs, attributes=attributes))
    return operators, mapping


def write_in_place(body: Graph, kept: Mapping[int, int]) -> Graph:
    """Lets a row be written where a state lies, when nobody needs the state as it was.

    Args:
        body: The body of a loop.
        kept: New state → old state, as indices of the body's tensors.
    """
    readers = body.consumers()

    def placed(op: Operator) -> Operator:
        source = kept.get(op.outputs[0])
        if op.kind != "WRITE_ROW" or source != op.inputs[0]:
            return op
        alone = readers[source] == [op] and source not in body.outputs
        once = body.outputs.count(op.outputs[0]) == 1
        return replace(op, attributes=WriteRow(in_place=alone and once))

    return body.with_operators(map(placed, body.operators))


def copy(lowerer: Lowerer, source: int, target: int, comment: str) -> None:
    """Copies a whole tensor."""
    nbytes = lowerer.tensor(target).nbytes
    if nbytes:
        call = f"copyBytes<{nbytes}>"
        lowerer.call(call, [source], [target], comment=comment, header="shape.hpp")


def keep_states(lowerer: Lowerer, states: Sequence[int], news: Sequence[int]) -> None:
    """Moves each new state into the memory of the old one, as if all moved at once."""
    moves = []
    for state, new in zip(states, news, strict=True):
        owner, _ = lowerer.owner(new)
        if owner == state:
            continue
        if owner in states:
            # The old value of another state, which may be overwritten before it is read.
            tensor = lowerer.tensor(new)
            kept = lowerer.temporary(tensor.shape, tensor.dtype.name)
            copy(lowerer, new, kept, "old state")
            moves.append((kept, state))
        else:
            moves.append((new, state))
    for new, state in moves:
        copy(lowerer, new, state, "next state")
