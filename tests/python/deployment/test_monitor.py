"""What is counted of a version's calls."""

import time

import numpy as np
import pytest

from aios.deployment.drift import Profile
from aios.deployment.monitor import VersionMonitor


def test_quantiles_come_from_the_histogram():
    monitor = VersionMonitor("m", 1, None, threshold=1, window_rows=1, send=print)
    for _ in range(99):
        monitor.answered(0, 3_000, None, None)
    monitor.answered(0, 40_000_000, None, None)
    assert monitor.quantile_us(0.5) == pytest.approx(5)
    assert monitor.quantile_us(0.99) == pytest.approx(5)
    assert monitor.quantile_us(1.0) == pytest.approx(50_000)
    assert monitor.report()["calls"] == 100


def test_errors_and_throughput_are_told_by_version():
    monitor = VersionMonitor("m", 2, None, threshold=1, window_rows=1, send=print)
    assert monitor.report()["p50_us"] is None
    assert monitor.throughput_per_s() == 0
    now = time.perf_counter_ns()
    for _ in range(6):
        monitor.answered(now, now + 1_000, None, None)
    monitor.failed()
    report = monitor.report()
    assert (report["version"], report["calls"], report["errors"]) == (2, 6, 1)
    assert report["mean_us"] == pytest.approx(1.0)
    assert 0 < report["throughput_per_s"] <= 6


def test_rows_that_moved_are_told_as_drift_once_their_window_is_full():
    rows = np.random.default_rng(0).normal(size=(500, 2))
    profile, sent = Profile.of({"x": rows}, {}), []
    monitor = VersionMonitor("m", 1, profile, threshold=0.25, window_rows=64, send=sent.append)
    for call in range(4):
        started = call * 10_000_000  # samples are a millisecond apart
        monitor.answered(started, started + 5_000_000, rows[:20] + np.array([0, 4]), None)
    monitor.judge()
    (drift,) = sent
    assert (drift.name, drift.tensor, drift.feature, drift.rows) == ("m", "input x", 1, 80)
    assert drift.psi > 0.25
    assert monitor.report()["drift"] == {"input x": drift.psi}
    monitor.judge()
    assert len(sent) == 1
