"""The rows that each row of a resized image is a weighted sum of, as TensorFlow computes them.

Sources: tensorflow/core/kernels/image/resize_bicubic_op.cc, resize_area_op.cc,
scale_and_translate_op.cc and sampling_kernels.h.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aios.compiler.graph import Array

# Places [out, taps] of int32, and their weights of float32.
Taps = tuple[Array, Array]
# TensorFlow rounds the distance between pixels to this many steps.
_BICUBIC_STEPS = 1024


def bicubic(size: int, out: int, scale: float, centers: bool) -> Taps:
    """Four rows by a cubic; with half-pixel centers those outside of the image count as none."""
    sharpness = -0.5 if centers else -0.75
    at = np.arange(out, dtype=np.float32)
    half = np.float32(0.5 if centers else 0.0)
    place = (at + half) * np.float32(scale) - half
    first = np.floor(place).astype(np.int64)
    step = np.rint((place - first) * np.float32(_BICUBIC_STEPS)) / _BICUBIC_STEPS
    distances = np.stack([step + 1, step, 1 - step, 2 - step], axis=1)
    wanted = first[:, None] + np.arange(-1, 3)
    places = np.clip(wanted, 0, size - 1)
    weights = _keys_cubic(distances, sharpness)
    if centers:
        weights = np.where(places == wanted, weights, 0.0)
        weights = weights / weights.sum(axis=1, keepdims=True)
    return places.astype(np.int32), weights.astype(np.float32)


def area(size: int, out: int, scale: float) -> Taps:
    """All rows under an output row, by how much of each is under it."""
    starts = np.arange(out, dtype=np.float32) * np.float32(scale)
    ends = np.arange(1, out + 1, dtype=np.float32) * np.float32(scale)
    most = int(np.max(np.ceil(ends) - np.floor(starts)))
    wanted = np.floor(starts).astype(np.int64)[:, None] + np.arange(most)
    covered = np.minimum(wanted + 1, ends[:, None]) - np.maximum(wanted, starts[:, None])
    weights = np.maximum(covered, 0) / np.float32(scale)
    return np.clip(wanted, 0, size - 1).astype(np.int32), weights.astype(np.float32)


def spans(size: int, out: int, move: tuple[float, float], kernel: str, antialias: bool) -> Taps:
    """All rows within a kernel's reach, by its value at their distance.

    Args:
        size: Rows of the image.
        out: Rows of the result.
        move: The scale, and what is added afterwards.
        kernel: The kernel's name in TensorFlow.
        antialias: Whether the kernel widens as the image shrinks.
    """
    radius, function = _KERNELS[kernel]
    # In float32, as TensorFlow does: an element at the very edge of the kernel is in or out by it.
    one, half = np.float32(1), np.float32(0.5)
    inverse = one / np.float32(move[0])
    wide = max(inverse, one) if antialias else one
    center = (np.arange(out, dtype=np.float32) + half) * inverse - inverse * np.float32(move[1])
    reach = np.float32(radius) * wide
    first = np.clip(np.ceil(center - reach - half), 0, size - 1).astype(np.int64)
    last = np.clip(np.floor(center + reach - half), 0, size - 1).astype(np.int64)
    wanted = first[:, None] + np.arange(int((last - first).max()) + 1)
    inside = (wanted <= last[:, None]) & (center >= 0)[:, None] & (center <= size)[:, None]
    distance = np.abs((wanted.astype(np.float32) + half - center[:, None]) * (one / wide))
    weights = np.where(inside, function(distance), 0.0)
    total = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=np.abs(total) > 1e-35)
    return np.clip(wanted, 0, size - 1).astype(np.int32), weights.astype(np.float32)


def _keys_cubic(distance: Array, sharpness: float = -0.5) -> Array:
    a, x = sharpness, distance
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    result: Array = np.where(x <= 1, near, np.where(x < 2, far, 0.0))
    return result


def _mitchell_cubic(x: Array) -> Array:
    near = ((7.0 * x - 12.0) * x * x + 16.0 / 3.0) / 6.0
    far = (((-7.0 / 3.0 * x + 12.0) * x - 20.0) * x + 32.0 / 3.0) / 6.0
    result: Array = np.where(x < 1, near, np.where(x < 2, far, 0.0))
    return result


def _lanczos(radius: float) -> Callable[[Array], Array]:
    def value(x: Array) -> Array:
        result: Array = np.where(x <= radius, np.sinc(x) * np.sinc(x / radius), 0.0)
        return result

    return value


def _gaussian(x: Array) -> Array:
    sigma = 0.5
    result: Array = np.where(x < 1.5, np.exp(-(x**2) / (2 * sigma * sigma)), 0.0)
    return result


def _box(x: Array) -> Array:
    result: Array = np.where(x < 0.5, 1.0, np.where(x == 0.5, 0.5, 0.0))
    return result


def _triangle(x: Array) -> Array:
    result: Array = np.maximum(0.0, 1.0 - x)
    return result


# The radius of each kernel, and its value at a distance.
_KERNELS: dict[str, tuple[float, Callable[[Array], Array]]] = {
    "box": (1.0, _box),
    "gaussian": (1.5, _gaussian),
    "keyscubic": (2.0, _keys_cubic),
    "lanczos1": (1.0, _lanczos(1.0)),
    "lanczos3": (3.0, _lanczos(3.0)),
    "lanczos5": (5.0, _lanczos(5.0)),
    "mitchellcubic": (2.0, _mitchell_cubic),
    "triangle": (1.0, _triangle),
}
