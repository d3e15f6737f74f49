"""How many threads the calls of this process may use together: docs/concepts/threads.md."""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path, PurePosixPath

from aios.errors import InvalidArgumentError

_VARIABLE = "AIOS_THREADS"


class ThreadBudget:
    """`size` threads, in a process that the system lets use `cpus`. Safe from any thread."""

    def __init__(self, size: int, cpus: int) -> None:
        self.size = size
        self._cpus = cpus
        self._free = size
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    def cut(self, threads: int) -> int:
        """What is left of a wish."""
        return min(threads, self.size)

    def share(self, threads: int) -> AbstractContextManager[None]:
        """Threads held while a call runs; it waits until they are free, first come, first served.

        One on its caller's thread alone holds none, unless the budget is smaller than what the
        system keeps the process to anyway.
        """
        if threads == 1 and self.size >= self._cpus:
            return nullcontext()
        return self._held(threads)

    @contextmanager
    def _held(self, threads: int) -> Iterator[None]:
        with self._changed:
            self._take(threads)
        try:
            yield
        finally:
            with self._changed:
                self._free += threads
                self._changed.notify_all()

    def _take(self, threads: int) -> None:
        ticket = object()
        self._waiting.append(ticket)
        try:
            self._changed.wait_for(lambda: self._waiting[0] is ticket and threads <= self._free)
            self._free -= threads
        finally:
            self._waiting.remove(ticket)
            self._changed.notify_all()


def process_budget() -> ThreadBudget:
    """This process's; a forked child has one of its own."""
    return _budget_of(os.getpid())


@lru_cache(maxsize=1)
def _budget_of(process: int) -> ThreadBudget:
    del process
    cpus = usable_cpus()
    wish = os.environ.get(_VARIABLE, "")
    if wish and not (wish.isascii() and wish.isdigit() and int(wish) > 0):
        raise InvalidArgumentError(
            f"{_VARIABLE}: expected the number of threads that this process may use, 1 or more, "
            f"got '{wish}'"
        )
    return ThreadBudget(int(wish) if wish else cpus, cpus)


def thread_budget() -> int:
    """$AIOS_THREADS, else the usable CPUs when it was first asked for."""
    return process_budget().size


def usable_cpus() -> int:
    """CPUs that this process may use, by its affinity and its control groups."""
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return max(1, int(min(allowed, _ceiling(cgroup_cpus()))))


def cgroup_cpus() -> float:
    """The lowest CPU limit of this process's control groups; infinity if there is none."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        groups = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return math.inf
    return min((_limit_in(line, groups) for line in mounts), default=math.inf)


def _ceiling(limit: float) -> float:
    return limit if math.isinf(limit) else math.ceil(limit)


def _limit_in(mount_line: str, groups: list[str]) -> float:
    """Of one hierarchy: "… ROOT MOUNT OPTIONS … - TYPE SOURCE OPTIONS" (proc(5))."""
    before, _, after = mount_line.partition(" - ")
    kind, *_, options = after.split() or ("", "")
    unified = kind == "cgroup2"
    if not unified and not (kind == "cgroup" and "cpu" in options.split(",")):
        return math.inf
    root, mount = before.split()[3:5]
    for line in groups:
        _, controllers, path = line.split(":", 2)
        if (not controllers) if unified else ("cpu" in controllers.split(",")):
            return min(_limit_of(place, unified) for place in _places(root, mount, path))
    return math.inf


def _places(root: str, mount: str, group: str) -> list[Path]:
    """The mounted group and those below it, down to this process's."""
    try:
        below = PurePosixPath(group).relative_to(root)
    except ValueError:
        # A container may see its group by a path that isn't below the mounted one.
        below = PurePosixPath()
    path = Path(mount) / below
    return [path, *(above for above in path.parents if above.is_relative_to(mount))]


def _limit_of(group: Path, unified: bool) -> float:
    try:
        if unified:
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text()
            period = (group / "cpu.cfs_period_us").read_text()
        return int(quota) / int(period) if int(quota) > 0 else math.inf
    except (OSError, ValueError, ZeroDivisionError):
        return math.inf
