"""What loading one cell does to the latency of another in the same process.

Cell A answers one call after another in one thread; latencies are those of its caller. In turns:

- quiet: nothing else happens;
- busy: one unrelated process spins, at the same priority: the reference;
- neighbour: one unrelated process loads, tunes and unloads cell B in a loop;
- loading: another thread of A's own process does just that.

A phase lasts until B was loaded once at least. All phases take turns, in a new order in each round,
and a figure is the median over the rounds. The bar: p99 while loading is at most 1.5 times that of
the reference. B is tuned anew by each load: its selection cache is emptied before. With --cpus 1
all of them share one CPU, where it matters who goes first.

Run: .venv/bin/python -m benchmarks.isolation [--cpus 1] [--load resnet50] [--rounds 7] [--json]
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
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from benchmarks.zoo import SEED, ZOO, ZooModel, samples

BAR = 1.5
REFERENCE = "busy"
ENGINES = ("compiled", "litert")
SERVED = ("mlp_small", "mlp_large")
PHASE_S = 2.0
PERCENTILES = (50.0, 99.0, 99.9)

Latencies = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """What one served cell took in one phase.

    Attributes:
        served: Name of the served model, and its engine.
        phase: What happened meanwhile.
        p50_us: Median over the rounds of a round's median.
        p99_us: Of a round's 99th percentile.
        p999_us: Of a round's 99.9th.
        ratio: p99 by the reference's p99, median over the rounds.
        loads: Loads that were completed by all rounds together.
    """

    served: str
    phase: str
    p50_us: float
    p99_us: float
    p999_us: float
    ratio: float
    loads: int


@dataclass(slots=True)
class Phase:
    """What was found in one phase: latencies in µs of each round, and loads of all."""

    rounds: list[Latencies]
    loads: int = 0


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


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing else."""
    yield


@contextmanager
def process(code: str, *arguments: str) -> Iterator[None]:
    """Python code in a process of its own, from when it prints its first line."""
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        yield
        other.kill()


SPIN = "print(flush=True)\nwhile True: pass"
LOAD = """
import sys
from pathlib import Path
from benchmarks.isolation import load_once
load_once(Path(sys.argv[1]))
print(flush=True)
while True: load_once(Path(sys.argv[1]))
"""


def compare(call: Callable[[], object], bundle: Path, rounds: int) -> dict[str, Phase]:
    """All phases, in turns."""
    phases: dict[str, Callable[[], AbstractContextManager[Loading | None]]] = {
        "quiet": quiet,
        REFERENCE: lambda: process(SPIN),
        "neighbour": lambda: process(LOAD, str(bundle)),
        "loading": lambda: Loading(bundle),
    }
    found = {name: Phase([]) for name in phases}
    shuffle = random.Random(SEED).shuffle
    for _ in range(rounds):
        order = list(phases)
        shuffle(order)
        for name in order:
            with phases[name]() as other:
                found[name].rounds.append(serve(call, partial(is_over, other)))
            found[name].loads += other.loads if other else 0
    return found


def is_over(other: Loading | None, seconds: float) -> bool:
    """Whether a phase has lasted for long enough."""
    return seconds > PHASE_S and (other is None or other.loads > 0)


def rows_of(served: str, found: dict[str, Phase]) -> Iterator[Row]:
    """A row for each phase."""
    figures = {
        name: np.array([np.percentile(one, PERCENTILES) for one in phase.rounds])
        for name, phase in found.items()
    }
    for name, by_round in figures.items():
        p50, p99, p999 = (statistics.median(column) for column in by_round.T.tolist())
        ratio = float(np.median(by_round[:, 1] / figures[REFERENCE][:, 1]))
        yield Row(served, name, p50, p99, p999, ratio, found[name].loads)


def zoo_model(name: str) -> ZooModel:
    """A model of the zoo."""
    return next(model for model in ZOO if model.name == name)


def exported(name: str, directory: Path) -> Path:
    """The bundle of a model of the zoo; made unless it is there."""
    bundle = directory / f"{name}.cell"
    if not bundle.exists():
        import keras

        import aios

        keras.utils.set_random_seed(SEED)
        aios.export(zoo_model(name).build(), bundle)
    return bundle


def measure(directory: Path, loaded: str, rounds: int) -> list[Row]:
    """All rows."""
    import aios

    other = exported(loaded, directory)
    load_once(other)  # opens the engines' libraries, which stay: not part of this
    rows: list[Row] = []
    for name in SERVED:
        x = samples(zoo_model(name))[:1]
        for engine in ENGINES:
            with aios.load(exported(name, directory), engine=engine) as bridge:
                call = partial(bridge.perform_inference, x)
                rows.extend(rows_of(f"{name}, {engine}", compare(call, other, rounds)))
    return rows


def show(rows: list[Row]) -> None:
    """Prints the table."""
    table = Table("A serves", "meanwhile", "p50 µs", "p99 µs", "p99.9 µs", "p99 ÷ busy", "loads")
    for row in rows:
        figures = (f"{row.p50_us:.2f}", f"{row.p99_us:.2f}", f"{row.p999_us:.1f}")
        last = row.phase == "loading"
        ratio, loads = f"{row.ratio:.2f}", str(row.loads) if last else ""
        table.add_row(row.served, row.phase, *figures, ratio, loads, end_section=last)
    Console().print(table)


def main() -> int:
    """Measures, prints, and fails where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cpus", type=int, help="CPUs that all of it shares; else all there are")
    parser.add_argument("--load", default="mobilenet_v2", help="the model of B, from the zoo")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cells", type=Path, help="where bundles are kept between runs")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cpus])
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["XDG_CACHE_HOME"] = temporary
        rows = measure(arguments.cells or Path(temporary), arguments.load, arguments.rounds)
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        show(rows)
    return int(any(row.ratio > BAR for row in rows if row.phase == "loading"))


if __name__ == "__main__":
    sys.exit(main())
