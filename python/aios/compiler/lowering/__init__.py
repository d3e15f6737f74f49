"""Lowerings: how each operator kind becomes kernel calls."""

from __future__ import annotations

from aios.compiler.lowering import (
    dense,
    elementwise,
    matmul,
    normalization,
    recurrent,
    reduce,
    scan,
    shape,
    window,
)
from aios.compiler.lowering.core import DeclineError, Lowerer, Machine, lowered_kinds

_MODULES = (dense, elementwise, matmul, normalization, recurrent, reduce, scan, shape, window)

__all__ = ["DeclineError", "Lowerer", "Machine", "lowered_kinds"]
