"""The clock of leases and its domain, and the wall clock."""

import time

import pytest

from aios.home import clock
from aios.home.clock import SystemClock, boot_id, clock_domain


@pytest.mark.skipif(not boot_id(), reason="the kernel doesn't name its boot here")
def test_readings_of_one_boot_compare_and_never_go_back():
    first, second = SystemClock().lease(), SystemClock().lease()
    assert first.domain == second.domain == clock_domain()
    assert first.seconds <= second.seconds <= time.monotonic()


def test_the_wall_clock_counts_from_1970():
    assert abs(SystemClock().wall() - time.time()) < 60


def test_without_a_boot_id_each_process_is_a_domain_of_its_own(monkeypatch):
    monkeypatch.setattr(clock, "boot_id", lambda: "")
    assert clock_domain().startswith("process-")


@pytest.mark.skipif(not boot_id(), reason="the kernel doesn't name its boot here")
def test_the_domain_names_the_boot():
    assert clock_domain().startswith(boot_id())
