"""The clocks of a manager: one for leases, which nobody can set, and the wall clock for people.

A lease is measured on `CLOCK_MONOTONIC`, which all processes of one boot and one time namespace
share, and which no NTP step, `date -s` or suspend moves. Its readings mean nothing elsewhere, so
each reading carries the clock's *domain* (boot id and time namespace). The wall clock only labels
records and fires schedules.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ClockReading:
    """`seconds` of the lease clock named `domain`; comparable only within one domain."""

    domain: str
    seconds: float


class Clock(Protocol):
    """What a manager needs to know about time; tests inject one that jumps."""

    def lease(self) -> ClockReading:
        """Read the clock that leases are measured on."""

    def wall(self) -> float:
        """Seconds since 1970, for records and schedules only."""


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._domain = clock_domain()

    def lease(self) -> ClockReading:
        """Read `CLOCK_MONOTONIC`."""
        return ClockReading(self._domain, time.monotonic())

    def wall(self) -> float:
        """Read `CLOCK_REALTIME`."""
        return time.time()


def boot_id() -> str:
    """The kernel's id of this boot; empty where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def clock_domain() -> str:
    """Name the domain within which monotonic readings of processes compare."""
    boot = boot_id()
    if not boot:
        return f"process-{os.getpid()}-{time.time_ns()}"
    try:
        namespace = os.readlink("/proc/self/ns/time")
    except OSError:
        namespace = ""
    return f"{boot} {namespace}".strip()
