"""Lays weights out for the kernels of ``include/aios/kernels``.

Every function takes weights as a ``.tflite`` graph holds them, and ``lanes``, the floats in a
vector of the target (16: AVX-512, 8: AVX2, 4: NEON), and returns one flat float32 array for the
kernel of the same name. Store the arrays at addresses that are multiples of 64 bytes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

PANEL_VECTORS: Final = 2
"""Column vectors in a full panel: ``kPanelVectors`` in ``tile.hpp``."""

LANES: Final = {"x86-64-v2": 4, "x86-64-v3": 8, "x86-64-v4": 16, "aarch64": 4}
"""Vector width by target."""


def pad_to_lanes(count: int, lanes: int) -> int:
    """Returns ``count`` rounded up to whole vectors."""
    return -(-count // lanes) * lanes


def _bias_row(bias: FloatArray | None, columns: int) -> FloatArray:
    if bias is None:
        return np.zeros(columns, np.float32)
    flat = np.asarray(bias, np.float32).reshape(-1)
    if flat.size not in (1, columns):
        raise ValueError(f"bias: expected {columns} values, got {flat.size}")
    return np.broadcast_to(flat, (columns,))


def pack_panels(matrix: FloatArray, bias: FloatArray | None, *, lanes: int) -> FloatArray:
    """Packs a ``[K, N]`` matrix into panels of ``PANEL_VECTORS * lanes`` columns.

    Each panel is its bias row and then K rows, zero beyond column N; the last panel has as many
    vectors as are left.
    """
    depth, columns = matrix.shape
    padded = np.zeros((depth + 1, pad_to_lanes(columns, lanes)), np.float32)
    padded[0, :columns] = _bias_row(bias, columns)
    padded[1:, :columns] = matrix
    width = PANEL_VECTORS * lanes
    panels = [padded[:, at : at + width].ravel() for at in range(0, padded.shape[1], width)]
    return np.concatenate(panels)


def pack_dense(weights: FloatArray, bias: FloatArray | None = None, *, lanes: int) -> FloatArray:
    """Packs FULLY_CONNECTED weights ``[N, K]`` for ``dense``; the same for every batch size."""
    return pack_panels(np.asarray(weights, np.float32).T, bias, lanes=lanes)


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
    """Packs CONV_2D filters ``[O, H, W, I]`` for ``conv2d``.

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
    """Packs CONV_2D filters ``[O, H, W, I]`` for ``pooledConv2d``; arguments as ``pack_conv2d``."""
    count, _, kernel_w, _ = filters.shape
    paired = dilation_w == 1 and 2 * count <= lanes and stride_w < kernel_w
    return _pack_filters(filters, bias, pixels=2 if paired else 1, stride_w=stride_w, lanes=lanes)


def _pack_filters(
    filters: FloatArray, bias: FloatArray | None, *, pixels: int, stride_w: int, lanes: int
) -> FloatArray:
    """Packs filters as if ``pixels`` neighbouring outputs were more filters of a wider kernel."""
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
