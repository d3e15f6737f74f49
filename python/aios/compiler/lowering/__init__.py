"""Lowerings: how each operator kind becomes kernel calls."""

from __future__ import annotations

from aios.compiler.lowering import dense
from aios.compiler.lowering.core import Decline, Lowerer, Machine, lowered_kinds

__all__ = ["Decline", "Lowerer", "Machine", "dense", "lowered_kinds"]
