"""Axes that operands walk together."""

from __future__ import annotations

from aios.compiler.lowering.axes import broadcast_strides, dense_strides, merge_axes


def test_axes_merge_when_every_operand_walks_them_as_one() -> None:
    shape = (2, 1, 3, 4)
    sizes, steps = merge_axes(shape, dense_strides(shape), broadcast_strides((3, 4), shape))
    assert sizes == (2, 12)
    assert steps == [(12, 1), (0, 1)]
    sizes, steps = merge_axes((2, 3), (3, 1), (1, 2))
    assert sizes == (2, 3)
    assert merge_axes((1, 1), (1, 1))[0] == (1,)
