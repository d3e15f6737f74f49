"""What this machine's core can do at most: multiply-adds, and bytes read from each cache."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmarks.native import loops

_REPEATS = 9
_FLOATS_PER_VECTOR_STEP = 128


@dataclass(slots=True)
class Ceilings:
    """The best seen so far in this run; a later, quieter moment may raise them.

    Attributes:
        multiply_adds: G float32 multiply-adds a second of one core.
        bandwidths: GB/s that one core reads again and again from so many bytes.
    """

    multiply_adds: float = 0.0
    bandwidths: dict[int, float] = field(default_factory=dict)

    def measure(self, weight_bytes: int) -> None:
        """Measures the arithmetic and the reading of as many bytes as a model has weights."""
        for _ in range(_REPEATS):
            found = loops().aios_bench_multiply_adds(40_000)
            self.multiply_adds = max(self.multiply_adds, found)
        floats = max(weight_bytes // 4, 2 * _FLOATS_PER_VECTOR_STEP)
        memory = np.ones(floats + 16, np.float32)
        start = -memory.ctypes.data % 64 // 4
        passes = max(1, 2_000_000 // floats)
        for _ in range(_REPEATS):
            found = loops().aios_bench_read(memory[start:].ctypes.data, floats, passes)
            self.bandwidths[weight_bytes] = max(self.bandwidths.get(weight_bytes, 0.0), found)

    def limit_us(self, multiply_adds: float, weight_bytes: int) -> tuple[float, str]:
        """The least time of a call, and what bounds it: "FMA" or "weights".

        Args:
            multiply_adds: Of the whole call.
            weight_bytes: Read once in a call.
        """
        arithmetic = multiply_adds / self.multiply_adds / 1e3
        reading = weight_bytes / self.bandwidths[weight_bytes] / 1e3
        return max((arithmetic, "FMA"), (reading, "weights"))
