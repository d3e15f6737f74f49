"""Marks the products whose rounding errors an exponential would magnify."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aios.compiler.attributes import fused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aios.compiler.graph import Graph, Operator

PRODUCTS = frozenset({"FULLY_CONNECTED", "CONV_2D"})
# What an error doesn't pass at its full size: it is divided by the size of the values.
_BARRIERS = frozenset({"LAYER_NORM"})


def mark_exact(graph: Graph) -> Graph:
    """Sets `exact` on the products that give the scores of a softmax or an attention.

    e^x turns an absolute error of x into a relative one of the result. Scores can be in the
    thousands, and then even the order of additions shows in the answers: these products add in
    the order of their depth, as TensorFlow does, and take no algorithm with fewer multiplications.
    """
    producers = graph.producers()
    exact: set[int] = set()
    for op in graph.operators:
        if op.kind in ("SOFTMAX", "LOG_SOFTMAX"):
            exact |= _products_behind(op.inputs[:1], producers)
        elif op.kind == "ATTENTION":
            exact |= _products_behind(op.inputs[:2], producers)
    return graph.with_operators(
        replace(op, attributes=replace(fused(op), exact=True))
        if exact.intersection(op.outputs)
        else op
        for op in graph.operators
    )


def _products_behind(indices: Iterable[int], producers: dict[int, Operator]) -> set[int]:
    """Returns the first results of products on every way back from the tensors `indices`."""
    found: set[int] = set()
    seen: set[int] = set()
    waiting = list(indices)
    while waiting:
        index = waiting.pop()
        op = producers.get(index)
        if op is None or index in seen or op.kind in _BARRIERS:
            continue
        seen.add(index)
        if op.kind in PRODUCTS:
            found.add(index)
        else:
            waiting += op.inputs
    return found
