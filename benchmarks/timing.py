"""Fair timing on a noisy machine: contenders take turns, and a control runs against itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np


def interleaved_p50_us(
    calls: Mapping[str, Callable[[], object]], *, rounds: int = 15, budget_s: float = 0.02
) -> dict[str, float]:
    """Median latency of each call in µs, best of `rounds` rounds that visit all calls in turn.

    A round times a call in a tight loop for about `budget_s`, so that reading the clock costs
    nothing; the median would not settle on a machine whose speed drifts, the best round does.
    """
    counts = {name: _count_for(call, budget_s) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(_loop_us(call, counts[name]))
    return {name: float(np.min(values)) for name, values in times.items()}


def _count_for(call: Callable[[], object], budget_s: float) -> int:
    for _ in range(3):
        call()
    return max(1, int(budget_s * 1e6 / max(_loop_us(call, 3), 0.01)))


def _loop_us(call: Callable[[], object], count: int) -> float:
    steps = range(count)
    begin = time.perf_counter_ns()
    for _ in steps:
        call()
    return (time.perf_counter_ns() - begin) / 1e3 / count
