"""Loops and branches: each operator gets bodies of its own, and what is known of their inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aios.compiler.attributes import BranchBodies, LoopBodies, WriteRow
from aios.compiler.graph import Graph, Operator, Rewriter
from aios.compiler.options import axis_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aios.compiler.graph import Tensor

# The options of the file that number an operator's graphs, in the order of the class's fields.
_NUMBERS = {
    "WHILE": ("cond_subgraph_index", "body_subgraph_index"),
    "IF": ("then_subgraph_index", "else_subgraph_index"),
}
_BODIES: dict[str, type[LoopBodies | BranchBodies]] = {"WHILE": LoopBodies, "IF": BranchBodies}


def attach_bodies(graph: Graph, subgraphs: tuple[Graph, ...]) -> Graph:
    """Replaces the numbers of subgraphs by the subgraphs, whose own loops have theirs, too."""

    def attached(op: Operator) -> Operator:
        if op.kind not in _BODIES or op.attributes is not None:
            return op
        bodies = [attach_bodies(subgraphs[int(op[n])], subgraphs) for n in _NUMBERS[op.kind]]
        return replace(op, options={}, attributes=_BODIES[op.kind](*bodies))

    return replace(graph, operators=tuple(map(attached, graph.operators)), subgraphs=())


def map_bodies(op: Operator, change: Callable[[Graph], Graph]) -> Operator:
    """Returns an operator with each of its bodies changed."""
    if op.kind not in _BODIES:
        return op
    return replace(op, attributes=_BODIES[op.kind](*map(change, bodies_of(op))))


def bodies_of(op: Operator) -> tuple[Graph, ...]:
    """Returns the graphs of a loop or a branch, in the order of its class's fields."""
    bodies = op.attributes
    if isinstance(bodies, LoopBodies):
        return bodies.condition, bodies.body
    return (bodies.then, bodies.otherwise) if isinstance(bodies, BranchBodies) else ()


def settle_bodies(rewriter: Rewriter, op: Operator, settle: Callable[[Graph], Graph]) -> Operator:
    """Settles the bodies of a loop or a branch for its inputs, and its outputs' shapes by them.

    Args:
        rewriter: Has the tensors outside.
        op: Any operator; others than loops and branches come back as they are.
        settle: What to do to a body whose inputs have got their shapes and constants.
    """
    if op.kind not in _BODIES:
        return op
    given = [rewriter.tensors[i] for i in (op.inputs if op.kind == "WHILE" else op.inputs[1:])]
    if op.kind == "WHILE":
        given = _unchanged_constants(op.typed(LoopBodies).body, given)
    op = map_bodies(op, lambda body: settle(recognise_writes(settle(_with_inputs(body, given)))))
    for place, index in enumerate(op.outputs):
        shapes = {body.tensors[body.outputs[place]].shape for body in _results(op)}
        if op.kind == "WHILE":
            shapes.add(given[place].shape)
        if len(shapes) == 1:
            rewriter.tensors[index] = replace(rewriter.tensors[index], shape=shapes.pop())
    return op


def _results(op: Operator) -> tuple[Graph, ...]:
    """Returns the bodies whose outputs are the operator's."""
    return bodies_of(op)[1:] if op.kind == "WHILE" else bodies_of(op)


def _unchanged_constants(body: Graph, given: list[Tensor]) -> list[Tensor]:
    """Forgets the constants among a loop's first values that the body replaces."""
    pairs = zip(given, body.inputs, body.outputs, strict=True)
    return [t if before == after else replace(t, data=None) for t, before, after in pairs]


def _with_inputs(body: Graph, given: list[Tensor]) -> Graph:
    tensors = list(body.tensors)
    for inner, outer in zip(body.inputs, given, strict=True):
        tensors[inner] = replace(tensors[inner], shape=outer.shape, data=outer.data)
    return replace(body, tensors=tuple(tensors))


def recognise_writes(body: Graph) -> Graph:
    """Replaces `[x[:i], v, x[i + 1:]]`, as the converter writes a list's item, by WRITE_ROW.

    A WRITE_ROW has the inputs x, v and i: its output is x with row i of axis 0 replaced by v.
    """
    rewriter = Rewriter(body)
    match = _Written(body)
    for op in rewriter:
        found = match.row(op)
        if found is None:
            rewriter.emit(op)
        else:
            inputs = tuple(rewriter.current(i) for i in found)
            shape = rewriter.tensors[inputs[0]].shape
            out = op.outputs[0]
            rewriter.tensors[out] = replace(rewriter.tensors[out], shape=shape)
            rewriter.emit(Operator("WRITE_ROW", inputs, op.outputs, attributes=WriteRow()))
    return rewriter.finish()


class _Written:
    """Looks for rows written."""

    def __init__(self, body: Graph) -> None:
        self._body = body
        self._producers = body.producers()

    def row(self, op: Operator) -> tuple[int, int, int] | None:
        """Returns (x, v, i) when `op` puts x together again with row i replaced by v."""
        if op.kind != "CONCATENATION" or axis_of(op) != 0 or len(op.inputs) != 3:
            return None
        before, value, after = op.inputs
        head, tail = self._producers.get(before), self._producers.get(after)
        if head is None or tail is None or {head.kind, tail.kind} != {"SLICE"}:
            return None
        source = head.inputs[0]
        begin = self._body.constant(head.inputs[1])
        if tail.inputs[0] != source or begin is None or begin.any():
            return None
        row = self._first_of(head.inputs[2])
        if not self._is_next(self._first_of(tail.inputs[1]), row):
            return None
        return (source, value, row) if self._body.tensors[value].shape[:1] == (1,) else None

    def _is_next(self, index: int, row: int) -> bool:
        """Tells whether a tensor is `row` + 1."""
        op = self._producers.get(index)
        if op is None or op.kind != "ADD" or row not in op.inputs:
            return False
        others = [self._body.constant(i) for i in op.inputs if i != row]
        return [o.tolist() for o in others if o is not None] == [1]

    def _first_of(self, index: int) -> int:
        """Follows `[i, …]` made by CONCATENATION and RESHAPE back to the scalar i."""
        while index in self._producers and self._producers[index].kind in (
            "CONCATENATION",
            "PACK",
            "RESHAPE",
        ):
            index = self._producers[index].inputs[0]
        return index
