"""Multiply-adds of a Keras model, counted from its layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def multiply_adds(model: keras.Model) -> int:
    """Multiply-adds of one sample in the layers that have kernels, from the layers' shapes."""
    return sum(_layer_multiply_adds(layer) for layer in model.layers)


def _layer_multiply_adds(layer: Any) -> int:
    from keras import layers

    if isinstance(layer, layers.MultiHeadAttention):
        query, key = (tensor.shape for tensor in layer.input[:2])
        projections = 2 * math.prod(query[1:]) * layer.num_heads * layer.key_dim
        projections += 2 * math.prod(key[1:]) * layer.num_heads * layer.key_dim
        return int(projections + 2 * query[1] * key[1] * layer.num_heads * layer.key_dim)
    if isinstance(layer, (layers.LSTM, layers.GRU)):
        kernels = (layer.cell.kernel, layer.cell.recurrent_kernel)
        return int(layer.input.shape[1]) * sum(math.prod(kernel.shape) for kernel in kernels)
    if isinstance(layer, layers.DepthwiseConv2D):
        return math.prod(layer.output.shape[1:]) * math.prod(layer.kernel_size)
    if isinstance(layer, (layers.Conv1D, layers.Conv2D)):
        return math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape)
    if isinstance(layer, layers.Dense):
        return math.prod(layer.input.shape[1:-1]) * math.prod(layer.kernel.shape)
    return 0
