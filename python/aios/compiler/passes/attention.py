"""Recognises scaled dot-product attention, with or without heads."""

from __future__ import annotations

import numpy as np

from aios.compiler.attributes import Attention
from aios.compiler.graph import Array, Graph, Operator, Rewriter
from aios.compiler.options import activation_code

_HEADS_FIRST = [0, 2, 1, 3]
_HEADS_FIRST_TRANSPOSED = [0, 2, 3, 1]
# Scores this low get no weight, whatever else is added to them.
_MASKED = np.float32(-1e9)


def fuse_attention(graph: Graph) -> Graph:
    """Replaces softmax(scale · q kᵀ + mask) · v by ATTENTION.

    q, k and v are [batch, rows, heads, depth], before the transposes that bring heads to the front,
    and so is the result; a mask is constant and the same for all heads and samples. Without heads
    they are [batch, rows, depth].
    """
    match = _Matcher(graph)
    rewriter = Rewriter(graph)
    for op in rewriter:
        found = match.attention(op)
        if found is None:
            rewriter.emit(op)
            continue
        query, key, value, scale, mask = found
        inputs = [rewriter.current(i) for i in (query, key, value)]
        if mask is not None:
            inputs.append(rewriter.add_constant(mask, "mask"))
        rewriter.emit(Operator("ATTENTION", tuple(inputs), op.outputs, attributes=Attention(scale)))
    return rewriter.finish()


_Found = tuple[int, int, int, float, "Array | None"]


class _Matcher:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._producers = graph.producers()

    def attention(self, op: Operator) -> _Found | None:
        """Returns (q, k, v, scale, mask) when `op` gives an attention's result."""
        heads = op.kind == "TRANSPOSE"
        product = self._transposed(op.outputs[0], _HEADS_FIRST) if heads else op.outputs[0]
        weighted = self._made(product, "BATCH_MATMUL")
        if weighted is None or weighted["adj_x"] or weighted["adj_y"]:
            return None
        value = self._transposed(weighted.inputs[1], _HEADS_FIRST) if heads else weighted.inputs[1]
        softmax = self._made(weighted.inputs[0], "SOFTMAX")
        if softmax is None or value is None or softmax["beta"] != 1.0:
            return None
        rank = len(self._graph.tensors[weighted.inputs[1]].shape)
        if rank != (4 if heads else 3) or self._graph.constant(value) is not None:
            return None
        scores, scale, mask = self._scaled(softmax.inputs[0])
        operands = self._operands(scores, heads)
        if operands is None:
            return None
        shapes = [self._graph.tensors[i].shape for i in (*operands, value)]
        if len({s[0] for s in shapes}) != 1 or any(len(s) != rank for s in shapes):
            return None
        return *operands, value, scale, mask

    def _operands(self, scores: int, heads: bool) -> tuple[int, int] | None:
        product = self._made(scores, "BATCH_MATMUL")
        if product is None or product["adj_x"]:
            return None
        query, key = product.inputs
        if not heads:
            return (query, key) if product["adj_y"] else None
        order = _HEADS_FIRST if product["adj_y"] else _HEADS_FIRST_TRANSPOSED
        unturned = self._transposed(query, _HEADS_FIRST), self._transposed(key, order)
        return None if None in unturned else unturned  # type: ignore[return-value]

    def _scaled(self, scores: int) -> tuple[int, float, Array | None]:
        """Takes a constant mask and then a constant factor off the scores."""
        scores, mask = self._masked(scores)
        op = self._producers.get(scores)
        if op is not None and op.kind in ("MUL", "DIV") and self._plain(op):
            factor = self._graph.constant(op.inputs[1])
            if factor is not None and factor.size == 1:
                value = float(factor.reshape(-1)[0])
                return op.inputs[0], value if op.kind == "MUL" else 1.0 / value, mask
        return scores, 1.0, mask

    def _masked(self, scores: int) -> tuple[int, Array | None]:
        op = self._producers.get(scores)
        if op is None or not self._plain(op):
            return scores, None
        if op.kind == "SELECT_V2":
            kept, low = (self._graph.constant(op.inputs[i]) for i in (0, 2))
            if kept is None or low is None or low.size != 1 or low.reshape(-1)[0] > _MASKED:
                return scores, None
            mask = np.where(kept, np.float32(0), low.reshape(-1)[0]).astype(np.float32)
            inner = op.inputs[1]
        elif op.kind == "ADD":
            constant = self._graph.constant(op.inputs[1])
            if constant is None:
                return scores, None
            mask, inner = constant, op.inputs[0]
        else:
            return scores, None
        same = self._same_for_all(mask, self._graph.tensors[scores].shape)
        return (scores, None) if same is None else (inner, same)

    @staticmethod
    def _same_for_all(mask: Array, shape: tuple[int, ...]) -> Array | None:
        """Returns a mask as [queries, keys] when it doesn't differ by sample or head."""
        whole = np.broadcast_to(mask, shape).reshape(-1, *shape[-2:])
        return whole[0].copy() if bool((whole == whole[:1]).all()) else None

    def _transposed(self, index: int, order: list[int]) -> int | None:
        op = self._made(index, "TRANSPOSE")
        axes = self._graph.constant(op.inputs[1]) if op else None
        if op is None or axes is None or axes.tolist() != order:
            return None
        return op.inputs[0]

    def _made(self, index: int | None, kind: str) -> Operator | None:
        op = None if index is None else self._producers.get(index)
        return op if op is not None and op.kind == kind else None

    @staticmethod
    def _plain(op: Operator) -> bool:
        return not activation_code(op)
