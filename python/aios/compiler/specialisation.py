"""A program for one batch size, placed in memory: what is emitted as one C++ function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aios.compiler.planner import Plan
    from aios.compiler.program import Program


@dataclass(frozen=True, slots=True)
class Specialisation:
    """A program for one batch size, with its places in memory."""

    batch: int
    program: Program
    plan: Plan
