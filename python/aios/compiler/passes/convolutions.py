"""Moves padding and 2x2 pooling into convolutions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aios.compiler.attributes import IDENTITY, fused
from aios.compiler.graph import Graph, Operator, Rewriter, Tensor
from aios.compiler.options import window_of

_WINDOWS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def depthwise_from_groups(graph: Graph) -> Graph:
    """Turns a convolution with one channel per group into a DEPTHWISE_CONV_2D."""
    rewriter = Rewriter(graph)
    for op in rewriter:
        filters = rewriter.tensors[op.inputs[1]].data if op.kind == "CONV_2D" else None
        channels = rewriter.tensors[op.inputs[0]].shape[-1] if filters is not None else 1
        if filters is None or filters.shape[3] != 1 or channels == 1:
            rewriter.emit(op)
            continue
        turned = np.ascontiguousarray(filters.transpose(3, 1, 2, 0))
        inputs = (op.inputs[0], rewriter.add_constant(turned), *op.inputs[2:])
        rewriter.emit(replace(op, kind="DEPTHWISE_CONV_2D", inputs=inputs))
    return rewriter.finish()


def fuse_padding(graph: Graph) -> Graph:
    """Gives a convolution the zeros that a PAD in front of it adds to rows and columns.

    A one-dimensional convolution has a RESHAPE between the two.
    """
    producers = graph.producers()
    rewriter = Rewriter(graph)
    for op in rewriter:
        bare = op.kind in _WINDOWS and not window_of(op).same and fused(op).pads is None
        rewriter.emit(_padded(rewriter, producers, op) if bare else op)
    return rewriter.finish()


def _padded(rewriter: Rewriter, producers: dict[int, Operator], op: Operator) -> Operator:
    source = producers.get(op.inputs[0])
    lifted = source is not None and source.kind == "RESHAPE"
    if lifted and source is not None:
        source = producers.get(source.inputs[0])
    if source is None or source.kind != "PAD":
        return op
    before = rewriter.tensors[source.inputs[0]]
    pads = rewriter.tensors[source.inputs[1]].data
    if pads is None or (pads < 0).any() or before.dtype != np.float32:
        return op
    shape = rewriter.tensors[op.inputs[0]].shape
    rows = pads.tolist()
    if lifted:
        padded = rewriter.tensors[source.outputs[0]].shape
        if len(padded) != 3 or shape != (padded[0], 1, *padded[1:]):
            return op
        rows = [rows[0], [0, 0], *rows[1:]]
    if len(rows) != 4 or rows[0] != [0, 0] or rows[3] != [0, 0]:
        return op
    inner = rewriter.current(source.inputs[0])
    if lifted:
        shape = (before.shape[0], 1, *before.shape[1:])
        reshaped = rewriter.add_tensor(Tensor(before.name, shape, before.dtype))
        rewriter.emit(Operator("RESHAPE", (inner,), (reshaped,)))
        inner = reshaped
    sides = (rows[1][0], rows[2][0], rows[1][1], rows[2][1])
    attributes = replace(fused(op), pads=sides)
    return replace(op, inputs=(inner, *op.inputs[1:]), attributes=attributes)


def fuse_pooling(graph: Graph) -> Graph:
    """Lets a convolution compute the 2x2 pool of stride 2 of its own result."""
    producers, consumers = graph.producers(), graph.consumers()
    pooled: dict[int, Operator] = {}
    gone: set[int] = set()
    for op in graph.operators:
        convolution = producers.get(op.inputs[0]) if op.inputs else None
        if convolution is None or not _is_halving(graph, op):
            continue
        result = convolution.outputs[0]
        alone = len(consumers[result]) == 1 and result not in graph.outputs
        if not alone or not _can_pool(graph, convolution):
            continue
        attributes = replace(
            fused(convolution),
            pool="kMax" if op.kind == "MAX_POOL_2D" else "kAverage",
            unpooled_shape=graph.tensors[result].shape,
        )
        pooled[id(op)] = replace(convolution, outputs=op.outputs, attributes=attributes)
        gone.add(id(convolution))
    return graph.with_operators(
        pooled.get(id(op), op) for op in graph.operators if id(op) not in gone
    )


def _can_pool(graph: Graph, op: Operator) -> bool:
    if op.kind != "CONV_2D" or fused(op).residual is not None or fused(op).pool is not None:
        return False
    filters = graph.constant(op.inputs[1])
    return filters is not None and filters.shape[3] == graph.tensors[op.inputs[0]].shape[3]


def _is_halving(graph: Graph, op: Operator) -> bool:
    if op.kind not in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        return False
    if fused(op).activation != IDENTITY:
        return False
    walk = window_of(op)
    _, height, width, _ = graph.tensors[op.inputs[0]].shape
    whole = not walk.same or (height % 2 == 0 and width % 2 == 0)
    return (walk.size[1:], walk.stride_2d) == ((2, 2), (2, 2)) and whole
