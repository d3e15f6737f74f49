"""Checks that a graph is well formed: what every pass may take for granted, and must leave so.

The tests check the graph after each pass, by putting `checked` around `passes.PASSES`; without
them nothing is checked and nothing paid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace

import numpy as np

from aios.compiler.attributes import CLASSES, Fused, LoopBodies, Scan, fused
from aios.compiler.graph import MISSING, Graph, Operator, Rewriter, Tensor
from aios.compiler.passes.shape_rules import infer_shape
from aios.errors import InternalError

#: Their output has the dtype of their first input.
_KEEPING = frozenset({
    "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "GATHER", "GRU",
    "LAYER_NORM", "LSTM", "MAX_POOL_2D", "MEAN", "PACK", "PAD", "RESHAPE", "REVERSE_V2", "ROUND_TO",
    "SIMPLE_RNN", "SLICE", "SOFTMAX", "SQUEEZE", "STRIDED_SLICE", "SUM", "TILE", "TRANSPOSE",
    "WRITE_ROW",
})  # fmt: skip


def verify(graph: Graph) -> None:
    """Checks a graph and all graphs inside it.

    Raises:
        InternalError: Something isn't as it must be; names every such operator and tensor.
    """
    faults = list(_faults(graph))
    if faults:
        raise InternalError("a graph that isn't well formed: " + "; ".join(faults))


def checked(change: Callable[[Graph], Graph]) -> Callable[[Graph], Graph]:
    """Returns a pass that checks what it makes, and names itself where that is wrong."""

    def checking(graph: Graph) -> Graph:
        changed = change(graph)
        try:
            verify(changed)
            _require_same_face(graph, changed)
        except InternalError as error:
            raise InternalError(f"pass {change.__name__} made {error}") from error
        return changed

    return checking


def unread(graph: Graph) -> list[Operator]:
    """Returns the operators of whose results nobody reads one; `remove_dead` leaves none."""
    read = {i for op in graph.operators for i in _read(op)} | set(graph.outputs)
    return [op for op in graph.operators if not read.intersection(op.outputs)]


def _require_same_face(before: Graph, after: Graph) -> None:
    """A pass leaves what the caller gives and gets: how many tensors, of which shape and dtype."""
    for role in ("inputs", "outputs"):
        faces = [
            [(graph.tensors[i].shape, graph.tensors[i].dtype) for i in getattr(graph, role)]
            for graph in (before, after)
        ]
        old, new = faces
        same = len(old) == len(new) and all(
            dtype == other and (-1 in shape or shape == size)
            for (shape, dtype), (size, other) in zip(old, new, strict=True)
        )
        if not same:
            raise InternalError(f"other {role}: {new} in place of {old}")


def _faults(graph: Graph) -> Iterator[str]:
    for index, tensor in enumerate(graph.tensors):
        yield from (f"tensor {index} {fault}" for fault in _tensor_faults(tensor))
    count = len(graph.tensors)
    touched = [*graph.inputs, *graph.outputs, *(i for op in graph.operators for i in _touched(op))]
    unknown = sorted({i for i in touched if not 0 <= i < count and i != MISSING})
    if unknown:
        yield f"no tensors {unknown}"
        return
    yield from _order_faults(graph)
    for place, op in enumerate(graph.operators):
        for fault in _operator_faults(graph, op):
            yield f"operator {place}, {op.kind}: {fault}"


def _tensor_faults(tensor: Tensor) -> Iterator[str]:
    if tensor.data is not None and tensor.data.dtype != tensor.dtype:
        yield f"is {tensor.dtype}, its value {tensor.data.dtype}"
    if tensor.data is not None and tensor.data.shape != tensor.shape:
        yield f"has the shape {tensor.shape}, its value {tensor.data.shape}"
    told = tensor.quantisation
    if told is not None:
        expected = {1} | ({tensor.shape[told.axis]} if told.axis < len(tensor.shape) else set())
        if told.scale.size not in expected or told.zero_point.size != told.scale.size:
            yield f"has {told.scale.size} scales and {told.zero_point.size} zero points"


def _order_faults(graph: Graph) -> Iterator[str]:
    """Each tensor is made once, and before it is read."""
    made = {*graph.inputs, *(i for i, t in enumerate(graph.tensors) if t.data is not None)}
    # A tensor without elements needs nobody to make it.
    known = made | {i for i, t in enumerate(graph.tensors) if t.size == 0}
    for place, op in enumerate(graph.operators):
        where = f"operator {place}, {op.kind}"
        early = [i for i in _read(op) if i not in known]
        if early:
            yield f"{where}: reads tensors {early} that nothing before it makes"
        twice = [i for i in op.outputs if i in made]
        if twice or len(set(op.outputs)) != len(op.outputs):
            yield f"{where}: makes tensors {twice or op.outputs} once more"
        made.update(op.outputs)
        known.update(op.outputs)
    missing = [i for i in graph.outputs if i not in known]
    if missing:
        yield f"no operator makes the outputs {missing}"


def _operator_faults(graph: Graph, op: Operator) -> Iterator[str]:
    expected = CLASSES.get(op.kind)
    if expected is None and not isinstance(op.attributes, Fused | None):
        yield f"expected attributes Fused or none, got {op.attributes!r}"
    elif expected is not None and not isinstance(op.attributes, expected):
        yield f"expected attributes {expected.__name__}, got {op.attributes!r}"
    else:
        yield from _shape_faults(graph, op)
        yield from _dtype_faults(graph, op)
        yield from _body_faults(op)


def _shape_faults(graph: Graph, op: Operator) -> Iterator[str]:
    """The shape of an output is the one that follows from the inputs, where a rule says so."""
    if len(op.outputs) != 1 or not op.inputs:
        return
    (out,) = op.outputs
    told = graph.tensors[out].shape
    if op.kind == "ELEMENTWISE":
        yield from _broadcast_faults([graph.tensors[i].shape for i in op.inputs], told)
    rewriter = Rewriter(graph)
    rewriter.tensors[out] = replace(graph.tensors[out], shape=(-1,) * max(1, len(told)), data=None)
    try:
        infer_shape(rewriter, op)
    except (IndexError, ValueError) as error:
        yield f"inputs whose shapes don't fit: {error}"
        return
    found = rewriter.tensors[out].shape
    if -1 not in found and -1 not in told and found != told:
        yield f"the output has the shape {told}; {found} follows from the inputs"


def _broadcast_faults(shapes: list[tuple[int, ...]], out: tuple[int, ...]) -> Iterator[str]:
    try:
        fits = np.broadcast_shapes(*shapes, out) == out
    except ValueError:
        fits = False
    if not fits and not any(-1 in shape for shape in (*shapes, out)):
        yield f"inputs of shapes {shapes} don't broadcast to {out}"


def _dtype_faults(graph: Graph, op: Operator) -> Iterator[str]:
    if op.kind in _KEEPING and op.outputs:
        first, out = graph.tensors[op.inputs[0]].dtype, graph.tensors[op.outputs[0]].dtype
        if first != out:
            yield f"makes {out} of {first}"


def _body_faults(op: Operator) -> Iterator[str]:
    if op.attributes is None:
        return
    for field in fields(op.attributes):  # type: ignore[arg-type]
        body = getattr(op.attributes, field.name)
        if isinstance(body, Graph):
            yield from (f"{field.name}: {fault}" for fault in _faults(body))
    if isinstance(op.attributes, Scan):
        yield from _scan_faults(op, op.attributes)
    elif isinstance(op.attributes, LoopBodies):
        bodies = op.attributes
        if {len(bodies.condition.inputs), len(bodies.body.inputs)} != {len(op.inputs)}:
            yield f"{len(op.inputs)} inputs, and bodies of another number"


def _scan_faults(op: Operator, scan: Scan) -> Iterator[str]:
    results = scan.states + scan.collected
    if len(scan.body.inputs) != len(op.inputs) or len(scan.body.outputs) != results:
        yield (
            f"{len(op.inputs)} inputs and {results} results, and a body of "
            f"{len(scan.body.inputs)} and {len(scan.body.outputs)}"
        )


def _touched(op: Operator) -> Iterator[int]:
    yield from _read(op)
    yield from op.outputs


def _read(op: Operator) -> Iterator[int]:
    """What an operator reads: its inputs, and the tensor that is added to its result."""
    yield from (i for i in op.inputs if i != MISSING)
    residual = fused(op).residual
    if residual is not None:
        yield residual
