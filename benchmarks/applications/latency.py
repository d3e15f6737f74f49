"""Latencies of one bundle by each engine that serves it, in turns.

Run by benchmarks.applications: python -m benchmarks.applications.latency NAME FOLDER
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import aios
from benchmarks.applications import figures
from benchmarks.applications.figures import EngineFigures, Figures
from benchmarks.applications.models import Application, named
from benchmarks.timing import Plan, PythonCall, interleaved

_PLAN = Plan(rounds=7, round_s=0.3, budget_s=20.0)


def with_latencies(found: Figures, application: Application, folder: Path) -> Figures:
    """The same figures, with the latency of one image by one thread."""
    image = application.images(1, seed=1)
    served = dict.fromkeys(item.engine for item in found.engines if item.verdict == "passed")
    if not served:
        return found
    with ExitStack() as stack:
        calls = {}
        for engine in served:
            bundle = folder / f"{application.name}.cell"
            bridge = stack.enter_context(aios.load(bundle, engine=engine, threads=1))
            calls[engine] = PythonCall(partial(bridge.perform_inference, image))
        timings, _ = interleaved(calls, None, _PLAN)
    taken = [next(item for item in found.engines if _serves(item, engine)) for engine in served]
    return replace(
        found,
        engines=tuple(
            replace(item, p50_ms=timings[item.engine].p50_us / 1e3) if item in taken else item
            for item in found.engines
        ),
    )


def _serves(item: EngineFigures, engine: str) -> bool:
    """Whether a load takes this artifact for the engine, if it is its first."""
    return item.engine == engine and item.verdict == "passed"


if __name__ == "__main__":
    out = Path(sys.argv[2])
    path = out / "figures.json"
    with_latencies(figures.read(path), named(sys.argv[1]), out).write(path)
