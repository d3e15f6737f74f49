"""Merges chains of elementwise operators into one operator."""

from __future__ import annotations

import numpy as np

from aios.compiler.attributes import Elementwise
from aios.compiler.expression import has_vector_form, is_mask, simplify, size, substitute, x
from aios.compiler.graph import Graph, Operator

# The most inputs and functions of one merged operator: what registers hold.
MAX_INPUTS = 6
MAX_FUNCTIONS = 40


def is_vector(graph: Graph, op: Operator) -> bool:
    """Tells whether an ELEMENTWISE works on vectors of float32 throughout."""
    expression = op.typed(Elementwise).expression
    tensors = [graph.tensors[i] for i in (*op.inputs, *op.outputs)]
    return (
        all(t.dtype == np.float32 for t in tensors)
        and not is_mask(expression)
        and has_vector_form(expression)
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
    value = substitute(producer.typed(Elementwise).expression, inner)
    outer = {p: value if i == result else x(inputs.index(i)) for p, i in enumerate(op.inputs)}
    expression = simplify(substitute(op.typed(Elementwise).expression, outer))
    attributes = Elementwise(expression)
    fused = Operator("ELEMENTWISE", tuple(inputs), op.outputs, attributes=attributes)
    if len(inputs) > MAX_INPUTS or size(expression) > MAX_FUNCTIONS:
        return None
    both_vector = is_vector(graph, producer) or _mask_for_vector(graph, producer)
    if not both_vector or not is_vector(graph, fused):
        return None
    return fused


def _mask_for_vector(graph: Graph, op: Operator) -> bool:
    """Tells whether an ELEMENTWISE makes a truth value from float32 vectors."""
    return is_mask(op.typed(Elementwise).expression) and all(
        graph.tensors[i].dtype == np.float32 for i in op.inputs
    )
