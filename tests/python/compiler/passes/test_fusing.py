"""Elementwise operators move into the layer before them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aios.compiler.attributes import Fused, fused
from aios.compiler.expression import x
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


def test_activations_and_residuals_move_into_the_dense_layer() -> None:
    tensors = [_plain(), _constant(np.eye(4)), *(_plain() for _ in range(3))]
    graph = _dense(
        tensors, Operator("ADD", (2, 0), (3,)), Operator("TANH", (3,), (4,)), outputs=(4,)
    )
    (op,) = optimise(graph).operators
    assert op.kind == "FULLY_CONNECTED"
    assert fused(op) == Fused(("tanh", x(0)), residual=0, residual_after=False)


def test_a_result_that_somebody_else_reads_is_not_fused_away() -> None:
    tensors = [_plain(), _constant(np.eye(4)), *(_plain() for _ in range(2))]
    graph = _dense(tensors, Operator("TANH", (2,), (3,)), outputs=(2, 3))
    assert [op.kind for op in optimise(graph).operators] == ["FULLY_CONNECTED", "ELEMENTWISE"]
