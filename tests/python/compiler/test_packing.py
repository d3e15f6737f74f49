"""Packed weights, read back as the kernels read them."""

from __future__ import annotations

import numpy as np
import pytest

from aios.compiler import packing

RANDOM = np.random.default_rng(7)
LANES = (4, 8, 16)


def values(*shape: int) -> np.ndarray:
    return RANDOM.uniform(-1.0, 1.0, shape).astype(np.float32)


def unpack_panels(packed, depth, columns, lanes):
    """Returns the bias and the [depth, columns] matrix, and checks that padding is zero."""
    padded = packing.pad_to_lanes(columns, lanes)
    assert packed.shape == ((depth + 1) * padded,)
    panels, at = [], 0
    for column in range(0, padded, packing.PANEL_VECTORS * lanes):
        width = min(packing.PANEL_VECTORS * lanes, padded - column)
        panels.append(packed[at : at + (depth + 1) * width].reshape(depth + 1, width))
        at += (depth + 1) * width
    rows = np.concatenate(panels, axis=1)
    assert not rows[:, columns:].any()
    return rows[0, :columns], rows[1:, :columns]


def test_a_panel_is_its_bias_row_and_then_its_weights():
    weights = np.array([[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]], np.float32)
    packed = packing.pack_dense(weights, np.arange(5, dtype=np.float32) + 20, lanes=2)
    assert packed.tolist() == [
        *[20, 21, 22, 23, 1, 3, 5, 7, 2, 4, 6, 8],
        *[24, 0, 9, 0, 10, 0],
    ]


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize(("depth", "columns"), [(1, 1), (7, 5), (3, 33), (10, 64)])
def test_pack_dense_keeps_every_weight(lanes, depth, columns):
    weights, bias = values(columns, depth), values(columns)
    got_bias, matrix = unpack_panels(
        packing.pack_dense(weights, bias, lanes=lanes), depth, columns, lanes
    )
    np.testing.assert_array_equal(got_bias, bias)
    np.testing.assert_array_equal(matrix, weights.T)


def test_pack_narrow_is_the_bias_and_then_padded_rows():
    weights = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    packed = packing.pack_narrow(weights, np.array([8, 9], np.float32), lanes=4)
    assert packed.tolist() == [8, 9, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0]


def test_narrow_is_for_few_columns_of_some_depth():
    assert packing.narrow_pays(32, 3, lanes=16)
    assert packing.narrow_pays(512, 4, lanes=8)
    assert not packing.narrow_pays(512, 5, lanes=8)
    assert not packing.narrow_pays(16, 1, lanes=16)


