"""Whole models of the kinds that people deploy. AIOS_LARGE_MODELS=1 adds the full-size ones."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("ai_edge_litert")
L = keras.layers
LARGE = pytest.mark.skipif(
    os.environ.get("AIOS_LARGE_MODELS") != "1", reason="set AIOS_LARGE_MODELS=1"
)


def _encoder(rows: int, width: int, layers: int) -> Any:
    tensor = source = keras.Input((rows, width))
    for _ in range(layers):
        attended = L.MultiHeadAttention(4, width // 4)(tensor, tensor)
        tensor = L.LayerNormalization()(tensor + attended)
        inner = L.Dense(width)(L.Dense(4 * width, "gelu")(tensor))
        tensor = L.LayerNormalization()(tensor + inner)
    return keras.Model(source, tensor)


def _application(build: Any, size: int, **options: Any) -> Any:
    """An application whose batch normalisation has statistics, so that its answers differ."""
    model = build(weights=None, input_shape=(size, size, 3), **options)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            layer.momentum = 0.0
    noise = np.random.default_rng(0).normal(size=(4, size, size, 3)).astype(np.float32)
    model(noise, training=True)
    return model


def _check(compiled: Any, model: Any) -> None:
    built = compiled(model)
    arrays = built.source.draw(3)
    assert built.worst(arrays) < 1.0
    answers = built.run(*arrays)[0].reshape(3, -1)
    assert np.abs(answers[0] - answers[1]).max() > 1e-4, "samples can't be told apart"


def test_encoder(compiled: Any) -> None:
    _check(compiled, _encoder(16, 32, 2))


def test_mobile_net(compiled: Any) -> None:
    build = keras.applications.MobileNetV2
    _check(compiled, _application(build, 64, alpha=0.35, classes=10))


@LARGE
def test_full_encoder(compiled: Any) -> None:
    _check(compiled, _encoder(64, 128, 4))


@LARGE
def test_full_mobile_net(compiled: Any) -> None:
    _check(compiled, _application(keras.applications.MobileNetV2, 224))


@LARGE
def test_full_residual_net(compiled: Any) -> None:
    _check(compiled, _application(keras.applications.ResNet50, 224))
