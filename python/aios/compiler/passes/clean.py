"""Removes operators that do nothing, or whose results nobody reads."""

from __future__ import annotations

from aios.compiler.graph import MISSING, Graph, Rewriter


def remove_dead(graph: Graph) -> Graph:
    """Removes operators that no output depends on."""
    needed = set(graph.outputs)
    kept = []
    for op in reversed(graph.operators):
        if needed.intersection(op.outputs):
            kept.append(op)
            needed.update(op.inputs)
    return graph.with_operators(reversed(kept))


def drop_identities(graph: Graph) -> Graph:
    """Removes operators whose output is their input: a transpose of nothing, a pad by zero."""
    rewriter = Rewriter(graph)
    for op in rewriter:
        source = op.inputs[0] if op.inputs else MISSING
        if source != MISSING and _is_identity(graph, op.kind, op.inputs, op.outputs):
            rewriter.rename(op.outputs[0], source)
        else:
            rewriter.emit(op)
    return rewriter.finish()


def _is_identity(
    graph: Graph, kind: str, inputs: tuple[int, ...], outputs: tuple[int, ...]
) -> bool:
    before, after = graph.tensors[inputs[0]], graph.tensors[outputs[0]]
    if len(outputs) != 1 or before.shape != after.shape or before.dtype != after.dtype:
        return False
    if kind in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CAST", "PAD", "PADV2", "SLICE", "TILE"):
        return True
    if kind in ("BROADCAST_TO", "MIRROR_PAD"):
        return True
    if kind in ("MAXIMUM", "MINIMUM", "LOGICAL_AND", "LOGICAL_OR"):
        # An export writes outputs so, to give each a tensor of its own.
        return inputs[0] == inputs[1]
    if kind == "TRANSPOSE":
        order = graph.constant(inputs[1])
        return order is not None and list(order) == list(range(len(before.shape)))
    return kind == "CONCATENATION" and len(inputs) == 1
