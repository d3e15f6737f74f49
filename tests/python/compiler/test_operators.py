"""Operators of TensorFlow, many in one function, compiled, answer as TensorFlow does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("ai_edge_litert")


def _draw(shape: tuple[int, ...], dtype: str = "float32", seed: int = 7) -> Any:
    """Normal floats with a zero and a negative half; integers from -9 to 9; bytes of any value."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        drawn = rng.normal(size=shape).astype(dtype)
        drawn.reshape(-1)[:2] = 0, -0.5
        return drawn
    if kind.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if kind.itemsize == 1:
        limits = np.iinfo(kind)
        return rng.integers(limits.min, limits.max + 1, shape, dtype)
    return rng.integers(-9, 10, shape).astype(dtype)


def _integers(a: Any, b: Any, f: Any) -> list[Any]:
    wide = tf.constant(-7, tf.int64)
    return [
        *(-tf.math.floordiv(-a, 3), tf.math.floormod(a, -4), tf.math.floormod(b, 7)),
        *(tf.clip_by_value(b, -3, 5), tf.maximum(b, 2), tf.minimum(b, 4), tf.where(b > 1, b, wide)),
        *(b * 1000000007 + (1 << 40), tf.math.squared_difference(b, wide), tf.reduce_sum(b, 1), -b),
        *(a * 1000000007, a + 2147483640, tf.abs(a * 1000000007), tf.pow(a, 11), tf.sign(a)),
        *(tf.math.floormod(f, -1.5), tf.math.floordiv(f, 0.7), tf.cast(f * 3.7, tf.int32)),
        *(tf.cast(b, tf.float32), tf.maximum(a, tf.cast(b % 100, tf.int32)), tf.zeros_like(b)),
        *(tf.bitwise.bitwise_xor(a, 12345), tf.bitwise.right_shift(a, 1), tf.math.atan2(f, f + 9)),
        *(tf.add_n([f, f * 2.0, f]), tf.fill([3, 5], f[0, 0]), tf.where(f > 0, -0.0, f)),
    ]


def test_integer_arithmetic_wraps_and_rounds_as_in_tensorflow(function_error: Any) -> None:
    arrays = _draw((3, 5), "int32"), _draw((3, 5), "int64", 8), _draw((3, 5))
    assert function_error(_integers, *arrays) < 1.0
