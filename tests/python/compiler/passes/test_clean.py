"""Operators that are of no use are removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aios.compiler.graph import MISSING, Graph, Operator, Tensor
from aios.compiler.passes import optimise

if TYPE_CHECKING:
    pass
FLOAT = np.dtype(np.float32)


def _constant(value: Any) -> Tensor:
    array = np.asarray(value, np.float32)
    return Tensor("constant", array.shape, FLOAT, array)


def _dense(tensors: list[Tensor], *rest: Operator, outputs: tuple[int, ...]) -> Graph:
    layer = Operator("FULLY_CONNECTED", (0, 1, MISSING), (2,), {"fused_activation_function": 0})
    return Graph(tuple(tensors), (layer, *rest), (0,), outputs, ("x",), ("y",) * len(outputs))


def _plain(size: int = 4) -> Tensor:
    return Tensor("t", (1, size), FLOAT)


def test_operators_that_nobody_reads_are_removed() -> None:
    tensors = [_plain(), _constant(np.eye(4)), *(_plain() for _ in range(2))]
    graph = _dense(tensors, Operator("EXP", (2,), (3,)), outputs=(2,))
    assert [op.kind for op in optimise(graph).operators] == ["FULLY_CONNECTED"]
