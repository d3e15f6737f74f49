"""Lays weights out for the kernels of `include/aios/kernels`.

Every function takes weights as a `.tflite` graph holds them, and `lanes`, the floats in a
vector of the target (16: AVX-512, 8: AVX2, 4: NEON), and returns one flat float32 array for the
kernel of the same name. Store the arrays at addresses that are multiples of 64 bytes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

PANEL_VECTORS: Final = 2
"""Column vectors in a full panel: `kPanelVectors` in `tile.hpp`."""

STRASSEN_ROWS: Final = 16
"""The fewest rows that are worth halving."""


def pad_to_lanes(count: int, lanes: int) -> int:
    """Returns `count` rounded up to whole vectors."""
    return -(-count // lanes) * lanes


def _bias_row(bias: FloatArray | None, columns: int) -> FloatArray:
    if bias is None:
        return np.zeros(columns, np.float32)
    flat = np.asarray(bias, np.float32).reshape(-1)
    if flat.size not in (1, columns):
        raise ValueError(f"bias: expected {columns} values, got {flat.size}")
    return np.broadcast_to(flat, (columns,))


def pack_panels(matrix: FloatArray, bias: FloatArray | None, *, lanes: int) -> FloatArray:
    """Packs a `[K, N]` matrix into panels of `PANEL_VECTORS * lanes` columns.

    Each panel is its bias row and then K rows, zero beyond column N; the last panel has as many
    vectors as are left.
    """
    depth, columns = matrix.shape
    bias_row, end = _bias_row(bias, columns), pad_to_lanes(columns, lanes)
    packed = np.zeros((depth + 1) * end, np.float32)
    for at in range(0, end, PANEL_VECTORS * lanes):
        width = min(PANEL_VECTORS * lanes, end - at)
        used = min(width, columns - at)
        panel = packed[(depth + 1) * at :][: (depth + 1) * width].reshape(depth + 1, width)
        panel[0, :used] = bias_row[at : at + used]
        panel[1:, :used] = matrix[:, at : at + used]
    return packed


def pack_dense(weights: FloatArray, bias: FloatArray | None = None, *, lanes: int) -> FloatArray:
    """Packs FULLY_CONNECTED weights `[N, K]` for `dense`; the same for every batch size."""
    return pack_panels(np.asarray(weights, np.float32).T, bias, lanes=lanes)


def narrow_pays(depth: int, columns: int, *, lanes: int) -> bool:
    """Tells whether `narrow` is likely to be faster than `dense`.

    Steps of a row: `dense` takes one for each input; `narrow` one for each vector of weights,
    and about 20 to fold its sums.
    """
    return columns <= 4 and columns * pad_to_lanes(depth, lanes) // lanes + 20 < depth


def pack_narrow(weights: FloatArray, bias: FloatArray | None = None, *, lanes: int) -> FloatArray:
    """Packs FULLY_CONNECTED weights `[N, K]` for `narrow`: the bias, then rows, zero-padded."""
    columns, depth = weights.shape
    head = np.zeros(lanes, np.float32)
    head[:columns] = _bias_row(bias, columns)
    rows = np.zeros((columns, pad_to_lanes(depth, lanes)), np.float32)
    rows[:, :depth] = weights
    return np.concatenate([head, rows.ravel()])


def strassen_pays(rows: int, depth: int, columns: int, *, lanes: int) -> bool:
    """Tells whether `strassen` is likely to be faster than `dense`.

    It saves an eighth of the arithmetic. Summing rows costs about 5 / columns of the whole, the
    ends of tiles 3 / depth (measured: `docs/decisions/compiled-kernels.md`).
    """
    halves = rows >= STRASSEN_ROWS and depth % 2 == 0 and columns % (2 * lanes) == 0
    return halves and 5 / columns + 3 / depth < 0.095


def strassen_scratch_floats(rows: int, depth: int, *, lanes: int) -> int:
    """Returns `kStrassenScratch`: sums of one block of rows."""
    pairs = -(-rows // 2)
    most = -(-pairs // -(-pairs // 48))
    return (4 + rows % 2) * most * pad_to_lanes(depth // 2, lanes)


def pack_strassen(weights: FloatArray, bias: FloatArray | None = None, *, lanes: int) -> FloatArray:
    """Packs FULLY_CONNECTED weights `[N, K]` for `strassen`, whose header has the formulas.

    Sums are rounded once, from float64.
    """
    matrix = np.asarray(weights, np.float64).T
    depth, columns = matrix.shape[0] // 2, matrix.shape[1] // 2
    upper, lower = matrix[:depth], matrix[depth:]
    b11, b12 = upper[:, :columns], upper[:, columns:]
    b21, b22 = lower[:, :columns], lower[:, columns:]
    t1 = b12 - b11
    t2 = b22 - t1
    products = (b11, b21, t2, b22 - b12, b21 - t2, t1, b22)
    rows = np.concatenate(
        [_bias_row(bias, 2 * columns).reshape(2, columns), *products], dtype=np.float32
    )
    width = PANEL_VECTORS * lanes
    return np.concatenate([rows[:, at : at + width].ravel() for at in range(0, columns, width)])


def conv_pixels(  # mirrors convPixels in conv.hpp
    filters: int, kernel_w: int, *, stride_w: int, dilation_w: int, out_w: int, lanes: int
) -> int:
    """Returns how many neighbouring output pixels a convolution computes together."""
    if dilation_w != 1 or filters >= lanes:
        return 1

    def cost(pixels: int) -> int:
        vectors = pad_to_lanes(filters * pixels, lanes) // lanes
        return vectors * (kernel_w + (pixels - 1) * stride_w)

    best = 1
    for pixels in range(2, PANEL_VECTORS * lanes // filters + 1):
        if out_w % pixels == 0 and cost(pixels) * best < cost(best) * pixels:
            best = pixels
    return best


def pack_conv2d(
    filters: FloatArray,
    bias: FloatArray | None = None,
    *,
    lanes: int,
    out_w: int,
    stride_h: int = 1,
    stride_w: int = 1,
    dilation_w: int = 1,
    padded: bool,
) -> FloatArray:
    """Packs CONV_2D filters `[O, H, W, I]` for `conv2d`.

    Args:
        filters: The filters as the graph holds them.
        bias: One value per filter, or None.
        lanes: Floats in a vector of the target.
        out_w: Width of the output, after padding and stride.
        stride_h: Stride over rows.
        stride_w: Stride over columns.
        dilation_w: Dilation over columns.
        padded: Whether any side has padding.
    """
    count, kernel_h, kernel_w, _ = filters.shape
    pointwise = (kernel_h, kernel_w, stride_h, stride_w, padded) == (1, 1, 1, 1, False)
    pixels = 1
    if not pointwise:
        pixels = conv_pixels(
            count, kernel_w, stride_w=stride_w, dilation_w=dilation_w, out_w=out_w, lanes=lanes
        )
    return _pack_filters(filters, bias, pixels=pixels, stride_w=stride_w, lanes=lanes)


def pack_pooled_conv2d(
    filters: FloatArray,
    bias: FloatArray | None = None,
    *,
    lanes: int,
    stride_w: int = 1,
    dilation_w: int = 1,
) -> FloatArray:
    """Packs CONV_2D filters `[O, H, W, I]` for `pooledConv2d`; arguments as `pack_conv2d`."""
    count, _, kernel_w, _ = filters.shape
    paired = dilation_w == 1 and 2 * count <= lanes and stride_w < kernel_w
    return _pack_filters(filters, bias, pixels=2 if paired else 1, stride_w=stride_w, lanes=lanes)


def _pack_filters(
    filters: FloatArray, bias: FloatArray | None, *, pixels: int, stride_w: int, lanes: int
) -> FloatArray:
    """Packs filters as if `pixels` neighbouring outputs were more filters of a wider kernel."""
    count, kernel_h, kernel_w, channels = filters.shape
    by_depth = np.asarray(filters, np.float32).transpose(1, 2, 3, 0)  # [H, W, I, O]
    wide = np.zeros(
        (kernel_h, kernel_w + (pixels - 1) * stride_w, channels, pixels, count), np.float32
    )
    for pixel in range(pixels):
        at = pixel * stride_w
        wide[:, at : at + kernel_w, :, pixel, :] = by_depth
    tiled = None if bias is None else np.tile(_bias_row(bias, count), pixels)
    return pack_panels(wide.reshape(-1, pixels * count), tiled, lanes=lanes)


def _gate_columns(
    matrix: FloatArray, gates: int, halved: tuple[int, ...], *, lanes: int
) -> FloatArray:
    """Reorders `[gates * units, depth]` to `[depth, blocks, gates, lanes]`, zero-padded.

    Rows of the gates in `halved` are divided by two: sigmoid(x) = tanh(x / 2) / 2 + 1 / 2, and
    halving weights is exact.
    """
    units, depth = matrix.shape[0] // gates, matrix.shape[1]
    padded = pad_to_lanes(units, lanes)
    columns = np.zeros((depth, gates, padded), np.float32)
    columns[:, :, :units] = matrix.reshape(gates, units, depth).transpose(2, 0, 1)
    for gate in halved:
        columns[:, gate] *= np.float32(0.5)
    return np.ascontiguousarray(
        columns.reshape(depth, gates, padded // lanes, lanes).transpose(0, 2, 1, 3)
    )


def _pack_recurrent_layer(
    kernel: FloatArray,
    recurrent: FloatArray,
    input_bias: FloatArray | None,
    recurrent_bias: FloatArray | None,
    *,
    gates: int,
    halved: tuple[int, ...],
    lanes: int,
) -> tuple[FloatArray, FloatArray]:
    rows, units = recurrent.shape
    if rows != gates * units or kernel.shape[0] != rows:
        raise ValueError(
            f"recurrent weights: expected [{gates} * units, units] and [{gates} * units, inputs], "
            f"got {list(recurrent.shape)} and {list(kernel.shape)}"
        )

    def columns(matrix: FloatArray) -> FloatArray:
        return _gate_columns(np.asarray(matrix, np.float32), gates, halved, lanes=lanes)

    def bias_columns(bias: FloatArray | None) -> FloatArray:
        return columns(_bias_row(bias, rows)[:, None])

    inputs = columns(kernel)
    packed_input = pack_panels(
        inputs.reshape(inputs.shape[0], -1), bias_columns(input_bias).reshape(-1), lanes=lanes
    )
    # [1 + units, blocks, gates, lanes] -> [blocks, 1 + units, gates, lanes]
    stacked = np.concatenate([bias_columns(recurrent_bias), columns(recurrent)])
    packed_recurrent = np.ascontiguousarray(stacked.transpose(1, 0, 2, 3)).reshape(-1)
    return packed_input, packed_recurrent


def pack_lstm(
    kernel: FloatArray,
    recurrent: FloatArray,
    bias: FloatArray | None = None,
    *,
    lanes: int,
    halved: bool = True,
) -> tuple[FloatArray, FloatArray]:
    """Packs an LSTM's weights for `lstm`; gates in Keras's order i, f, c, o.

    Args:
        kernel: Input weights `[4 * units, inputs]`.
        recurrent: Recurrent weights `[4 * units, units]`.
        bias: `[4 * units]`, or None.
        lanes: Floats in a vector of the target.
        halved: For the `HalvedSigmoid` gate; False for any other gate activation.

    Returns:
        The input weights and the recurrent weights, packed.
    """
    return _pack_recurrent_layer(
        kernel, recurrent, bias, None, gates=4, halved=(0, 1, 3) if halved else (), lanes=lanes
    )


def pack_gru(
    kernel: FloatArray,
    recurrent: FloatArray,
    input_bias: FloatArray | None = None,
    recurrent_bias: FloatArray | None = None,
    *,
    lanes: int,
    halved: bool = True,
) -> tuple[FloatArray, FloatArray]:
    """Packs a GRU's weights (`reset_after=True`) for `gru`; gates in Keras's order z, r, h.

    Arguments and result as `pack_lstm`, with three gates and a bias for each matrix.
    """
    return _pack_recurrent_layer(
        kernel,
        recurrent,
        input_bias,
        recurrent_bias,
        gates=3,
        halved=(0, 1) if halved else (),
        lanes=lanes,
    )


def pack_simple_rnn(
    kernel: FloatArray, recurrent: FloatArray, bias: FloatArray | None = None, *, lanes: int
) -> tuple[FloatArray, FloatArray]:
    """Packs a SimpleRNN's weights for `simpleRnn`; arguments and result as `pack_lstm`."""
    return _pack_recurrent_layer(kernel, recurrent, bias, None, gates=1, halved=(), lanes=lanes)


