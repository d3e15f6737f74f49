"""Recognises layer normalisation in the operators that the converter writes it as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aios.compiler.attributes import LayerNorm
from aios.compiler.graph import Graph, Operator, Rewriter
from aios.compiler.options import activation_code

if TYPE_CHECKING:
    from collections.abc import Iterator


def fuse_layer_norms(graph: Graph) -> Graph:
    """Replaces x·s + (-mean·s + beta), s = gamma / sqrt(variance + epsilon), by LAYER_NORM.

    Mean and variance are over the last axis; gamma and beta are constant, and both optional. The
    operators in between stay for whoever else reads them, or are dead.
    """
    rewriter = Rewriter(graph)
    match = _Matcher(graph)
    for op in rewriter:
        computed = op.kind == "ADD" and graph.tensors[op.outputs[0]].dtype == np.float32
        found = match.layer_norm(op) if computed else None
        if found is None:
            rewriter.emit(op)
            continue
        source, gamma, beta, epsilon = found
        size = graph.tensors[source].shape[-1]
        constants = [
            rewriter.add_constant(
                np.broadcast_to(np.float32(default) if v is None else v.reshape(-1), (size,)).copy()
            )
            for v, default in ((gamma, 1), (beta, 0))
        ]
        inputs = (rewriter.current(source), *constants)
        rewriter.emit(Operator("LAYER_NORM", inputs, op.outputs, attributes=LayerNorm(epsilon)))
    return rewriter.finish()


_Found = tuple[int, "np.ndarray | None", "np.ndarray | None", float]


class _Matcher:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._producers = graph.producers()

    def layer_norm(self, op: Operator) -> _Found | None:
        """Returns (x, gamma, beta, epsilon) when `op` is the last operator of a layer norm."""
        if activation_code(op):
            return None
        for scaled, shift in self._either(op):
            product = self._made(scaled, "MUL")
            if product is None:
                continue
            for source, scale in self._either(product):
                found = self._with_scale(source, scale, shift)
                if found is not None:
                    return found
        return None

    def _with_scale(self, source: int, scale: int, shift: int) -> _Found | None:
        found = self._scale(source, scale)
        if found is None:
            return None
        mean, gamma, epsilon = found
        beta: np.ndarray | None = None
        added = self._made(shift, "ADD")
        if added is not None:
            for inner, constant in self._either(added):
                if self._vector(constant, source) is not None:
                    shift, beta = inner, self._graph.constant(constant)
                    break
        product = self._made(shift, "MUL")
        if product is None:
            return None
        for negative, other in self._either(product):
            made = self._made(negative, "NEG")
            if made is not None and made.inputs[0] == mean and other == scale:
                return source, gamma, beta, epsilon
        return None

    def _scale(self, source: int, scale: int) -> tuple[int, np.ndarray | None, float] | None:
        """Returns (mean, gamma, epsilon) of `scale` = gamma / sqrt(variance(source) + epsilon)."""
        gamma: np.ndarray | None = None
        root = self._made(scale, "RSQRT")
        if root is None:
            product = self._made(scale, "MUL")
            for inner, constant in self._either(product) if product else ():
                if self._vector(constant, source) is not None:
                    root, gamma = self._made(inner, "RSQRT"), self._graph.constant(constant)
                    break
        added = self._made(root.inputs[0], "ADD") if root else None
        for variance, constant in self._either(added) if added else ():
            epsilon = self._graph.constant(constant)
            mean = self._variance_mean(variance, source)
            if mean is not None and epsilon is not None and epsilon.size == 1:
                return mean, gamma, float(epsilon.item())
        return None

    def _variance_mean(self, variance: int, source: int) -> int | None:
        """Returns the mean in `variance` = mean((source - mean)²), both over the last axis."""
        averaged = self._made(variance, "MEAN")
        if averaged is None or not self._over_last_axis(averaged):
            return None
        squared = self._made(averaged.inputs[0], "SQUARED_DIFFERENCE")
        for left, mean in self._either(squared) if squared else ():
            made = self._made(mean, "MEAN")
            if left == source and made and made.inputs[0] == source and self._over_last_axis(made):
                return mean
        return None

    def _over_last_axis(self, op: Operator) -> bool:
        axes = self._graph.constant(op.inputs[1])
        rank = len(self._graph.tensors[op.inputs[0]].shape)
        kept = len(self._graph.tensors[op.outputs[0]].shape) == rank
        return axes is not None and axes.size == 1 and int(axes.item()) % rank == rank - 1 and kept

    def _vector(self, index: int, source: int) -> np.ndarray | None:
        """Returns a constant that varies along the last axis only, or not at all."""
        value = self._graph.constant(index)
        last = self._graph.tensors[source].shape[-1]
        return value if value is not None and value.size in (1, last) else None

    def _made(self, index: int, kind: str) -> Operator | None:
        op = self._producers.get(index)
        if op is None or op.kind != kind or activation_code(op):
            return None
        return op

    @staticmethod
    def _either(op: Operator) -> Iterator[tuple[int, int]]:
        first, second = op.inputs[:2]
        yield first, second
        yield second, first