@pytest.mark.parametrize("lanes", LANES)
def test_pack_strassen_gives_the_seven_products_of_the_halves(lanes):
    depth, columns = 6, 6 * lanes
    weights, bias, x = values(columns, depth), values(columns), values(10, depth)
    packed = packing.pack_strassen(weights, bias, lanes=lanes)
    half, rows = columns // 2, 2 + 7 * depth // 2
    widths = [min(packing.PANEL_VECTORS * lanes, half - at) for at in range(0, half, 2 * lanes)]
    panels = np.split(packed, np.cumsum([rows * width for width in widths])[:-1])
    whole = np.concatenate(
        [panel.reshape(rows, width) for panel, width in zip(panels, widths, strict=True)], axis=1
    )
    left, right = whole[:2]
    b11, b21, t2, t3, minus_t4, t1, b22 = whole[2:].reshape(7, depth // 2, half)
    a11, a12, a21, a22 = x[:5, :3], x[:5, 3:], x[5:, :3], x[5:, 3:]
    s1, s3 = a21 + a22, a11 - a21
    s2 = s1 - a11
    u = a11 @ b11 + s2 @ t2
    v = u + s3 @ t3
    above = np.hstack([a11 @ b11 + a12 @ b21 + left, u + s1 @ t1 + (a12 - s2) @ b22 + right])
    below = np.hstack([v + a22 @ minus_t4 + left, v + s1 @ t1 + right])
    np.testing.assert_allclose(np.vstack([above, below]), x @ weights.T + bias, atol=1e-5)


def test_strassen_is_for_layers_that_are_large_and_can_be_halved():
    pays = packing.strassen_pays
    assert pays(64, 128, 512, lanes=16)
    assert pays(49, 960, 160, lanes=16)
    assert not pays(8, 784, 512, lanes=16)  # too few rows
    assert not pays(64, 127, 512, lanes=16)  # an odd depth
    assert not pays(64, 128, 144, lanes=16)  # halves that aren't whole vectors
    assert not pays(3136, 64, 64, lanes=16)  # its sums would cost what it saves


def test_a_bias_of_another_size_is_refused():
    with pytest.raises(ValueError, match="expected 3 values, got 2"):
        packing.pack_dense(values(3, 4), values(2), lanes=8)


def test_narrow_convolutions_compute_neighbouring_pixels_together():
    assert packing.conv_pixels(8, 3, stride_w=1, dilation_w=1, out_w=26, lanes=16) == 2
    assert packing.conv_pixels(8, 3, stride_w=1, dilation_w=1, out_w=25, lanes=16) == 1
    assert packing.conv_pixels(32, 3, stride_w=1, dilation_w=1, out_w=26, lanes=16) == 1
    assert packing.conv_pixels(8, 3, stride_w=1, dilation_w=2, out_w=26, lanes=16) == 1


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("stride", [1, 2])
def test_pack_conv2d_gives_the_convolution_of_each_pixel(lanes, stride):
    count, channels, out_w = 3, 2, 8
    filters, bias = values(count, 3, 3, channels), values(count)
    pixels = packing.conv_pixels(count, 3, stride_w=stride, dilation_w=1, out_w=out_w, lanes=lanes)
    packed = packing.pack_conv2d(
        filters, bias, lanes=lanes, out_w=out_w, stride_w=stride, padded=False
    )
    width = 3 + (pixels - 1) * stride
    got_bias, matrix = unpack_panels(packed, 3 * width * channels, pixels * count, lanes)
    image = values(3, width, channels)
    got = (got_bias + image.reshape(-1) @ matrix).reshape(pixels, count)
    for pixel in range(pixels):
        window = image[:, pixel * stride : pixel * stride + 3]
        expected = bias + np.einsum("hwc,ohwc->o", window, filters)
        np.testing.assert_allclose(got[pixel], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("lanes", LANES)
def test_pack_depthwise_puts_the_taps_of_a_vector_of_channels_together(lanes):
    filters, bias = values(1, 3, 2, 21), values(21)
    packed = packing.pack_depthwise(filters, bias, lanes=lanes).reshape(-1, 1 + 6, lanes)
    rows = packed.transpose(1, 0, 2).reshape(7, -1)
    np.testing.assert_array_equal(rows[0, :21], bias)
    np.testing.assert_array_equal(rows[1:, :21], filters.reshape(6, 21))
    assert not rows[:, 21:].any()


@pytest.mark.parametrize("lanes", LANES)
def test_pack_lstm_puts_the_gates_of_a_block_of_units_side_by_side(lanes):
    units, inputs = 5, 3
    kernel, recurrent, bias = values(4 * units, inputs), values(4 * units, units), values(4 * units)
    packed_input, packed_recurrent = packing.pack_lstm(kernel, recurrent, bias, lanes=lanes)
    blocks = packing.pad_to_lanes(units, lanes) // lanes
    got_bias, columns = unpack_panels(packed_input, inputs, 4 * blocks * lanes, lanes)
    halves = np.array([0.5, 0.5, 1.0, 0.5], np.float32)[:, None]
    by_gate = columns.reshape(inputs, blocks, 4, lanes).transpose(2, 1, 3, 0)
    by_gate = by_gate.reshape(4, -1, inputs)
    expected = kernel.reshape(4, units, inputs) * halves[..., None]
    np.testing.assert_array_equal(by_gate[:, :units], expected)
    assert not by_gate[:, units:].any()
    bias_by_gate = got_bias.reshape(blocks, 4, lanes).transpose(1, 0, 2).reshape(4, -1)
    np.testing.assert_array_equal(bias_by_gate[:, :units], bias.reshape(4, units) * halves)
    rows = packed_recurrent.reshape(blocks, 1 + units, 4, lanes)
    assert not rows[:, 0].any()
    got = rows[:, 1:].transpose(2, 0, 3, 1).reshape(4, -1, units)[:, :units]
    np.testing.assert_array_equal(got, recurrent.reshape(4, units, units) * halves[..., None])


def test_recurrent_weights_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"expected \[4 \* units, units\]"):
        packing.pack_lstm(values(8, 3), values(12, 2), lanes=8)


def test_pack_transposed_conv2d_splits_the_kernel_by_output_phase():
    filters = values(1, 1, 3, 1)
    packed = packing.pack_transposed_conv2d(filters, lanes=4, stride_h=1, stride_w=2)
    taps = packed.reshape(-1, 4)[:, 0]
    first, second, third = filters.reshape(-1)
    np.testing.assert_array_equal(taps, np.array([0, third, first, 0, second], np.float32))


def test_winograd_positions_give_the_convolution_back():
    points = packing.WINOGRAD_POINTS
    back = np.zeros((4, 6))
    there = np.zeros((6, 6))
    for i, point in enumerate(points):
        back[:, i] = [point**power for power in range(4)]
        others = [other for other in points if other != point]
        there[i, :5] = np.poly(others)[::-1]
    back[3, 5] = 1.0
    there[5] = np.poly(points)[::-1]
    channels, count = 3, 5
    filters, bias, square = values(count, 3, 3, channels), values(count), values(6, 6, channels)
    packed = packing.pack_winograd(filters, bias, lanes=4)
    matrix_size = (channels + 1) * 8
    np.testing.assert_array_equal(packed[36 * matrix_size :], [*bias, 0, 0, 0])
    positions = np.einsum("ai,bj,ijc->abc", there, there, square).reshape(36, channels)
    products = np.stack(
        [
            positions[i]
            @ unpack_panels(packed[i * matrix_size : (i + 1) * matrix_size], channels, count, 4)[1]
            for i in range(36)
        ]
    ).reshape(6, 6, count)
    got = np.einsum("ya,xb,abo->yxo", back, back, products)
    for y in range(4):
        for x in range(4):
            expected = np.einsum("hwc,ohwc->o", square[y : y + 3, x : x + 3], filters)
            np.testing.assert_allclose(got[y, x], expected, atol=1e-5)
