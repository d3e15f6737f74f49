"""Products by constant matrices are dense layers, and what is added behind one is its bias."""

from __future__ import annotations

import numpy as np

from aios.compiler.graph import MISSING, Graph, Operator, Rewriter
from aios.compiler.options import activation_code, adjoints_of
from aios.compiler.passes.subgraphs import map_bodies

_BIASED = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D")


def use_weights(graph: Graph) -> Graph:
    """Makes the products that TensorFlow's own operators give look like TensorFlow Lite's."""
    rewriter = Rewriter(graph)
    for op in rewriter:
        rewriter.emit(_dense(graph, rewriter, map_bodies(op, use_weights)))
    return _with_biases(rewriter.finish())


def _dense(graph: Graph, rewriter: Rewriter, op: Operator) -> Operator:
    """Returns a BATCH_MATMUL by a constant matrix of float32 as a FULLY_CONNECTED."""
    weights = graph.constant(op.inputs[1]) if op.kind == "BATCH_MATMUL" else None
    if weights is None or weights.ndim != 2 or weights.dtype != np.float32 or adjoints_of(op)[0]:
        return op
    rows = weights if adjoints_of(op)[1] else np.ascontiguousarray(weights.T)
    inputs = (op.inputs[0], rewriter.add_constant(rows), MISSING)
    options = {"keep_num_dims": True, "fused_activation_function": 0}
    return Operator("FULLY_CONNECTED", inputs, op.outputs, options)


def _with_biases(graph: Graph) -> Graph:
    producers, readers = graph.producers(), graph.consumers()
    fused: dict[int, Operator] = {}
    gone: set[int] = set()
    for op in graph.operators:
        for value, bias in _either(op):
            layer = producers.get(value)
            if layer is None or value in graph.outputs or len(readers[value]) != 1:
                continue
            if _takes_bias(graph, layer, bias):
                inputs = (*layer.inputs[:2], bias)
                activation = activation_code(op)
                options = {**layer.options, "fused_activation_function": activation}
                fused[id(op)] = Operator(layer.kind, inputs, op.outputs, options)
                gone.add(id(layer))
                break
    kept = (op for op in graph.operators if id(op) not in gone)
    return graph.with_operators(fused.get(id(op), op) for op in kept)


def _either(op: Operator) -> list[tuple[int, int]]:
    if op.kind != "ADD":
        return []
    first, second = op.inputs
    return [(first, second), (second, first)]


def _takes_bias(graph: Graph, layer: Operator, index: int) -> bool:
    bias = graph.constant(index)
    if layer.kind not in _BIASED or bias is None or bias.dtype != np.float32:
        return False
    if activation_code(layer) or any(i != MISSING for i in layer.inputs[2:]):
        return False
    columns = graph.tensors[layer.outputs[0]].shape[-1]
    return bias.shape[-1:] == (columns,) and bias.size == columns
