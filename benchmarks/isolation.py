"""What loading one cell does to the latency of another in the same process.

Cell A answers one call after another in one thread; latencies are those of its caller. In turns:

- quiet: nothing else happens;
- busy: one unrelated process spins on one CPU, at the same priority: the reference;
- neighbour: an unrelated process loads, tunes and unloads cell B in a loop;
- loading: another thread of A's own process does just that.

A phase lasts until B was loaded once at least. All phases take turns, in a new order in each round,
and a figure is the median over the rounds. The bar: p99 while loading is at most 1.5 times that of
the reference. B is measured anew by each load: its selection cache is emptied before.

Run: .venv/bin/python -m benchmarks.isolation [--quick] [--json] [--cells DIRECTORY]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from benchmarks.zoo import SEED, ZOO, samples

if TYPE_CHECKING:
    from aios import TensorFlowCellularBridge

BAR = 1.5
ENGINES = ("compiled", "litert")
SERVED = ("mlp_small", "mlp_large")
LOADED = ("mobilenet_v2", "resnet50")
REFERENCE = "busy"
PERCENTILES = (50.0, 99.0, 99.9)

Latencies = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """One served cell beside one that is loaded.

    Attributes:
        served: Name of the served model, and its engine.
        loaded: Name of the model that is loaded meanwhile.
        phase: What happened meanwhile.
        p50_us: Median over the rounds of a round's median.
        p99_us: Of a round's 99th percentile.
        p999_us: Of a round's 99.9th.
        ratio: p99 by the reference's p99, median over the rounds.
        loads: Loads that were completed by all rounds together.
    """

    served: str
    loaded: str
    phase: str
    p50_us: float
    p99_us: float
    p999_us: float
    ratio: float
    loads: int


def serve(call: Callable[[], object], until: Callable[[float], bool]) -> Latencies:
    """Latencies in µs of calls one after another, until `until(seconds)` says so."""
    found: list[int] = []
    clock = time.perf_counter_ns
    begin = clock()
    while not until((clock() - begin) / 1e9):
        for _ in range(100):
            before = clock()
            call()
            found.append(clock() - before)
    return np.array(found) / 1e3


def load_once(bundle: Path) -> None:
    """Loads a cell, tunes it for batch 1, and unloads it."""
    import aios

    shutil.rmtree(Path(os.environ["XDG_CACHE_HOME"]) / "aios", ignore_errors=True)
    aios.load(bundle).close()


class Loading:
    """Loads, tunes and unloads a bundle in a thread of this process, again and again."""

    def __init__(self, bundle: Path) -> None:
        self.bundle, self.loads = bundle, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.is_set():
            load_once(self.bundle)
            self.loads += 1

    def __enter__(self) -> Loading:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()


class Process:
    """Python code in a process of its own, which says when it begins."""

    loads = 1  # as far as waiting for it goes

    def __init__(self, code: str, *arguments: str) -> None:
        self.command = [sys.executable, "-c", f"{code}", *arguments]

    def __enter__(self) -> Process:
        self._process = subprocess.Popen(self.command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self._process.stdout.readline()
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def quiet() -> Iterator[type[Process]]:
    """Nothing."""
    yield Process


SPIN = "print(flush=True)\nwhile True: pass"
NEIGHBOUR = """
import sys, time
from pathlib import Path
from benchmarks.isolation import load_once
print(flush=True)
while True: load_once(Path(sys.argv[1]))
"""


def phases(bundle: Path) -> dict[str, Callable[[], AbstractContextManager[Loading | Process]]]:
    """What may happen while A serves, by name."""
    return {
        "quiet": quiet,
        REFERENCE: lambda: Process(SPIN),
        "neighbour": lambda: Process(NEIGHBOUR, str(bundle)),
        "loading": lambda: Loading(bundle),
    }


def compare(
    call: Callable[[], object], bundle: Path, rounds: int, seconds: float
) -> dict[str, tuple[list[Latencies], int]]:
    """Each phase's latencies, round by round, and its loads."""
    found: dict[str, list[Latencies]] = {name: [] for name in phases(bundle)}
    loads = dict.fromkeys(found, 0)
    shuffle = random.Random(SEED).shuffle
    for _ in range(rounds):
        order = list(found)
        shuffle(order)
        for name in order:
            with phases(bundle)[name]() as other:
                found[name].append(serve(call, lambda s: s > seconds and other.loads > 0))
            loads[name] += other.loads if isinstance(other, Loading) else 0
    return {name: (found[name], loads[name]) for name in found}


def rows_of(
    served: str, loaded: str, found: dict[str, tuple[list[Latencies], int]]
) -> Iterator[Row]:
    """A row for each phase."""
    reference = [np.percentile(latencies, 99) for latencies in found[REFERENCE][0]]
    for phase, (latencies, loads) in found.items():
        p50, p99, p999 = (
            statistics.median(float(np.percentile(one, q)) for one in latencies)
            for q in PERCENTILES
        )
        ratio = statistics.median(
            float(np.percentile(one, 99) / base)
            for one, base in zip(latencies, reference, strict=True)
        )
        yield Row(served, loaded, phase, p50, p99, p999, ratio, loads)


def exported(name: str, directory: Path) -> Path:
    """The bundle of a model of the zoo; made unless it is there."""
    import keras

    import aios

    bundle = directory / f"{name}.cell"
    if not bundle.exists():
        keras.utils.set_random_seed(SEED)
        aios.export(next(model for model in ZOO if model.name == name).build(), bundle)
    return bundle


def bound_call(bridge: TensorFlowCellularBridge, name: str) -> Callable[[], object]:
    """A call of one sample."""
    model = next(model for model in ZOO if model.name == name)
    return bridge.bind(samples(model)[:1])


def measure(directory: Path, loaded: tuple[str, ...], rounds: int, seconds: float) -> list[Row]:
    """All rows."""
    import aios

    bundles = {name: exported(name, directory) for name in (*SERVED, *loaded)}
    rows: list[Row] = []
    for other in loaded:
        load_once(bundles[other])  # libraries are opened once per process: not part of this
        for name in SERVED:
            for engine in ENGINES:
                with aios.load(bundles[name], engine=engine) as bridge:
                    call = bound_call(bridge, name)
                    found = compare(call, bundles[other], rounds, seconds)
                rows.extend(rows_of(f"{name}, {engine}", other, found))
    return rows


def show(rows: list[Row]) -> None:
    """Prints the table."""
    table = Table("A serves", "B", "meanwhile", "p50 µs", "p99 µs", "p99.9 µs", "p99 ÷ busy", "loads")
    for row in rows:
        bar = f" (bar {BAR})" if row.phase == "loading" else ""
        table.add_row(
            row.served, row.loaded, row.phase, f"{row.p50_us:.2f}", f"{row.p99_us:.2f}",
            f"{row.p999_us:.1f}", f"{row.ratio:.2f}{bar}", str(row.loads or ""),
            end_section=row.phase == "loading",
        )  # fmt: skip
    Console().print(table)


def main() -> int:
    """Measures, prints, and fails where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one model to load, 3 rounds")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cells", type=Path, help="where bundles are kept between runs")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["XDG_CACHE_HOME"] = temporary
        directory = arguments.cells or Path(temporary)
        loaded = LOADED[:1] if arguments.quick else LOADED
        rows = measure(directory, loaded, 3 if arguments.quick else 7, 2.0)
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        show(rows)
    return int(any(row.ratio > BAR for row in rows if row.phase == "loading"))


if __name__ == "__main__":
    sys.exit(main())
