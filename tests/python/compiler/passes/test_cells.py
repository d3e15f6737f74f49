"""Loops of recurrent layers become one operator each."""

from __future__ import annotations

from typing import Any

import pytest

from aios.compiler.passes import optimise
from aios.compiler.reader import read_graph


def _kinds(compiled_model: Any, batch: int) -> list[str]:
    return [op.kind for op in optimise(read_graph(compiled_model.graphs[batch])).operators]


@pytest.mark.parametrize("batch", [1, 8])
def test_loops_become_cells_with_no_transpose_left(batch: int, converted: Any) -> None:
    keras = pytest.importorskip("keras")
    layers = keras.layers
    source = keras.Input((7, 5))
    tensor = layers.Bidirectional(layers.LSTM(9, return_sequences=True))(source)
    tensor = layers.SimpleRNN(4, return_sequences=True, go_backwards=True)(tensor)
    model = converted(keras.Model(source, layers.GRU(6)(tensor)))
    kinds = [k for k in _kinds(model, batch) if k != "RESHAPE"]
    assert sorted(kinds) == [
        "CONCATENATION", "GRU", "LSTM", "LSTM", "SIMPLE_RNN", "STRIDED_SLICE",
    ]  # fmt: skip
