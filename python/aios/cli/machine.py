"""What the machine is: its processor and what it can do."""

from __future__ import annotations

import math
import platform
from functools import lru_cache
from pathlib import Path

_NAMED = (
    "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw", "avx512vl", "avx512_vnni",
    "avx512_bf16", "avx512_fp16", "avx_vnni", "amx_int8", "amx_bf16", "asimd", "asimdhp",
    "asimddp", "sve", "sve2", "i8mm", "bf16",
)  # fmt: skip
_V3 = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"}
_V4 = _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}


def cpu_model() -> str:
    """The processor's name."""
    for key in ("model name", "Model", "Hardware"):
        if key in _cpuinfo():
            return _cpuinfo()[key]
    return platform.processor() or platform.machine()


def cpu_flags() -> set[str]:
    """Every feature that the kernel reports."""
    words = _cpuinfo()
    return set((words.get("flags") or words.get("Features") or "").split())


def cpu_features() -> list[str]:
    """The features that matter to engines."""
    flags = cpu_flags()
    return [name for name in _NAMED if name in flags]


def best_target() -> str:
    """The most capable target of `aios compile` that runs here, besides native."""
    if platform.machine().lower() in ("aarch64", "arm64"):
        return "aarch64"
    flags = cpu_flags()
    return "x86-64-v4" if flags >= _V4 else "x86-64-v3" if flags >= _V3 else "x86-64"


def usable_cpus() -> int:
    """CPUs that this process may use, by affinity and by the cgroup's limit."""
    from aios.bridge.core import core

    return core.usable_cpus()


def cgroup_cpus() -> float | None:
    """The lowest limit of the cgroups above this process, in CPUs; None if there is none."""
    from aios.bridge.core import core

    limit = core.cgroup_cpus()
    return None if math.isinf(limit) else limit


def thread_budget() -> int:
    """Threads that calls of this process may use together: $AIOS_THREADS, else usable_cpus()."""
    from aios.bridge.core import core

    return core.thread_budget()


@lru_cache(maxsize=1)
def _cpuinfo() -> dict[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return {}
    first = text.split("\n\n", 1)[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
