"""Windows over images: convolutions, pools, and resizing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from aios.compiler.attributes import fused
from aios.compiler.graph import Array, Operator
from aios.compiler.lowering.axes import dense_strides
from aios.compiler.lowering.core import (
    DeclineError,
    Lowerer,
    is_float32,
    lowers,
    summary,
)
from aios.compiler.lowering.dense import constant_product
from aios.compiler.lowering.epilogue import activation_type, epilogue
from aios.compiler.lowering.shape import move
from aios.compiler.lowering.volume import image_conv, transposed_image_conv, volume_pool
from aios.compiler.options import window_of
from aios.compiler.packing import (
    pack_conv2d,
    pack_depthwise,
    pack_pooled_conv2d,
    pack_transposed_conv2d,
    pack_winograd,
    pad_to_lanes,
)
from aios.compiler.program import Loop, Packed, PackedStep, Scratch, Shared, Step, Value, Work

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Padding:
    """Rows and columns of padding on each side."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def any(self) -> bool:
        """Whether there is any."""
        return bool(self.top or self.left or self.bottom or self.right)


def padding(op: Operator, shape: tuple[int, ...], window: tuple[int, int]) -> Padding:
    """Returns an operator's padding for an NHWC input and a window that dilation has widened."""
    pads = fused(op).pads
    if pads is not None:
        return Padding(*pads)
    walk = window_of(op)
    if not walk.same:
        return Padding(0, 0, 0, 0)
    before, after = [], []
    for size, width, stride in zip(shape[1:3], window, walk.stride_2d, strict=True):
        total = max(0, (-(-size // stride) - 1) * stride + width - size)
        before.append(total // 2)
        after.append(total - total // 2)
    return Padding(before[0], before[1], after[0], after[1])


@lowers("CONV_2D")
def conv2d(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a convolution, in groups when the filters see only a part of the channels."""
    if not is_float32(lowerer, op):
        image_conv(lowerer, op)
        return
    filters = lowerer.graph.constant(op.inputs[1])
    if filters is None:
        raise DeclineError("filters that are not constant")
    bias = lowerer.graph.constant(op.inputs[2]) if len(op.inputs) > 2 else None
    channels = lowerer.tensor(op.inputs[0]).shape[3]
    groups = channels // filters.shape[3]
    if groups == 1 and _is_pointwise(op, filters.shape):
        constant_product(lowerer, op, filters.reshape(filters.shape[0], -1), bias)
        return
    if groups == 1:
        _conv2d_group(lowerer, op, [(filters, bias)])
        return
    _grouped(lowerer, op, filters, bias, groups)


def _is_pointwise(op: Operator, filters: tuple[int, ...]) -> bool:
    """Tells whether a convolution is a dense layer on every pixel."""
    unpadded = not any(fused(op).pads or ())
    sizes = (*filters[1:3], *window_of(op).stride_2d)
    return sizes == (1, 1, 1, 1) and unpadded and fused(op).pool is None


def _conv_shape(
    lowerer: Lowerer, op: Operator, kernel: tuple[int, int], depths: tuple[int, int]
) -> tuple[str, Padding]:
    """Returns the arguments of a ConvShape or DepthwiseShape, and the padding.

    `kernel` is rows and columns of the filters; `depths` channels, and filters or multiplier.
    """
    batch, height, width, _ = lowerer.tensor(op.inputs[0]).shape
    kernel_h, kernel_w = kernel
    walk = window_of(op)
    dilation = walk.dilation_2d
    reach = (kernel_h - 1) * dilation[0] + 1, (kernel_w - 1) * dilation[1] + 1
    pads = padding(op, lowerer.tensor(op.inputs[0]).shape, reach)
    numbers = [batch, height, width, *depths, kernel_h, kernel_w]
    numbers += [*walk.stride_2d, *dilation]
    numbers += [pads.top, pads.left, pads.bottom, pads.right]
    optional = [1, 1, 1, 1, 0, 0, 0, 0]
    while len(numbers) > 7 and numbers[-1] == optional[len(numbers) - 8]:
        numbers.pop()
    return ", ".join(map(str, numbers)), pads


def _conv2d_group(
    lowerer: Lowerer, op: Operator, groups: Sequence[tuple[Array, Array | None]]
) -> None:
    """Lowers a convolution with the filters and bias of one group, or of the loop's group."""
    filters = groups[0][0]
    count, kernel_h, kernel_w, depth = filters.shape
    arguments, pads = _conv_shape(lowerer, op, (kernel_h, kernel_w), (depth, count))
    shape = f"ConvShape<{arguments}>"
    activation, residual = epilogue(lowerer, op)
    batch, height, width, channels = lowerer.tensor(op.inputs[0]).shape
    padded = (height + pads.top + pads.bottom) * (width + pads.left + pads.right)
    nbytes = batch * padded * channels * 4 if pads.any else 0
    scratch = Scratch(nbytes, f"kConvScratch<{shape}>")
    walk = window_of(op)
    common: dict[str, Any] = {"lanes": lowerer.machine.lanes}
    common |= {"stride_w": walk.stride[2], "dilation_w": walk.dilation[2]}
    out = lowerer.tensor(op.outputs[0]).shape
    header = "conv.hpp"
    pool = fused(op).pool
    if pool is not None:
        out = fused(op).unpooled_shape
        packed = [pack_pooled_conv2d(*group, **common) for group in groups]
        header = "pooled_conv.hpp"
        function = f"pooledConv2d<{shape}, {activation}, Pool::{pool}>"
    elif not lowerer.machine.exact and _winograd_pays(op, filters.shape, out):
        packed = [pack_winograd(*group, lanes=lowerer.machine.lanes) for group in groups]
        function = f"winogradConv2d<{shape}, {activation}{residual.template}>"
        floats = _winograd_floats(out, filters.shape, lowerer.machine.lanes)
        scratch = Scratch(floats * 4, f"kWinogradScratch<{shape}>")
        header = "winograd.hpp"
    else:
        common |= {"out_w": out[2], "stride_h": walk.stride[1], "padded": pads.any}
        packed = [pack_conv2d(*group, **common) for group in groups]
        function = f"conv2d<{shape}, {activation}{residual.template}>"
    count = int(np.prod(out)) * int(np.prod(filters.shape[1:]))
    lowerer.work = lowerer.work.plus(Work(other=count))
    lowerer.call(
        function,
        [op.inputs[0], Packed(packed[0]) if len(packed) == 1 else PackedStep(tuple(packed))],
        [op.outputs[0], scratch],
        comment=summary(lowerer, op),
        header=header,
        tail=residual.operands,
        shared=_share_conv(lowerer, op, function, shape, pads.any),
    )


def _share_conv(
    lowerer: Lowerer, op: Operator, function: str, shape: str, padded: bool
) -> Shared | None:
    """Says how threads share a convolution: by rows of the output, or groups of squares."""
    kernel, types = function.split("<", 1)
    residual = "{4}" if fused(op).residual is not None else "nullptr"
    filters = lowerer.tensor(op.inputs[1]).shape
    source, out = lowerer.tensor(op.inputs[0]).shape, lowerer.tensor(op.outputs[0]).shape
    multiply_adds = out[0] * out[1] * out[2] * int(np.prod(filters))
    if kernel == "winogradConv2d":
        piece = f"winogradConv2dRange<{types}({{0}}, {{1}}, {{2}}, {{3}}, {residual}, begin, end)"
        tasks = f"kWinogradTasks<{shape}>"
        return Shared(tasks, piece, multiply_adds, own_scratch=True)
    if kernel != "conv2d" or filters[1:3] == source[1:3]:
        return None
    read = "{3}" if padded else "{0}"
    piece = f"conv2dRange<{types}({read}, {{1}}, {{2}}, {residual}, begin, end)"
    before = f"padInput<{shape}>({{0}}, {{3}})" if padded else ""
    return Shared(f"kConvTasks<{shape}>", piece, multiply_adds, before)


def _winograd_pays(op: Operator, filters: tuple[int, ...], out: tuple[int, ...]) -> bool:
    """Tells whether Winograd's method is faster than walking: `winogradPays` in `winograd.hpp`."""
    walk = window_of(op)
    if (*walk.stride_2d, *walk.dilation_2d, *filters[1:3]) != (1, 1, 1, 1, 3, 3):
        return False
    tiles = out[0] * -(-out[1] // 4) * -(-out[2] // 4)
    used = out[0] * out[1] * out[2] / (16 * tiles)
    return filters[3] >= 32 and filters[0] >= 32 and tiles >= 16 and used > 0.5


def _winograd_floats(out: tuple[int, ...], filters: tuple[int, ...], lanes: int) -> int:
    """Returns `kWinogradScratch`: room for one group of squares before and after the products."""
    wide, deep = pad_to_lanes(filters[3], lanes), pad_to_lanes(filters[0], lanes)
    tiles = out[0] * -(-out[1] // 4) * -(-out[2] // 4)
    fitting = 600 * 1024 // (36 * (wide + deep) * 4)
    groups = -(-tiles // (fitting if fitting >= 24 else 48))
    most = -(-tiles // groups)
    return 36 * (most * wide + lanes + most * deep + lanes + wide)


def _grouped(
    lowerer: Lowerer, op: Operator, filters: Array, bias: Array | None, groups: int
) -> None:
    """Convolves each group of channels in memory of its own, in a loop over groups."""
    if fused(op).residual is not None or fused(op).pool is not None:
        raise DeclineError("a fused operator after a grouped convolution")
    source, out = lowerer.tensor(op.inputs[0]), lowerer.tensor(op.outputs[0])
    wide, deep = source.shape[3] // groups, filters.shape[0] // groups
    part_in = lowerer.temporary((*source.shape[:3], wide))
    part_out = lowerer.temporary((*out.shape[:3], deep))
    inner = replace(op, inputs=(part_in, *op.inputs[1:]), outputs=(part_out,))
    start, before = lowerer.position, lowerer.work
    lowerer.work = Work()
    comment = summary(lowerer, op)
    cut = (*source.shape[:3], wide)
    steps = dense_strides(source.shape), dense_strides(cut)
    move(lowerer, Step(op.inputs[0], wide * 4), Value(part_in), cut, steps, comment=comment)
    chosen = [slice(g * deep, (g + 1) * deep) for g in range(groups)]
    parts = [(filters[c], None if bias is None else bias[c]) for c in chosen]
    _conv2d_group(lowerer, inner, parts)
    cut = (*out.shape[:3], deep)
    steps = dense_strides(cut), dense_strides(out.shape)
    move(lowerer, Value(part_out), Step(op.outputs[0], deep * 4), cut, steps, comment=comment)
    lowerer.work = before.plus(lowerer.work, groups)
    lowerer.append(Loop(groups, lowerer.take_statements(start), f"{groups} groups"))


@lowers("DEPTHWISE_CONV_2D")
def depthwise(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a depthwise convolution."""
    if not is_float32(lowerer, op):
        image_conv(lowerer, op)
        return
    filters = lowerer.graph.constant(op.inputs[1])
    if filters is None:
        raise DeclineError("filters that are not constant")
    bias = lowerer.graph.constant(op.inputs[2]) if len(op.inputs) > 2 else None
    batch, height, width, channels = lowerer.tensor(op.inputs[0]).shape
    _, kernel_h, kernel_w, count = filters.shape
    depths = channels, count // channels
    arguments, pads = _conv_shape(lowerer, op, (kernel_h, kernel_w), depths)
    shape = f"DepthwiseShape<{arguments}>"
    nbytes = 0
    if not _edges_in_tiles(lowerer, op, kernel_w, pads):
        padded = (height + pads.top + pads.bottom) * (width + pads.left + pads.right)
        nbytes = batch * padded * channels * 4
    activation, residual = epilogue(lowerer, op)
    count = lowerer.tensor(op.outputs[0]).size * kernel_h * kernel_w
    lowerer.work = lowerer.work.plus(Work(other=count))
    lowerer.call(
        f"depthwiseConv2d<{shape}, {activation}{residual.template}>",
        [op.inputs[0], Packed(pack_depthwise(filters, bias, lanes=lowerer.machine.lanes))],
        [op.outputs[0], Scratch(nbytes, f"kDepthwiseScratch<{shape}>")],
        comment=summary(lowerer, op),
        header="depthwise.hpp",
        tail=residual.operands,
        shared=None
        if nbytes
        else Shared(
            f"kDepthwiseTasks<{shape}>",
            f"depthwiseConv2dRange<{shape}, {activation}{residual.template}>"
            f"({{0}}, {{1}}, {{2}}, {'{4}' if residual.operands else 'nullptr'}, begin, end)",
            count,
        ),
    )


def _edges_in_tiles(lowerer: Lowerer, op: Operator, kernel_w: int, pads: Padding) -> bool:
    """Tells whether the kernel needs no padded copy: `kEdgesInTiles` in `depthwise.hpp`."""
    width = lowerer.tensor(op.inputs[0]).shape[2]
    out_w = lowerer.tensor(op.outputs[0]).shape[2]
    pieces = -(-out_w // 8)
    short, tall = out_w // pieces, out_w % pieces
    walk = window_of(op)
    stride, dilation = walk.stride[2], walk.dilation[2]
    last = (out_w - short) * stride - pads.left
    reach = last - stride + (kernel_w - 1) * dilation + 1
    first = short + 1 if tall else short
    return pads.left <= first * stride and (pieces == 1 or (last >= 0 and reach <= width))


@lowers("TRANSPOSE_CONV")
def transposed(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a transposed convolution; its padding is cut off the full result."""
    filters = lowerer.graph.constant(op.inputs[1])
    if filters is None:
        raise DeclineError("filters that are not constant")
    if not is_float32(lowerer, Operator(op.kind, op.inputs[1:], op.outputs)):
        transposed_image_conv(lowerer, op)
        return
    bias = lowerer.graph.constant(op.inputs[3]) if len(op.inputs) > 3 else None
    batch, height, width, channels = lowerer.tensor(op.inputs[2]).shape
    _, out_h, out_w, _ = lowerer.tensor(op.outputs[0]).shape
    count, kernel_h, kernel_w, _ = filters.shape
    walk = window_of(op)
    steps = walk.stride_2d
    cut = [
        max(0, (size - 1) * step + kernel - out) // 2 if walk.same else 0
        for size, step, kernel, out in zip(
            (height, width), steps, (kernel_h, kernel_w), (out_h, out_w), strict=True
        )
    ]
    numbers = [batch, height, width, channels, count, kernel_h, kernel_w, *steps, out_h, out_w]
    shape = f"TransposedConvShape<{', '.join(map(str, (*numbers, *cut)))}>"
    sizes = [
        -(-kernel // step) - 1 + max((out - 1 + before) // step + 1, size)
        for size, step, kernel, out, before in zip(
            (height, width), steps, (kernel_h, kernel_w), (out_h, out_w), cut, strict=True
        )
    ]
    padded = sizes != [height, width]
    nbytes = batch * sizes[0] * sizes[1] * channels * 4 if padded else 0
    packed = pack_transposed_conv2d(
        filters, bias, lanes=lowerer.machine.lanes, stride_h=steps[0], stride_w=steps[1]
    )
    activation = activation_type(lowerer, fused(op).activation)
    multiply_adds = batch * height * width * channels * count * kernel_h * kernel_w
    lowerer.work = lowerer.work.plus(Work(other=multiply_adds))
    lowerer.call(
        f"transposedConv2d<{shape}, {activation}>",
        [op.inputs[2], Packed(packed)],
        [op.outputs[0], Scratch(nbytes, f"kTransposedConvScratch<{shape}>")],
        comment=summary(lowerer, op),
        header="transposed_conv.hpp",
    )


@lowers("MAX_POOL_2D", "AVERAGE_POOL_2D")
def pool(lowerer: Lowerer, op: Operator) -> None:
    """Lowers pooling with any window, stride and padding."""
    if not is_float32(lowerer, op):
        volume_pool(lowerer, op)
        return
    batch, height, width, channels = lowerer.tensor(op.inputs[0]).shape
    _, out_h, out_w, _ = lowerer.tensor(op.outputs[0]).shape
    walk = window_of(op)
    window = walk.size[1:]
    pads = padding(op, lowerer.tensor(op.inputs[0]).shape, window)
    numbers = [height, width, channels, *window, *walk.stride_2d]
    numbers += [pads.top, pads.left, out_h, out_w]
    activation = activation_type(lowerer, fused(op).activation)
    name = "maxPool" if op.kind == "MAX_POOL_2D" else "averagePool"
    lowerer.call(
        f"{name}<{batch}, PoolShape<{', '.join(map(str, numbers))}>, {activation}>",
        [op.inputs[0]],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="pool.hpp",
    )
