"""Elementwise operators, many in one function, compiled, answer as TensorFlow does."""

from __future__ import annotations

from typing import Any

import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("ai_edge_litert")


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


def test_integer_arithmetic_wraps_and_rounds_as_in_tensorflow(
    function_error: Any, draw: Any
) -> None:
    arrays = draw((3, 5), "int32"), draw((3, 5), "int64", 8), draw((3, 5))
    assert function_error(_integers, *arrays) < 1.0


def _mathematics(x: Any) -> list[Any]:
    positive, inside = tf.abs(x) + 0.1, tf.tanh(x) * 0.9
    activations = tf.keras.activations
    return [
        *(tf.sin(x), tf.cos(x), tf.tan(x), tf.asin(inside), tf.acos(inside), tf.atan(x)),
        *(tf.sinh(x), tf.cosh(x), tf.asinh(x), tf.acosh(positive + 1.0), tf.atanh(inside)),
        *(
            tf.exp(x),
            tf.math.expm1(x),
            tf.math.log(positive),
            tf.math.log1p(positive),
            tf.sqrt(positive),
        ),
        *(tf.math.erf(x), tf.math.erfc(x), tf.math.lgamma(positive), tf.math.rsqrt(positive)),
        *(tf.math.softplus(x), tf.nn.softsign(x), tf.nn.selu(x), tf.nn.elu(x), tf.nn.leaky_relu(x)),
        *(tf.math.xlogy(tf.nn.relu(x), positive), tf.math.divide_no_nan(x, tf.nn.relu(x))),
        *(
            tf.floor(x),
            tf.math.ceil(x),
            tf.round(x * 3.0),
            tf.sign(x),
            tf.math.reciprocal(positive),
        ),
        *(
            tf.pow(positive, 1.7),
            tf.math.floormod(x, 0.7),
            tf.truncatemod(x, 0.7),
            tf.nn.relu6(x * 9.0),
        ),
        *(
            tf.math.cumprod(x, 1),
            tf.cumsum(x, 2, exclusive=True),
            tf.math.is_nan(x),
            tf.math.is_inf(x),
        ),
        *(tf.matmul(x, x, transpose_b=True), tf.matmul(x[:, None], x[None], transpose_a=True)),
        *(tf.nn.softmax(x), tf.nn.log_softmax(x), tf.reduce_logsumexp(x, 1), tf.norm(x, axis=-1)),
        *(
            tf.math.reduce_std(x, 1),
            tf.reduce_prod(x, 2),
            tf.reduce_max(x, [1, 2]),
            tf.reduce_min(x, 1),
        ),
        *(
            activations.mish(x),
            activations.gelu(x),
            activations.hard_sigmoid(x),
            tf.clip_by_value(x, -1.0, 1.0),
        ),
        *(tf.where(x > 0, x, tf.zeros_like(x)), tf.concat([x, -x], 1), tf.transpose(x, [0, 2, 1])),
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mathematics_in_the_precision_of_their_type(
    dtype: str, function_error: Any, draw: Any
) -> None:
    assert function_error(_mathematics, draw((3, 6, 5), dtype)) < 1.0
