"""Windows over volumes, as in TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("ai_edge_litert")


def _volumes(x: Any) -> list[Any]:
    rng = np.random.default_rng(3)
    kernel = tf.constant(rng.normal(size=(3, 3, 2, 3, 5)).astype("f") / 4)
    back = tf.constant(rng.normal(size=(3, 3, 2, 4, 3)).astype("f") / 4)
    return [
        tf.nn.conv3d(x, kernel, [1, 1, 1, 1, 1], "SAME"),
        tf.nn.conv3d(x, kernel, [1, 2, 2, 1, 1], "VALID"),
        tf.nn.conv3d_transpose(x, back, [2, 12, 12, 8, 4], [1, 2, 2, 2, 1], "SAME"),
        tf.nn.max_pool3d(x, 2, 2, "SAME"),
        tf.nn.avg_pool3d(x, [2, 3, 2], [2, 2, 1], "VALID"),
    ]


def test_windows_over_volumes(function_error: Any, draw: Any) -> None:
    assert function_error(_volumes, draw((2, 6, 6, 4, 3))) < 1.0