def pack_depthwise(
    filters: FloatArray, bias: FloatArray | None = None, *, lanes: int
) -> FloatArray:
    """Packs DEPTHWISE_CONV_2D filters `[1, H, W, C * multiplier]` for `depthwiseConv2d`."""
    _, kernel_h, kernel_w, channels = filters.shape
    padded = np.zeros((1 + kernel_h * kernel_w, pad_to_lanes(channels, lanes)), np.float32)
    padded[0, :channels] = _bias_row(bias, channels)
    padded[1:, :channels] = filters.reshape(-1, channels)
    vectors = padded.reshape(padded.shape[0], -1, lanes).transpose(1, 0, 2)
    return np.ascontiguousarray(vectors).reshape(-1)


def pack_transposed_conv2d(
    filters: FloatArray,
    bias: FloatArray | None = None,
    *,
    lanes: int,
    stride_h: int,
    stride_w: int,
) -> FloatArray:
    """Packs TRANSPOSE_CONV filters `[O, H, W, I]` for `transposedConv2d`, phase after phase."""
    count, _, _, channels = filters.shape
    by_depth = np.asarray(filters, np.float32).transpose(1, 2, 3, 0)  # [H, W, I, O]
    phases = []
    for phase_h in range(stride_h):
        for phase_w in range(stride_w):
            taps = by_depth[phase_h::stride_h, phase_w::stride_w][::-1, ::-1]
            depth = taps.shape[0] * taps.shape[1] * channels
            phases.append(pack_panels(taps.reshape(depth, count), bias, lanes=lanes))
    return np.concatenate(phases)


