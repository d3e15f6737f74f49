"""Computes what is float16 or bfloat16 in float32, and rounds where the model converts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aios.bundle.dtypes import HALVES
from aios.compiler.attributes import Rounding
from aios.compiler.graph import Graph, Operator, Rewriter, Tensor
from aios.compiler.passes.subgraphs import map_bodies

_FLOAT32 = np.dtype(np.float32)


def widen_halves(graph: Graph) -> Graph:
    """Makes the tensors of 16 bits float32's; inputs and outputs are converted at the border.

    A conversion to 16 bits becomes a ROUND_TO: it loses the bits that it loses in the model. What
    operators make of them keeps all of float32's, which no operator of 16 bits has.
    """
    return _widened(graph, border=True)


def _widened(graph: Graph, *, border: bool) -> Graph:
    operators = tuple(
        map_bodies(op, lambda body: _widened(body, border=False)) for op in graph.operators
    )
    graph = graph.with_operators(operators)
    if not any(_is_half(t) for t in graph.tensors):
        return graph
    rewriter = Rewriter(graph)
    rewriter.tensors = [_wide(t) for t in graph.tensors]
    inputs, outputs = list(graph.inputs), list(graph.outputs)
    if border:
        for place, index in enumerate(graph.inputs):
            if _is_half(graph.tensors[index]):
                inputs[place] = rewriter.add_tensor(graph.tensors[index])
                rewriter.emit(Operator("CAST", (inputs[place],), (index,)))
    for op in rewriter:
        for made in _converted(graph, rewriter, op):
            rewriter.emit(made)
    if border:
        for place, index in enumerate(graph.outputs):
            if _is_half(graph.tensors[index]):
                outputs[place] = rewriter.add_tensor(replace(graph.tensors[index], data=None))
                rewriter.emit(Operator("CAST", (index,), (outputs[place],)))
    return replace(rewriter.finish(), inputs=tuple(inputs), outputs=tuple(outputs))


def _converted(graph: Graph, rewriter: Rewriter, op: Operator) -> list[Operator]:
    """Returns an operator in float32; one that converts to 16 bits rounds."""
    if op.kind == "DEQUANTIZE" and graph.tensors[op.inputs[0]].dtype.name in HALVES:
        return [replace(op, kind="CAST")]
    if op.kind != "CAST" or not _is_half(graph.tensors[op.outputs[0]]):
        return [op]
    source, out = rewriter.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    rounding = Rounding(out.dtype.name)
    if source.dtype == _FLOAT32:
        return [Operator("ROUND_TO", op.inputs, op.outputs, attributes=rounding)]
    wide = rewriter.add_tensor(_wide(replace(out, data=None)))
    return [
        Operator("CAST", op.inputs, (wide,)),
        Operator("ROUND_TO", (wide,), op.outputs, attributes=rounding),
    ]


def _is_half(tensor: Tensor) -> bool:
    return tensor.dtype.name in HALVES


def _wide(tensor: Tensor) -> Tensor:
    if not _is_half(tensor):
        return tensor
    data = None if tensor.data is None else tensor.data.astype(_FLOAT32)
    return replace(tensor, dtype=_FLOAT32, data=data)
