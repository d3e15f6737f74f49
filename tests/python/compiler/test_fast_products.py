"""Strassen's products: where they are used, and that answers stay inside the tolerance."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from aios.compiler import compile_graphs
from aios.compiler.graph import Graph, Operator, Tensor
from aios.compiler.host import CompiledModel
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


def _encoder() -> Any:
    source = keras.Input((64, 128))
    tensor = L.LayerNormalization()(source + L.MultiHeadAttention(4, 32)(source, source))
    inner = L.Dense(128)(L.Dense(512, "gelu")(tensor))
    return keras.Model(source, L.LayerNormalization()(tensor + inner))


def test_many_samples_of_a_dense_net_are_taken_together(compiled: Any) -> None:
    model = compiled(_dense_net(), moved=True)
    assert model.artifact.batch_sizes == (1, 8, 32)
    assert "strassen<StrassenShape<32, 128, 128>" in (model.folder / "model.cc").read_text()
    for batch in (1, 7, 8, 31, 32, 33, 43, 64, 75):
        assert model.worst(model.source.draw(batch)) < 0.5, batch


def test_scores_of_an_attention_are_added_in_order(compiled: Any, tmp_path: Any) -> None:
    model = compiled(_encoder(), moved=True)
    source = (model.folder / "model.cc").read_text()
    batch_1 = source[: source.index("void runBatch8(")] if "runBatch8" in source else source
    plain = re.findall(r"  dense<64, 128, 128,", batch_1)
    fast = re.findall(r"  strassen<StrassenShape<(\d+, \d+, \d+)>", batch_1)
    assert len(plain) == 2, "the products that give queries and keys"
    assert sorted(fast) == ["64, 128, 128", "64, 128, 128", "64, 128, 512", "64, 512, 128"]
    # Large scores magnify every rounding; Strassen's may not add to that.
    compile_graphs(model.source.graphs, tmp_path / "exact", name="model", exact=True)
    exact = replace(model, run=CompiledModel(tmp_path / "exact"))
    for scale in (1.0, 10.0, 100.0):
        arrays = model.source.draw(2, scale=scale)
        assert model.worst(arrays) < exact.worst(arrays) + 0.3, scale


def test_exact_leaves_out_what_loses_bits(compiled: Any, tmp_path: Any) -> None:
    model = compiled(_encoder())
    exact = compile_graphs(model.source.graphs, tmp_path / "exact", name="model", exact=True)
    assert "strassen<" in (model.folder / "model.cc").read_text()
    assert "strassen<" not in exact.files[2].read_text()


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
