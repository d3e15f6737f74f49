"""Small graphs of the compiler, and the calls that they are lowered to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from aios.compiler.graph import MISSING, Graph, Operator, Tensor
from aios.compiler.lowering import Lowerer, Machine


def tensor(*shape: int, dtype: Any = np.float32) -> Tensor:
    """A tensor that is computed or given."""
    return Tensor("t", shape, np.dtype(dtype))


def constant(value: Any, dtype: Any = np.float32) -> Tensor:
    """A tensor whose value is known."""
    data = np.asarray(value, dtype)
    return Tensor("constant", data.shape, data.dtype, data)


def graph_of(tensors: list[Tensor], *operators: Operator) -> Graph:
    """A graph whose input is the first tensor and whose output the last operator's."""
    return Graph(tuple(tensors), operators, (0,), operators[-1].outputs, ("x",), ("y",))


def dense_graph(*rest: Operator, outputs: tuple[int, ...]) -> Graph:
    """A graph that begins with a dense layer of 4 from tensor 0 to 2; one tensor an operator."""
    tensors = [tensor(1, 4), constant(np.eye(4)), *(tensor(1, 4) for _ in range(1 + len(rest)))]
    layer = Operator("FULLY_CONNECTED", (0, 1, MISSING), (2,), {"fused_activation_function": 0})
    return replace(
        graph_of(tensors, layer, *rest), outputs=outputs, output_names=("y",) * len(outputs)
    )


def lowered(graph: Graph, lanes: int = 16) -> Lowerer:
    """The lowerer that has lowered every operator of a graph, none of which it may decline."""
    lowerer = Lowerer(graph, Machine(lanes))
    declined = lowerer.lower_all(graph.operators)
    assert not declined, declined
    return lowerer


def functions_of(graph: Graph, lanes: int = 16) -> list[str]:
    """The functions that a graph calls, with their template arguments."""
    return [call.function for call in lowered(graph, lanes).finish().calls()]


def declined_of(graph: Graph) -> list[str]:
    """What of a graph is declined, and why."""
    return list(Lowerer(graph, Machine(16)).lower_all(graph.operators))
