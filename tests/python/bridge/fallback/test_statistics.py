"""Counters and percentiles of calls whose latencies are given."""

import pytest

from aios.bridge.fallback import statistics
from aios.bridge.fallback.statistics import CallStats, benchmark


def test_calls_are_counted_in_four_buckets_an_octave():
    stats = CallStats()
    for samples, latency_ns in ((1, 5), (2, 16), (3, 17), (4, 32), (5, 1_000_000)):
        stats.count_call(samples, latency_ns)
    stats.count_error()
    metrics = stats.metrics("serve", staged_bytes=7, sessions=2)
    assert (metrics.signature, metrics.staged_bytes, metrics.sessions) == ("serve", 7, 2)
    assert (metrics.calls, metrics.samples, metrics.errors, metrics.timed_calls) == (5, 15, 1, 5)
    first, second, third, last = metrics.histogram
    assert (first.upper_us, first.calls) == (0.016, 2)
    assert (second.upper_us, second.calls) == (pytest.approx(0.016 * 2**0.25), 1)
    assert (third.upper_us, third.calls) == (0.032, 1)
    assert 1000 <= last.upper_us < 1000 * 2**0.25
    assert metrics.p50_us == second.upper_us
    assert metrics.p90_us == metrics.p99_us == last.upper_us


def test_nothing_answered_is_all_zeros():
    metrics = CallStats().metrics("serve", 0, 0)
    assert (metrics.calls, metrics.p50_us, metrics.p99_us, metrics.histogram) == (0, 0.0, 0.0, [])


def test_the_longest_calls_share_the_last_bucket():
    stats = CallStats()
    for latency_ns in (10**14, 10**18):
        stats.count_call(1, latency_ns)
    (bucket,) = stats.metrics("serve", 0, 0).histogram
    assert bucket.calls == 2


def test_a_benchmark_warms_up_and_gives_nearest_ranks(monkeypatch):
    latencies_us = iter(range(10, 0, -1))
    now_ns, calls = [0], []

    def clock():
        """The second of two readings is a call's latency later."""
        now_ns[0] += len(calls) and 1000 * next(latencies_us) if calls.count("asked") else 0
        calls[:] = [] if calls.count("asked") else ["asked"]
        return now_ns[0]

    made = []
    monkeypatch.setattr(statistics, "perf_counter_ns", clock)
    result = benchmark(lambda: made.append(1), iterations=10, batch=4, engine="python-litert")
    assert len(made) == 2 + 10
    assert (result.engine, result.iterations) == ("python-litert", 10)
    assert (result.min_us, result.p50_us, result.p90_us, result.p99_us) == (1.0, 5.0, 9.0, 10.0)
    assert (result.max_us, result.mean_us) == (10.0, 5.5)
    assert result.throughput_per_s == pytest.approx(4 * 10 / 55e-6)
