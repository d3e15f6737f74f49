"""Convolutions take what stands around them."""

from __future__ import annotations

from typing import Any

import pytest

from aios.compiler.attributes import fused
from aios.compiler.expression import x
from aios.compiler.passes import optimise
from aios.compiler.reader import read_graph


def test_padding_and_pooling_move_into_the_convolution(converted: Any) -> None:
    keras = pytest.importorskip("keras")
    layers = keras.layers
    source = keras.Input((9, 9, 3))
    tensor = layers.ZeroPadding2D(((1, 0), (2, 1)))(source)
    tensor = layers.MaxPooling2D()(layers.Conv2D(4, 3, activation="relu")(tensor))
    graph = optimise(read_graph(converted(keras.Model(source, tensor)).graphs[1]))
    (op,) = graph.operators
    assert op.kind == "CONV_2D"
    assert fused(op).pads == (1, 2, 0, 1)
    assert fused(op).pool == "kMax"
    assert fused(op).activation == ("relu", x(0))
