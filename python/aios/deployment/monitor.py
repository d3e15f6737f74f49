"""Watching one deployed version: latency, throughput, errors, drift.

Built for the hot path: a call costs one lock and a few additions. Rows for drift are sampled at
most once a millisecond and judged later, on another thread.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from aios.deployment.drift import Profile, TensorProfile
from aios.home.messages import DriftDetected, Message

# Seconds; 1-2-5 steps from a microsecond to ten seconds.
LATENCY_BOUNDS: Final = (
    *(step * 10.0**power for power in range(-6, 1) for step in (1, 2, 5)),
    10.0,
)
_SAMPLE_INTERVAL_NS: Final = 1_000_000
_WINDOW_S: Final = 60
_MAX_ROWS_PER_SAMPLE: Final = 64


class VersionMonitor:
    """Counters and drift windows of one version in this process."""

    def __init__(
        self,
        name: str,
        version: int,
        profile: Profile | None,
        *,
        threshold: float,
        window_rows: int,
        send: Callable[[Message], None],
    ) -> None:
        self.name = name
        self.version = version
        self.calls = 0
        self.errors = 0
        self.total_s = 0.0
        self.counts = [0] * (len(LATENCY_BOUNDS) + 1)
        self.drift: dict[str, float] = {}
        self._lock = threading.Lock()
        self._next_sample = 0
        self._seconds: deque[tuple[int, list[int]]] = deque(maxlen=_WINDOW_S)
        self._profile = profile
        self._threshold = threshold
        self._window_rows = window_rows
        self._send = send
        self._samples: deque[tuple[Any, Any]] = deque(maxlen=4096)
        self._windows: dict[str, list[Any]] = {}

    def answered(self, started_ns: int, ended_ns: int, x: Any, y: Any) -> None:
        """Count a call that was answered.

        Args:
            started_ns: when it began, in nanoseconds of `time.perf_counter_ns`.
            ended_ns: when it ended.
            x: its input, or inputs by name, whose rows may be sampled.
            y: its answer, likewise.
        """
        seconds = (ended_ns - started_ns) * 1e-9
        place = bisect_left(LATENCY_BOUNDS, seconds)
        with self._lock:
            self.calls += 1
            self.total_s += seconds
            self.counts[place] += 1
            self._tick(ended_ns)
            sample = self._profile is not None and ended_ns >= self._next_sample
            if sample:
                self._next_sample = ended_ns + _SAMPLE_INTERVAL_NS
        if sample and self._profile is not None:
            self._samples.append(
                (_select(self._profile.inputs, x), _select(self._profile.outputs, y))
            )

    def failed(self) -> None:
        """Count a call that raised."""
        with self._lock:
            self.errors += 1

    def judge(self) -> None:
        """Move samples into the windows; judge the windows that are full."""
        if self._profile is None:
            return
        while self._samples:
            inputs, outputs = self._samples.popleft()
            for kind, found in (("input", inputs), ("output", outputs)):
                for name, rows in found.items():
                    self._windows.setdefault(f"{kind} {name}", []).append(rows)
        for kind, tensors in (("input", self._profile.inputs), ("output", self._profile.outputs)):
            for tensor in tensors:
                self._judge_tensor(f"{kind} {tensor.name}", tensor)

    def quantile_us(self, share: float) -> float | None:
        """The latency that `share` of the calls stayed under: the upper bound of its bucket."""
        with self._lock:
            counts, calls = list(self.counts), self.calls
        if not calls:
            return None
        running = 0
        for bound, count in zip((*LATENCY_BOUNDS, float("inf")), counts, strict=True):
            running += count
            if running >= share * calls:
                return bound * 1e6
        return None

    def throughput_per_s(self) -> float:
        """Calls per second over the last minute at most."""
        now = time.perf_counter_ns() // 1_000_000_000
        with self._lock:
            recent = [(second, count[0]) for second, count in self._seconds]
        recent = [(second, count) for second, count in recent if now - second < _WINDOW_S]
        if not recent:
            return 0.0
        return sum(count for _, count in recent) / max(1, now - recent[0][0] + 1)

    def report(self) -> dict[str, Any]:
        """What `manager.watch()` says about this version."""
        return {
            "name": self.name,
            "version": self.version,
            "calls": self.calls,
            "errors": self.errors,
            "p50_us": self.quantile_us(0.5),
            "p99_us": self.quantile_us(0.99),
            "mean_us": self.total_s / self.calls * 1e6 if self.calls else None,
            "throughput_per_s": self.throughput_per_s(),
            "drift": dict(self.drift),
        }

    def _tick(self, now_ns: int) -> None:
        second = now_ns // 1_000_000_000
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1][1][0] += 1
        else:
            self._seconds.append((second, [1]))

    def _judge_tensor(self, key: str, tensor: TensorProfile) -> None:
        import numpy as np

        window = self._windows.get(key, [])
        if sum(map(len, window)) < self._window_rows:
            return
        rows = np.concatenate(window)
        self._windows[key] = []
        found = tensor.psi(rows)
        worst = max(range(len(found)), key=found.__getitem__, default=None)
        if worst is None:
            return
        self.drift[key] = found[worst]
        if found[worst] > self._threshold:
            self._send(
                DriftDetected(
                    name=self.name,
                    version=self.version,
                    tensor=key,
                    feature=tensor.features[worst],
                    psi=found[worst],
                    threshold=self._threshold,
                    rows=len(rows),
                )
            )


def _select(tensors: tuple[TensorProfile, ...], value: Any) -> dict[str, Any]:
    """The profiled part of a call's tensors; a single tensor needs no name."""
    if isinstance(value, Mapping):
        named = value
    elif len(tensors) == 1:
        named = {tensors[0].name: value}
    else:
        return {}
    found = {}
    for tensor in tensors:
        if tensor.name in named:
            rows = tensor.select(named[tensor.name][:_MAX_ROWS_PER_SAMPLE])
            if rows is not None:
                found[tensor.name] = rows
    return found
