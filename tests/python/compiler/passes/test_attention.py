"""Attention becomes one operator."""

from __future__ import annotations

from typing import Any

import pytest

from aios.compiler.passes import optimise
from aios.compiler.reader import read_graph


def _kinds(compiled_model: Any, batch: int) -> list[str]:
    return [op.kind for op in optimise(read_graph(compiled_model.graphs[batch])).operators]


def test_attention_and_layer_norm_are_one_operator_each(converted: Any) -> None:
    keras = pytest.importorskip("keras")
    layers = keras.layers
    source = keras.Input((6, 8))
    tensor = layers.MultiHeadAttention(2, 4)(source, source, use_causal_mask=True)
    model = converted(keras.Model(source, layers.LayerNormalization()(tensor + source)))
    kinds = [k for k in _kinds(model, 8) if k != "RESHAPE"]
    assert kinds == ["FULLY_CONNECTED"] * 3 + ["ATTENTION", "FULLY_CONNECTED", "LAYER_NORM"]
