"""How many threads a call may use at most; src/runtime/cpu_limits.cpp reads more of the system.

Calls at the same time don't share the budget here, as they do in the C++ cell.
"""

from __future__ import annotations

import math
import os
from functools import cache
from pathlib import Path

from aios.errors import InvalidArgumentError

_ROOT = Path("/sys/fs/cgroup")


def cgroup_cpus() -> float:
    """The CPU limit of the control group that is mounted as root; infinity if there is none."""
    try:
        quota, period = (_ROOT / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (_ROOT / "cpu/cpu.cfs_quota_us").read_text()
            period = (_ROOT / "cpu/cpu.cfs_period_us").read_text()
        except OSError:
            return math.inf
    try:
        limit = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):
        return math.inf
    return limit if limit > 0 else math.inf


def usable_cpus() -> int:
    """CPUs that this process may use, by its affinity and its control group."""
    affine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limit = min(affine or 1, cgroup_cpus())
    return max(1, math.ceil(limit))


@cache
def thread_budget() -> int:
    """$AIOS_THREADS, else the usable CPUs when it was first asked for.

    Raises:
        InvalidArgumentError: $AIOS_THREADS isn't a number from 1 on.
    """
    wish = os.environ.get("AIOS_THREADS", "")
    if not wish:
        return usable_cpus()
    if wish.isascii() and wish.isdigit() and int(wish) > 0:
        return int(wish)
    raise InvalidArgumentError(
        "AIOS_THREADS: expected the number of threads that this process may use, 1 or more, got "
        f"'{wish}'"
    )
