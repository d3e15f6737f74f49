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


def _positions(x: Any, i: Any) -> list[Any]:
    at = tf.abs(i) % 6
    rows = tf.tile(tf.range(3)[:, None], [1, 4])
    where = tf.stack([rows, at], -1)
    return [
        *(
            tf.gather(x, at, axis=1, batch_dims=1),
            tf.gather_nd(x, where),
            tf.one_hot(at, 6, axis=1),
        ),
        *(tf.gather_nd(x, at[:, :, None], batch_dims=1), tf.gather(x, [3, 1, 1], axis=1)),
        *(tf.scatter_nd(where, x[:, :4], [3, 6, 5]), tf.tensor_scatter_nd_add(x, where, x[:, 1:5])),
        *(tf.reverse_sequence(x, at[:, 0], seq_axis=1), tf.linalg.diag(x[:, 0])),
        *(tf.linalg.set_diag(x, x[:, 0]), tf.linalg.band_part(x, 1, 0), tf.bitcast(x, tf.int32)),
        tf.math.unsorted_segment_sum(x, tf.constant([1, 0, 1]), 3),
    ]


def test_positions_that_the_call_computes_are_read_and_written(function_error: Any) -> None:
    assert function_error(_positions, _draw((3, 6, 5)), _draw((3, 4), "int32")) < 1.0


def _orders(x: Any, i: Any) -> list[Any]:
    return [
        *(*tf.math.top_k(x, 3), tf.argsort(x), tf.sort(x, axis=1, direction="DESCENDING")),
        *(tf.math.top_k(i, 2).indices, tf.sort(i), tf.argmin(x, 1), tf.argmax(i, -1)),
        tf.raw_ops.Bucketize(input=x, boundaries=[-1.0, 0.0, 0.5]),
        tf.raw_ops.Bucketize(input=i, boundaries=[-3.0, 0.0, 4.0]),
        *(x[..., None, 1:-1, ::-2], x[:, 2:4, None, 3], x[:, ::-1], x[:, -3:]),
    ]


def test_elements_are_ordered_as_in_tensorflow(function_error: Any) -> None:
    assert function_error(_orders, _draw((3, 6, 7)), _draw((3, 6, 7), "int32")) < 1.0


def _loops(x: Any) -> list[Any]:
    def last(i: Any, y: Any) -> Any:
        return tf.logical_and(i < 20, tf.reduce_max(y) < 5.0)

    def outer(i: Any, total: Any) -> Any:
        def inner(j: Any, t: Any) -> Any:
            return j + 1, t + tf.tanh(x[:, 0] * tf.cast(j + 1, tf.float32))

        return i + 1, tf.while_loop(lambda j, t: j < i + 1, inner, (0, total))[1]

    def swap(a: Any, b: Any, k: Any) -> Any:
        return b, a + b * 0.5, k + 1

    def token(i: Any, state: Any, tokens: Any) -> Any:
        state = tf.tanh(state * 1.7 + 0.1)
        best = tf.argmax(state, -1, output_type=tf.int32)
        return i + 1, state + tf.one_hot(best, 4) * -1.0, tokens.write(i, best)

    list_ = tf.TensorArray(tf.int32, 5, element_shape=(3,))
    count, grown = tf.while_loop(last, lambda i, y: (i + 1, y * 1.5 + 0.1), (0, tf.abs(x)))
    a, b, _ = tf.while_loop(lambda a, b, k: k < 5, swap, (x, x * 2.0, 0))
    steps, state, tokens = tf.while_loop(lambda i, *_: i < 5, token, (0, x, list_))
    return [
        *(grown, grown * tf.cast(count, tf.float32), a, b, state, tf.transpose(tokens.stack())),
        tf.while_loop(lambda i, t: i < 4, outer, (0, x[:, 1]))[1],
        x * tf.cast(steps, tf.float32),
        tf.transpose(tf.scan(lambda s, t: s * 0.5 + t, tf.transpose(x, [1, 0]))),
        tf.cond(tf.reduce_mean(x) > 0.0, lambda: tf.tanh(x), lambda: tf.cumsum(x, 1)),
        tf.cond(tf.reduce_mean(x) <= 0.0, lambda: tf.tanh(x), lambda: x),
    ]


def test_loops_and_branches_go_the_way_that_their_values_say(function_error: Any) -> None:
    assert function_error(_loops, _draw((3, 4))) < 1.0
