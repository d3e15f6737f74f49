"""How long a process takes to load the digits bundle: the first time, and with a warm cache.

Run: .venv/bin/python -m benchmarks.start
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

#: With a warm cache, where compiled or litert was chosen.
LIMIT_MS = 20.0
ROUNDS = 9
#: A load that got less of a core than this waited for other programs.
_QUIET = 0.8
ENGINES = ("auto", "compiled", "litert")

_EXPORT = """
import sys
import aios
from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
x = (x / 16).astype("float32")
cell = aios.TensorFlowTrainingCell(aios.TrainingConfig(epochs=3, seed=7))
cell.create_model(input_shape=(64,), num_classes=10)
cell.train(x, y)
cell.export_for_cpp_inference(sys.argv[1])
"""

_START = """
import sys, time
import numpy as np
import aios
x = np.zeros((1, 64), np.float32)
begin, cpu = time.perf_counter(), time.process_time()
bridge = aios.load(sys.argv[1], engine=sys.argv[2])
loaded, cpu = time.perf_counter(), time.process_time() - cpu
bridge.perform_inference(x)
answered = time.perf_counter()
import json
chosen = [row.reason for row in bridge.explain() if row.chosen and row.batch == 1]
mapped = open("/proc/self/maps").read()
print(json.dumps({
    "load_ms": (loaded - begin) * 1e3,
    "cpu_ms": cpu * 1e3,
    "first_call_us": (answered - loaded) * 1e6,
    "engine": bridge.engine,
    "reason": chosen[0] if chosen else "named",
    "tensorflow": "tensorflow" in sys.modules or "libtensorflow" in mapped,
}))
"""


def start(bundle: Path, engine: str, cache: Path) -> dict[str, object]:
    """One load in a fresh process that keeps what `auto` measures in `cache`."""
    command = [sys.executable, "-c", _START, str(bundle), engine]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    finished = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True, env=environment
    )
    return dict(json.loads(finished.stdout))


def main() -> None:
    """Prints the table."""
    table = Table("start: digits", "load ms", "CPU ms", "first call µs", "takes", "why",
                  "TensorFlow", "verdict")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "digits.cell"
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        subprocess.run(
            [sys.executable, "-c", _EXPORT, str(bundle)], check=True, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for engine in ENGINES:
            cache = Path(folder) / engine
            cold = start(bundle, engine, cache)
            warm = [start(bundle, engine, cache) for _ in range(ROUNDS)]
            table.add_row(f"{engine}, first", *_cells([cold]), "")
            table.add_row(f"{engine}, again", *_cells(warm), _verdict(warm))
    Console(width=150).print(table)
    print(
        f"again: the median of {ROUNDS} processes; under {LIMIT_MS:g} ms, no tuning, no TensorFlow"
        f"; void where a load got less than {_QUIET:.0%} of a core."
    )


def _cells(starts: list[dict[str, object]]) -> list[str]:
    return [
        *(f"{_median(starts, name):.1f}" for name in ("load_ms", "cpu_ms", "first_call_us")),
        ", ".join(sorted({str(item["engine"]) for item in starts})),
        ", ".join(sorted({str(item["reason"]) for item in starts})),
        "loaded" if any(item["tensorflow"] for item in starts) else "not loaded",
    ]


def _verdict(starts: list[dict[str, object]]) -> str:
    heavy = any(item["tensorflow"] for item in starts)
    if heavy or any(item["reason"] == "the fastest by measurement" for item in starts):
        return "not met"
    load_ms, cpu_ms = _median(starts, "load_ms"), _median(starts, "cpu_ms")
    if load_ms < LIMIT_MS:
        return "met"
    return "void: busy" if cpu_ms < min(LIMIT_MS, _QUIET * load_ms) else "not met"


def _median(starts: list[dict[str, object]], name: str) -> float:
    return statistics.median(float(str(item[name])) for item in starts)


if __name__ == "__main__":
    main()
