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
