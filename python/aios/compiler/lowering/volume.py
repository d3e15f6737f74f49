"""Windows over volumes, and over images of other types than float32."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from aios.compiler.attributes import IDENTITY, Elementwise, fused
from aios.compiler.graph import MISSING, Operator
from aios.compiler.lowering.axes import axes
from aios.compiler.lowering.core import DeclineError, Lowerer, ctype, lowers, summary
from aios.compiler.options import window_of
from aios.compiler.program import Literal, Operand, Packed, Value, Work

if TYPE_CHECKING:
    from collections.abc import Sequence

_POOLS = {
    "AVERAGE_POOL_2D": "volumeAveragePool",
    "AVERAGE_POOL_3D": "volumeAveragePool",
    "MAX_POOL_2D": "volumeMaxPool",
    "MAX_POOL_3D": "volumeMaxPool",
}


def _shape(op: Operator, image: Sequence[int], out: Sequence[int], window: Sequence[int]) -> str:
    """Returns the VolumeShape of a window; sizes are depth, height and width, or the last two."""
    sizes = [[1] * (3 - len(s)) + list(s) for s in (image, out, window)]
    walk = window_of(op)
    strides, dilations = walk.stride, walk.dilation
    before = [0, 0, 0]
    pads = fused(op).pads
    if pads is not None:
        before = [0, *pads[:2]]
    elif walk.same:
        reach = [(k - 1) * d + 1 for k, d in zip(sizes[2], dilations, strict=True)]
        columns = zip(sizes[0], sizes[1], strides, reach, strict=True)
        before = [max(0, (o - 1) * s + r - n) // 2 for n, o, s, r in columns]
    return f"VolumeShape<{', '.join(map(axes, (*sizes, strides, dilations, before)))}>"


def _with_activation(lowerer: Lowerer, op: Operator) -> int:
    """Returns where to write the result; `_activate` then applies the operator's activation."""
    if fused(op).activation == IDENTITY:
        return op.outputs[0]
    out = lowerer.tensor(op.outputs[0])
    return lowerer.temporary(out.shape, out.dtype.name)


def _activate(lowerer: Lowerer, op: Operator, made: int) -> None:
    if made != op.outputs[0]:
        attributes = Elementwise(fused(op).activation)
        lowerer.lower(Operator("ELEMENTWISE", (made,), op.outputs, attributes=attributes))


def volume_conv(
    lowerer: Lowerer, op: Operator, filters: Operand | int, window: Sequence[int], groups: int = 1
) -> None:
    """Lowers a convolution by plain loops.

    Args:
        lowerer: Takes the call.
        op: A convolution of images or volumes; its third input is the bias, if any.
        filters: [depth, height, width, channels of a group, filters].
        window: Depth, height and width of the filters, or the last two.
        groups: How many groups the channels are cut into.
    """
    source, out = lowerer.tensor(op.inputs[0]).shape, lowerer.tensor(op.outputs[0]).shape
    if fused(op).residual is not None or fused(op).pool is not None:
        raise DeclineError("a fused operator")
    shape = _shape(op, source[1:-1], out[1:-1], window)
    made = _with_activation(lowerer, op)
    lowerer.work = lowerer.work.plus(Work(other=prod(out) * prod(window) * source[-1] // groups))
    lowerer.call(
        f"volumeConv<{source[0]}, {shape}, {source[-1]}, {out[-1]}, {groups}>",
        [op.inputs[0], filters, _bias(lowerer, op, 2)],
        [made],
        comment=summary(lowerer, op),
        header="volume.hpp",
    )
    _activate(lowerer, op, made)


def _bias(lowerer: Lowerer, op: Operator, place: int) -> Operand:
    if len(op.inputs) > place and op.inputs[place] != MISSING:
        return Value(op.inputs[place])
    return Literal(f"static_cast<const {ctype(lowerer.tensor(op.inputs[1]))}*>(nullptr)")


@lowers("CONV_3D")
def conv3d(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a convolution of volumes, in groups when the filters see a part of the channels."""
    filters = lowerer.tensor(op.inputs[1]).shape
    groups = lowerer.tensor(op.inputs[0]).shape[-1] // filters[3]
    volume_conv(lowerer, op, op.inputs[1], filters[:3], groups)


def image_conv(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a convolution of images of any type."""
    filters = lowerer.graph.constant(op.inputs[1])
    if filters is None:
        raise DeclineError("filters that are not constant")
    channels = lowerer.tensor(op.inputs[0]).shape[3]
    if op.kind == "DEPTHWISE_CONV_2D":
        volume_conv(lowerer, op, op.inputs[1], filters.shape[1:3], channels)
        return
    order = np.ascontiguousarray(filters.transpose(1, 2, 3, 0))
    groups = channels // filters.shape[3]
    volume_conv(lowerer, op, Packed(order), filters.shape[1:3], groups)


@lowers("CONV_3D_TRANSPOSE")
def transposed_conv3d(lowerer: Lowerer, op: Operator) -> None:
    """Lowers the transpose of a convolution of volumes."""
    filters = lowerer.tensor(op.inputs[1]).shape
    _transposed(lowerer, op, op.inputs[1], filters[:3])


def transposed_image_conv(lowerer: Lowerer, op: Operator) -> None:
    """Lowers the transpose of a convolution of images of any type."""
    filters = lowerer.graph.constant(op.inputs[1])
    if filters is None:
        raise DeclineError("filters that are not constant")
    order = np.ascontiguousarray(filters.transpose(1, 2, 0, 3))
    _transposed(lowerer, op, Packed(order), filters.shape[1:3])


def _transposed(
    lowerer: Lowerer, op: Operator, filters: Operand | int, window: Sequence[int]
) -> None:
    source, out = lowerer.tensor(op.inputs[2]).shape, lowerer.tensor(op.outputs[0]).shape
    shape = _shape(op, out[1:-1], source[1:-1], window)
    made = _with_activation(lowerer, op)
    lowerer.work = lowerer.work.plus(Work(other=prod(source) * prod(window) * out[-1]))
    lowerer.call(
        f"volumeTransposedConv<{source[0]}, {shape}, {source[-1]}, {out[-1]}>",
        [op.inputs[2], filters, _bias(lowerer, op, 3)],
        [made],
        comment=summary(lowerer, op),
        header="volume.hpp",
    )
    _activate(lowerer, op, made)


@lowers("MAX_POOL_3D", "AVERAGE_POOL_3D")
def volume_pool(lowerer: Lowerer, op: Operator) -> None:
    """Lowers pooling of volumes, or of images of any type."""
    source, out = lowerer.tensor(op.inputs[0]), lowerer.tensor(op.outputs[0])
    # An image has no depth, which is 1 then.
    window = window_of(op).size[-(len(source.shape) - 2) :]
    if op.kind.startswith("AVERAGE") and source.dtype.kind != "f":
        raise DeclineError(f"dtype {source.dtype.name}")
    shape = _shape(op, source.shape[1:-1], out.shape[1:-1], window)
    made = _with_activation(lowerer, op)
    lowerer.call(
        f"{_POOLS[op.kind]}<{source.shape[0]}, {shape}, {source.shape[-1]}>",
        [op.inputs[0]],
        [made],
        comment=summary(lowerer, op),
        header="volume.hpp",
    )
    _activate(lowerer, op, made)
