"""For tests of the workflow: waiting with a deadline instead of sleeping, and clocks that jump."""

import time

from aios.home.clock import ClockReading


def wait_until(condition, timeout_s=60.0):
    """Poll until `condition()` is true; fail at the deadline."""
    give_up = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < give_up, "waited too long"
        time.sleep(0.005)


class FakeClock:
    """A lease clock and a wall clock that move only when told to."""

    def __init__(self, domain="here"):
        self.domain = domain
        self.monotonic = 1000.0
        self.wall_s = 1_700_000_000.0

    def lease(self):
        return ClockReading(self.domain, self.monotonic)

    def wall(self):
        return self.wall_s
