"""A graph for another batch, made from one of rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from aios.compiler.graph import Graph, Operator, Tensor
from aios.compiler.reader import read_graph
from aios.compiler.rebatch import rebatched

keras = pytest.importorskip("keras")
pytest.importorskip("ai_edge_litert")
L = keras.layers
FLOAT = np.dtype(np.float32)


def _dense_net() -> Any:
    source = keras.Input((96,))
    hidden = L.Dense(128, "relu")(L.Dense(128, "relu")(source))
    return keras.Model(source, L.Dense(10, "softmax")(hidden))


def test_a_graph_of_rows_can_have_another_batch(compiled: Any) -> None:
    graph = read_graph(compiled(_dense_net()).source.graphs[8])
    wide = rebatched(graph, 8, 32)
    assert wide is not None
    assert [wide.tensors[i].shape for i in (*wide.inputs, *wide.outputs)] == [(32, 96), (32, 10)]
    assert all(t.data is None or t is o for t, o in zip(wide.tensors, graph.tensors, strict=True))


def test_a_graph_that_mixes_samples_keeps_its_batch() -> None:
    def graph(kind: str, *shapes: tuple[int, ...], constant: int | None = None) -> Graph:
        tensors = [Tensor(f"t{i}", shape, FLOAT) for i, shape in enumerate(shapes)]
        if constant is not None:
            data = np.ones(shapes[constant], np.float32)
            tensors[constant] = replace(tensors[constant], data=data)
        op = Operator(kind, tuple(range(len(shapes) - 1)), (len(shapes) - 1,))
        return Graph(tuple(tensors), (op,), (0,), (len(shapes) - 1,))

    assert rebatched(graph("ADD", (8, 3), (1, 3), (8, 3), constant=1), 8, 32) is not None
    assert rebatched(graph("ADD", (8, 3), (8, 3), (8, 3), constant=1), 8, 32) is None
    assert rebatched(graph("CUMSUM", (8, 3), (8, 3)), 8, 32) is None
    assert rebatched(graph("RESHAPE", (8, 3), (24,)), 8, 32) is None
