"""Lowerings: how each operator kind becomes kernel calls."""

from __future__ import annotations

from aios.compiler.lowering import (
    control,
    dense,
    elementwise,
    indexing,
    matmul,
    normalization,
    ordering,
    padding,
    recurrent,
    reduce,
    resize,
    scan,
    shape,
    slices,
    volume,
    window,
)
from aios.compiler.lowering.core import DeclineError, Lowerer, Machine, lowered_kinds, lowering_of

_MODULES = (
    control,
    dense,
    elementwise,
    indexing,
    matmul,
    normalization,
    ordering,
    padding,
    recurrent,
    reduce,
    resize,
    scan,
    shape,
    slices,
    volume,
    window,
)

__all__ = ["DeclineError", "Lowerer", "Machine", "lowered_kinds", "lowering_of"]
