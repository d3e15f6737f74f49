"""Resident memory after many loads and unloads of one bundle, each engine in a process of its own.

Run: .venv/bin/python -m benchmarks.memory
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

#: How often each engine loads; vendors' libraries that take long to load a model load less often.
LOADS = {"compiled": 1000, "litert": 1000, "openvino": 100, "tensorflow": 100}
#: So many loads are needed to fill what libraries make once and keep.
SETTLED = 10
#: What memory may grow by from then on, as a part of what there was.
LIMIT = 0.05


@dataclass(frozen=True, slots=True)
class Growth:
    """Resident memory of a process, freed memory given back to the system first.

    Attributes:
        settled_bytes: After `SETTLED` loads and unloads.
        bytes: After all of them.
    """

    settled_bytes: int
    bytes: int

    @property
    def part(self) -> float:
        """What was added, as a part of what there was."""
        return self.bytes / self.settled_bytes - 1


def measure(bundle: Path, engine: str, loads: int) -> Growth:
    """Loads, calls and closes in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.memory", str(bundle), engine, str(loads)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    finished = subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False, env=environment,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    if finished.returncode:
        raise RuntimeError(f"{engine}: {finished.stderr[-2000:]}")
    return Growth(*json.loads(finished.stdout))


def _load_again_and_again(bundle: str, engine: str, loads: int) -> tuple[int, int]:
    import aios

    def cycle() -> None:
        with aios.load(bundle, engine=engine) as bridge:
            inputs = {
                spec.name: np.zeros([max(size, 1) for size in spec.shape], spec.dtype)
                for spec in bridge.signature.inputs
            }
            bridge.perform_inference(inputs)

    for _ in range(SETTLED):
        cycle()
    settled = resident_bytes()
    for _ in range(loads - SETTLED):
        cycle()
    return settled, resident_bytes()


def resident_bytes() -> int:
    """Of this process, once freed memory is given back to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Prints the table."""
    from benchmarks.files import prepare
    from benchmarks.zoo import ZOO

    bundle = prepare(ZOO[0], print).bundle
    table = Table(f"memory: {ZOO[0].title}", "loads", f"MiB after {SETTLED}", "MiB after all",
                  "growth", "at most", "verdict")  # fmt: skip
    for engine, loads in LOADS.items():
        found = measure(bundle, engine, loads)
        settled, last = (size / 2**20 for size in (found.settled_bytes, found.bytes))
        table.add_row(
            engine, f"{loads:,}", f"{settled:.1f}", f"{last:.1f}", f"{found.part:+.2%}",
            f"{LIMIT:.0%}", "met" if found.part <= LIMIT else "not met",
        )  # fmt: skip
    Console(width=100).print(table)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(json.dumps(_load_again_and_again(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
    else:
        main()
