"""Sorts, ranks and slices, as in TensorFlow."""

from __future__ import annotations

from typing import Any

import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("ai_edge_litert")


def _orders(x: Any, i: Any) -> list[Any]:
    return [
        *(*tf.math.top_k(x, 3), tf.argsort(x), tf.sort(x, axis=1, direction="DESCENDING")),
        *(tf.math.top_k(i, 2).indices, tf.sort(i), tf.argmin(x, 1), tf.argmax(i, -1)),
        tf.raw_ops.Bucketize(input=x, boundaries=[-1.0, 0.0, 0.5]),
        tf.raw_ops.Bucketize(input=i, boundaries=[-3.0, 0.0, 4.0]),
        *(x[..., None, 1:-1, ::-2], x[:, 2:4, None, 3], x[:, ::-1], x[:, -3:]),
    ]


def test_elements_are_ordered_as_in_tensorflow(function_error: Any, draw: Any) -> None:
    assert function_error(_orders, draw((3, 6, 7)), draw((3, 6, 7), "int32")) < 1.0
