"""Layers of windows, of other types than float32, as in TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("ai_edge_litert")


def _layers_of(dtype: str) -> Any:
    rng = np.random.default_rng(3)
    shapes = [(3, 3, 2, 6), (3, 3, 2, 2), (3, 3, 5, 2), (54, 7), (7,)]
    kernel, depthwise, back, dense, bias = (tf.cast(rng.normal(size=s) / 4, dtype) for s in shapes)

    def layers(image: Any) -> list[Any]:
        x = tf.cast(image, dtype)
        flat = tf.reshape(tf.nn.conv2d(x, kernel, [1, 2, 2, 1], "SAME"), [3, 54])
        back_shape = [3, 12, 12, 5]
        return [
            tf.nn.relu(tf.nn.bias_add(flat @ dense, bias)),
            tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "VALID", dilations=[1, 2, 1, 1]),
            tf.nn.depthwise_conv2d(x, depthwise, [1, 1, 1, 1], "SAME"),
            tf.nn.conv2d_transpose(x, back, back_shape, [1, 2, 2, 1], "SAME"),
            tf.nn.max_pool2d(x, 3, 2, "SAME"),
            tf.nn.avg_pool2d(x, (2, 3), 2, "SAME"),
        ]

    return layers


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_layers_of_other_types_than_float32(dtype: str, function_error: Any, draw: Any) -> None:
    assert function_error(_layers_of(dtype), draw((3, 6, 6, 2))) < 1.0
