"""Convolutions, pools, normalisations and resizes that are TensorFlow's own operators."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from aios.compiler.passes.adopting import Adopt, Adopter

if TYPE_CHECKING:
    from aios.compiler.graph import Array, Operator

# The schema's Padding.
_PADDING = {"SAME": 0, "VALID": 1}


def _is_channels_last(op: Operator) -> bool:
    return op.options.get("data_format", "NHWC") in ("NHWC", "NDHWC")


def _window(op: Operator, spatial: int) -> dict[str, int] | None:
    """Returns strides, dilations and padding in TensorFlow Lite's words; None for another form."""
    strides, dilations = (
        [int(n) for n in op.options.get(name) or [1] * (spatial + 2)]
        for name in ("strides", "dilations")
    )
    padding = _PADDING.get(str(op.options.get("padding")))
    outer = {strides[0], strides[-1], dilations[0], dilations[-1]}
    if padding is None or outer != {1} or not _is_channels_last(op):
        return None
    names = ("h", "w") if spatial == 2 else ("d", "h", "w")
    found = {"padding": padding}
    for place, name in enumerate(names, 1):
        found[f"stride_{name}"] = strides[place]
        found[f"dilation_{name}_factor"] = dilations[place]
    return found


def _conv2d(adopter: Adopter, op: Operator) -> bool:
    window = _window(op, 2)
    if window is None:
        return False
    filters = adopter.transposed(op.inputs[1], (3, 0, 1, 2))
    adopter.emit("CONV_2D", (op.inputs[0], filters), op.outputs, window)
    return True


def _depthwise(adopter: Adopter, op: Operator) -> bool:
    window, filters = _window(op, 2), adopter.constant(op.inputs[1])
    if window is None or filters is None:
        return False
    height, width, channels, multiplier = filters.shape
    flat = adopter.add_constant(filters.reshape(1, height, width, channels * multiplier))
    adopter.emit("DEPTHWISE_CONV_2D", (op.inputs[0], flat), op.outputs, window)
    return True


def _dilated(filters: Array, steps: tuple[int, int]) -> Array:
    """Spreads [height, width, …] filters, with zeros between their elements."""
    height, width = ((n - 1) * s + 1 for n, s in zip(filters.shape, steps, strict=False))
    wide = np.zeros((height, width, *filters.shape[2:]), filters.dtype)
    wide[:: steps[0], :: steps[1]] = filters
    return wide


def _transposed_conv2d(adopter: Adopter, op: Operator) -> bool:
    window, filters = _window(op, 2), adopter.constant(op.inputs[1])
    if window is None or filters is None:
        return False
    spread = _dilated(filters, (window["dilation_h_factor"], window["dilation_w_factor"]))
    weights = adopter.add_constant(np.ascontiguousarray(spread.transpose(2, 0, 1, 3)))
    options = {name: window[name] for name in ("padding", "stride_h", "stride_w")}
    inputs = (op.inputs[0], weights, op.inputs[2])
    adopter.emit("TRANSPOSE_CONV", inputs, op.outputs, options)
    return True


def _conv3d(adopter: Adopter, op: Operator) -> bool:
    window = _window(op, 3)
    if window is None:
        return False
    adopter.emit("CONV_3D", op.inputs, op.outputs, window)
    return True


def _transposed_conv3d(adopter: Adopter, op: Operator) -> bool:
    window = _window(op, 3)
    if window is None:
        return False
    adopter.emit("CONV_3D_TRANSPOSE", op.inputs, op.outputs, window)
    return True


def _pool(kind: str, spatial: int) -> Adopt:
    def rule(adopter: Adopter, op: Operator) -> bool:
        window = _window(op, spatial)
        sizes = [int(n) for n in op.options.get("ksize") or ()]
        if window is None or len(sizes) != spatial + 2 or sizes[0] != 1 or sizes[-1] != 1:
            return False
        names = ("filter_height", "filter_width")
        named = dict(
            zip(names if spatial == 2 else ("filter_depth", *names), sizes[1:-1], strict=True)
        )
        adopter.emit(kind, op.inputs, op.outputs, {**window, **named})
        return True

    return rule