WINOGRAD_POINTS: Final = (0.0, 0.75, -0.75, 1.5, -1.5)
"""The finite points of F(4x4, 3x3): `winograd.hpp` says why."""


def winograd_filter_transform() -> npt.NDArray[np.float64]:
    """Returns the `[6, 3]` matrix G that takes three taps of a line to six positions."""
    rows = []
    for point in WINOGRAD_POINTS:
        scale = np.prod([point - other for other in WINOGRAD_POINTS if other != point])
        rows.append(np.array([1.0, point, point * point]) / scale)
    rows.append(np.array([0.0, 0.0, 1.0]))
    return np.stack(rows)


def pack_winograd(filters: FloatArray, bias: FloatArray | None = None, *, lanes: int) -> FloatArray:
    """Packs CONV_2D filters `[O, 3, 3, I]` of stride 1 for `winogradConv2d`."""
    count = filters.shape[0]
    transform = winograd_filter_transform()
    taps = np.asarray(filters, np.float64).transpose(1, 2, 3, 0).reshape(9, -1)
    positions = np.kron(transform, transform) @ taps
    matrices = positions.reshape(36, -1, count).astype(np.float32)
    packed = [pack_panels(matrix, None, lanes=lanes) for matrix in matrices]
    tail = np.zeros(pad_to_lanes(count, lanes), np.float32)
    tail[:count] = _bias_row(bias, count)
    return np.concatenate([*packed, tail])
