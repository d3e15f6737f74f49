"""Where a run was made: the processor, its caches, and the versions of what took part."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from benchmarks.files import package_version

_PACKAGES = ("ai-edge-litert", "onnxruntime", "openvino", "tensorflow-cpu", "tensorflow", "keras",
             "tf2onnx", "numpy")  # fmt: skip


def machine() -> dict[str, str]:
    """The processor and the system."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "caches": _caches(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load": f"{os.getloadavg()[0]:.1f} at the start",
    }


def versions() -> dict[str, str]:
    """Package → version, the C++ compiler's included."""
    from aios.compiler.toolchain import find_toolchain

    found = {name: package_version(name) for name in _PACKAGES}
    found = {name: number for name, number in found.items() if number}
    return {
        "python": platform.python_version(),
        "C++ compiler": find_toolchain("native").version,
        **found,
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _caches() -> str:
    found = []
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (
            (folder / name).read_text().strip() for name in ("level", "type", "size")
        )
        if kind != "Instruction":
            found.append(f"L{level} {size}")
    return ", ".join(found)