def _batch_norm(adopter: Adopter, op: Operator) -> bool:
    """Scales by s = scale / sqrt(variance + epsilon) and shifts by offset - mean · s."""
    values = [adopter.constant(i) for i in op.inputs[1:5]]
    if op.options.get("is_training", True) or not _is_channels_last(op):
        return False
    known = [v.astype(np.float64) for v in values if v is not None]
    if len(known) != 4:
        return False
    scale, offset, mean, variance = known
    factor = scale / np.sqrt(variance + float(op.options.get("epsilon", 1e-4)))
    dtype = adopter.tensor(op.outputs[0]).dtype
    product = adopter.like(op.outputs[0])
    constants = [adopter.add_constant(v.astype(dtype)) for v in (factor, offset - mean * factor)]
    adopter.emit("MUL", (op.inputs[0], constants[0]), (product,))
    adopter.emit("ADD", (product, constants[1]), op.outputs[:1])
    return True


def _resize(kind: str) -> Adopt:
    def rule(adopter: Adopter, op: Operator) -> bool:
        names = ("align_corners", "half_pixel_centers", "antialias", "kernel_type")
        options = {n: op.options[n] for n in names if n in op.options}
        adopter.emit(kind, op.inputs, op.outputs, options)
        return True

    return rule


def _patches(adopter: Adopter, op: Operator) -> bool:
    """Gathers patches as a convolution does: by a table of positions, zero where there is none."""
    sizes, steps, rates = (
        [int(n) for n in op.options.get(name) or ()][1:3] for name in ("ksizes", "strides", "rates")
    )
    shape = adopter.tensor(op.inputs[0]).shape
    out = adopter.tensor(op.outputs[0]).shape
    if -1 in (*shape, *out) or op.options.get("padding") not in _PADDING:
        return False
    batch, height, width, depth = shape
    first = [0, 0]
    reach = [(k - 1) * r + 1 for k, r in zip(sizes, rates, strict=True)]
    if op.options["padding"] == "SAME":
        first = [
            max(0, (o - 1) * s + k - n) // 2
            for o, s, k, n in zip(out[1:3], steps, reach, (height, width), strict=True)
        ]
    rows, columns = (
        np.arange(o)[:, None] * s + np.arange(k)[None] * r - f
        for o, s, k, r, f in zip(out[1:3], steps, sizes, rates, first, strict=True)
    )
    places = rows[:, None, :, None] * width + columns[None, :, None, :]
    inside = (rows >= 0) & (rows < height)
    inside_columns = (columns >= 0) & (columns < width)
    valid = inside[:, None, :, None] & inside_columns[None, :, None, :]
    # One pixel behind the image is zero.
    table = np.where(valid, places, height * width).astype(np.int32).reshape(-1)
    flat = adopter.like(op.inputs[0], (batch, height * width, depth))
    padded = adopter.like(op.inputs[0], (batch, height * width + 1, depth))
    taken = adopter.like(op.inputs[0], (batch, table.size, depth))
    adopter.emit("RESHAPE", op.inputs, (flat,))
    edges = adopter.add_constant(np.asarray([[0, 0], [0, 1], [0, 0]], np.int32))
    adopter.emit("PAD", (flat, edges), (padded,))
    adopter.emit("GATHER", (padded, adopter.add_constant(table)), (taken,), {"axis": 1})
    adopter.emit("RESHAPE", (taken,), op.outputs)
    return prod(out) == batch * table.size * depth


WINDOWS: dict[str, Adopt] = {
    "AvgPool": _pool("AVERAGE_POOL_2D", 2),
    "AvgPool3D": _pool("AVERAGE_POOL_3D", 3),
    "Conv2D": _conv2d,
    "Conv2DBackpropInput": _transposed_conv2d,
    "Conv3D": _conv3d,
    "Conv3DBackpropInputV2": _transposed_conv3d,
    "DepthwiseConv2dNative": _depthwise,
    "ExtractImagePatches": _patches,
    "FusedBatchNormV3": _batch_norm,
    "MaxPool": _pool("MAX_POOL_2D", 2),
    "MaxPool3D": _pool("MAX_POOL_3D", 3),
    "ResizeArea": _resize("RESIZE_AREA"),
    "ResizeBicubic": _resize("RESIZE_BICUBIC"),
    "ResizeBilinear": _resize("RESIZE_BILINEAR"),
    "ResizeNearestNeighbor": _resize("RESIZE_NEAREST_NEIGHBOR"),
    "ScaleAndTranslate": _resize("SCALE_AND_TRANSLATE"),
}
