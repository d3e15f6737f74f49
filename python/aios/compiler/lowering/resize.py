"""Resizing; where each output row and column comes from is computed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aios.compiler.graph import Array, Operator
from aios.compiler.lowering.core import DeclineError, Lowerer, lowers, require_float32, summary
from aios.compiler.lowering.resampling import area, bicubic, spans
from aios.compiler.lowering.shape import constant
from aios.compiler.program import Packed

if TYPE_CHECKING:
    from aios.compiler.lowering.resampling import Taps


@lowers("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
def resize(lowerer: Lowerer, op: Operator) -> None:
    """Lowers resizing between the two nearest rows and columns, or to the nearest."""
    require_float32(lowerer, Operator(op.kind, op.inputs[:1], op.outputs))
    batch, height, width, channels = lowerer.tensor(op.inputs[0]).shape
    _, out_h, out_w, _ = lowerer.tensor(op.outputs[0]).shape
    shape = ", ".join(str(n) for n in (batch, height, width, channels, out_h, out_w))
    corners = bool(op.options.get("align_corners", False))
    centers = bool(op.options.get("half_pixel_centers", False))
    tables = []
    for size, out in ((height, out_h), (width, out_w)):
        if op.kind == "RESIZE_BILINEAR":
            tables += _bilinear(size, out, corners, centers)
        else:
            tables.append(_nearest(size, out, corners, centers))
    name = "resizeBilinear" if op.kind == "RESIZE_BILINEAR" else "resizeNearest"
    lowerer.call(
        f"{name}<{shape}>",
        [op.inputs[0], *(Packed(t) for t in tables)],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="resize.hpp",
    )


def _scale(size: int, out: int, corners: bool) -> np.float32:
    if corners and out > 1:
        return np.float32(size - 1) / np.float32(out - 1)
    return np.float32(size) / np.float32(out)


def _bilinear(size: int, out: int, corners: bool, centers: bool) -> list[Array]:
    at = np.arange(out, dtype=np.float32)
    scale = _scale(size, out, corners)
    place = (at + np.float32(0.5)) * scale - np.float32(0.5) if centers else at * scale
    low = np.floor(place)
    first = np.maximum(low, 0).astype(np.int32)
    second = np.minimum(np.ceil(place), size - 1).astype(np.int32)
    pairs = np.stack([first, np.maximum(second, 0)], axis=1)
    return [pairs.astype(np.int32), (place - low).astype(np.float32)]


def _nearest(size: int, out: int, corners: bool, centers: bool) -> Array:
    at = np.arange(out, dtype=np.float32) + np.float32(0.5 if centers else 0.0)
    place = at * _scale(size, out, corners)
    rounded = np.round(place) if corners else np.floor(place)
    table: Array = np.clip(rounded, 0, size - 1).astype(np.int32)
    return table


@lowers("RESIZE_BICUBIC", "RESIZE_AREA")
def resize_by_taps(lowerer: Lowerer, op: Operator) -> None:
    """Lowers resizing by weighted sums of rows and columns."""
    corners = bool(op.options.get("align_corners", False))
    centers = bool(op.options.get("half_pixel_centers", False))
    taps = []
    shapes = (lowerer.tensor(i).shape for i in (op.inputs[0], op.outputs[0]))
    for size, out in list(zip(*shapes, strict=True))[1:3]:
        scale = float(_scale(size, out, corners))
        if op.kind == "RESIZE_AREA":
            taps.append(area(size, out, scale))
        else:
            taps.append(bicubic(size, out, scale, centers))
    _resample(lowerer, op, taps)


@lowers("SCALE_AND_TRANSLATE")
def scale_and_translate(lowerer: Lowerer, op: Operator) -> None:
    """Lowers resizing with a kernel, as antialiasing needs it."""
    scales, shifts = (
        constant(lowerer, op, place, what) for place, what in ((2, "a scale"), (3, "a translation"))
    )
    shapes = (lowerer.tensor(i).shape for i in (op.inputs[0], op.outputs[0]))
    sizes = list(zip(*shapes, strict=True))[1:3]
    kernel = str(op.options.get("kernel_type", "lanczos3"))
    antialias = bool(op.options.get("antialias", True))
    taps = [
        spans(size, out, (float(scale), float(shift)), kernel, antialias)
        for (size, out), scale, shift in zip(sizes, scales, shifts, strict=True)
    ]
    _resample(lowerer, op, taps)


def _resample(lowerer: Lowerer, op: Operator, taps: list[Taps]) -> None:
    require_float32(lowerer, Operator(op.kind, op.inputs[:1], op.outputs))
    batch, height, width, channels = lowerer.tensor(op.inputs[0]).shape
    _, out_h, out_w, _ = lowerer.tensor(op.outputs[0]).shape
    counts = [places.shape[1] for places, _ in taps]
    if [len(places) for places, _ in taps] != [out_h, out_w]:
        raise DeclineError("sizes that don't give the stated shape")
    numbers = [batch, height, width, channels, out_h, out_w, *counts]
    tables = [Packed(table) for pair in taps for table in pair]
    lowerer.call(
        f"resample<{', '.join(map(str, numbers))}>",
        [op.inputs[0], *tables],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="resize.hpp",
    )
