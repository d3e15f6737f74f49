"""Counters, histograms and percentiles: the figures of the C++ cell's metrics and benchmarks."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from time import perf_counter_ns

from aios.bridge.fallback.records import BenchmarkResult, LatencyBucket, SignatureMetrics

# Four buckets an octave, from 16 ns: bucket b ends at 16 * 2^(b/4) ns.
_SMALLEST_NS = 16
_LAST_BUCKET = 127


class CallStats:
    """What one signature has answered. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = self._samples = self._errors = 0
        self._buckets: Counter[int] = Counter()

    def count_call(self, samples: int, latency_ns: int) -> None:
        """One call that was answered."""
        ratio = max(latency_ns, _SMALLEST_NS) / _SMALLEST_NS
        bucket = min(_LAST_BUCKET, math.ceil(4 * math.log2(ratio)))
        with self._lock:
            self._calls += 1
            self._samples += samples
            self._buckets[bucket] += 1

    def count_error(self) -> None:
        """One call on which the engine failed."""
        with self._lock:
            self._errors += 1

    def metrics(self, signature: str, staged_bytes: int, sessions: int) -> SignatureMetrics:
        """All figures; percentiles are upper bounds of buckets."""
        with self._lock:
            buckets = sorted(self._buckets.items())
            calls, samples, errors = self._calls, self._samples, self._errors
        histogram = [LatencyBucket(_upper_us(bucket), count) for bucket, count in buckets]
        return SignatureMetrics(
            signature=signature,
            calls=calls,
            samples=samples,
            errors=errors,
            staged_bytes=staged_bytes,
            sessions=sessions,
            timed_calls=calls,
            p50_us=_bound(histogram, calls, 0.50),
            p90_us=_bound(histogram, calls, 0.90),
            p99_us=_bound(histogram, calls, 0.99),
            histogram=histogram,
        )


def benchmark(
    call: Callable[[], object], iterations: int, batch: int, engine: str
) -> BenchmarkResult:
    """Times single calls, after 10 % more that aren't counted."""
    for _ in range(1 + iterations // 10):
        call()
    latencies_us = []
    for _ in range(iterations):
        begin = perf_counter_ns()
        call()
        latencies_us.append((perf_counter_ns() - begin) / 1e3)
    latencies_us.sort()
    total = sum(latencies_us)
    return BenchmarkResult(
        engine=engine,
        iterations=iterations,
        p50_us=_percentile(latencies_us, 0.50),
        p90_us=_percentile(latencies_us, 0.90),
        p99_us=_percentile(latencies_us, 0.99),
        min_us=latencies_us[0],
        max_us=latencies_us[-1],
        mean_us=total / iterations,
        throughput_per_s=iterations * batch * 1e6 / total if total else 0.0,
    )


def _upper_us(bucket: int) -> float:
    return _SMALLEST_NS * 2 ** (bucket / 4) / 1e3


def _rank(count: int, fraction: float) -> int:
    """The nearest rank, from 1."""
    return max(math.ceil(fraction * count), 1)


def _percentile(ordered: Sequence[float], fraction: float) -> float:
    return ordered[_rank(len(ordered), fraction) - 1]


def _bound(histogram: Sequence[LatencyBucket], calls: int, fraction: float) -> float:
    seen = 0
    for bucket in histogram:
        seen += bucket.calls
        if seen >= _rank(calls, fraction):
            return bucket.upper_us
    return 0.0
