"""Loops and branches, as in TensorFlow."""

from __future__ import annotations

from typing import Any

import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("ai_edge_litert")


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


def test_loops_and_branches_go_the_way_that_their_values_say(
    function_error: Any, draw: Any
) -> None:
    assert function_error(_loops, draw((3, 4))) < 1.0
