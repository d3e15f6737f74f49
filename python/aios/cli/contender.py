"""What `aios bench` measures: rows of its table, and those of them that run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aios.bridge import TensorFlowCellularBridge


@dataclass(slots=True)
class Row:
    """One engine, batch size and thread count; figures are None where it can't run."""

    engine: str
    batch: int
    threads: int
    precision: str
    p50_us: float | None = None
    p90_us: float | None = None
    p99_us: float | None = None
    min_us: float | None = None
    throughput_per_s: float | None = None
    iterations: int | None = None
    max_error: float | None = None
    chosen: bool = False
    reason: str | None = None
    wrong: bool = False


@dataclass(slots=True)
class Contender:
    """A row that runs: its loaded engine and what it is asked."""

    row: Row
    bridge: TensorFlowCellularBridge
    x: Any
    calls: int
