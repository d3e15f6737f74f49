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
def test_mathematics_in_the_precision_of_their_type(dtype: str, function_error: Any) -> None:
    assert function_error(_mathematics, _draw((3, 6, 5), dtype)) < 1.0


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
def test_layers_of_other_types_than_float32(dtype: str, function_error: Any) -> None:
    assert function_error(_layers_of(dtype), _draw((3, 6, 6, 2))) < 1.0


def test_tensors_of_16_bits_come_in_and_go_out(function_error: Any) -> None:
    def mixed(a: Any, b: Any) -> list[Any]:
        brain = tf.cast(a, tf.bfloat16)
        numbers = [a * a, a, tf.cast(a, tf.float32) + 1.0, tf.cast(a * 3, tf.int32), brain + brain]
        return [*numbers, b, tf.cast(b, tf.float16), tf.cast(b, tf.int64)]

    assert function_error(mixed, _draw((3, 6), "float16"), _draw((3, 6), "int16")) < 1.0


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


def test_windows_over_volumes(function_error: Any) -> None:
    assert function_error(_volumes, _draw((2, 6, 6, 4, 3))) < 1.0


def _resizes(x: Any) -> list[Any]:
    def resize(size: tuple[int, int], method: str, **options: Any) -> Any:
        return tf.image.resize(x, size, method, **options)

    return [
        *(resize((9, 7), "bicubic"), resize((3, 3), "area"), resize((12, 12), "lanczos3")),
        *(resize((4, 3), "bilinear", antialias=True), resize((9, 7), "mitchellcubic")),
        *(resize((4, 4), "gaussian", antialias=True), resize((9, 7), "nearest")),
        tf.raw_ops.ResizeBicubic(images=x, size=(5, 8), align_corners=True),
        tf.image.extract_patches(x, [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "SAME"),
    ]


def test_images_are_resized_by_any_method(function_error: Any) -> None:
    assert function_error(_resizes, _draw((2, 6, 5, 3))) < 1.0


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


def test_what_only_tensorflow_has_operators_for(function_error: Any) -> None:
    assert function_error(_scatters, _draw((3, 6, 5)), _draw((3, 4), "int32")) < 1.0
