"""Operators that only TensorFlow has are adopted."""

from __future__ import annotations

from typing import Any

import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("ai_edge_litert")


def _scatters(x: Any, i: Any) -> list[Any]:
    columns = (tf.range(4) + tf.abs(i[:, :1])) % 6
    at = tf.stack([tf.tile(tf.range(3)[:, None], [1, 4]), columns], -1)
    updates = x[:, :4] * 2.0
    size = tf.minimum(tf.maximum(tf.reduce_max(i) + 1, 7), 7)
    return [
        tf.tensor_scatter_nd_update(x, at, updates),
        *(tf.tensor_scatter_nd_max(x, at, updates), tf.tensor_scatter_nd_sub(x, at, updates)),
        tf.raw_ops.DenseBincount(
            input=tf.abs(i), size=size, weights=tf.zeros([0]), binary_output=False
        ),
        tf.linalg.diag_part(x[:, :5]),
        *(
            tf.bitwise.invert(i),
            tf.bitwise.left_shift(i, 2),
            tf.truncatediv(i, 3),
            tf.bitwise.bitwise_and(i, 6),
        ),
    ]


def test_what_only_tensorflow_has_operators_for(function_error: Any, draw: Any) -> None:
    assert function_error(_scatters, draw((3, 6, 5)), draw((3, 4), "int32")) < 1.0
