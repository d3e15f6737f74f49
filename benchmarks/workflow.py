"""What a durable step, a message and a call through the manager cost on this machine.

`python benchmarks/workflow.py [--json]`. Each figure is the best of several rounds, rounds
interleaved; the median of a round where it says p50.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import resource
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import aios
from aios.home.bus import Bus
from aios.home.store import (
    AddMessage,
    FinishRun,
    Lease,
    PutStep,
    RunRecord,
    StepRecord,
    leased,
)

ROUNDS = 3


def chain(length: int) -> list:
    """A workflow of `length` steps that do nothing, one after another."""

    def make(number: int):
        if number == 0:
            return aios.step(name="s0")(lambda: 0)
        return aios.step(name=f"s{number}", needs={"before": f"s{number - 1}"})(
            lambda before: before + 1
        )

    return [make(number) for number in range(length)]


def step_ms(manager: aios.AICellManager) -> float:
    """Time per step of one run of 200 steps, everything included."""
    started = time.perf_counter()
    manager.execute_workflow("chain").result()
    return (time.perf_counter() - started) / 200 * 1e3


def step_gaps_ms(manager: aios.AICellManager) -> list[float]:
    """Per step: from its start to the start of the next one, by the records' own wall clock."""
    run = manager.execute_workflow("chain")
    run.result()
    starts = sorted(item.started for item in manager.home.store.steps(run.id).values())
    return [(b - a) * 1e3 for a, b in itertools.pairwise(starts)]


def commit_ms(manager: aios.AICellManager, *, durable: bool, count: int) -> list[float]:
    """One transaction with a step's record and two messages."""
    store, clock = manager.home.store, manager._clock
    run_id = f"bench-{time.perf_counter_ns()}"
    run = leased(RunRecord(run_id, "bench", "RUNNING", 0.0, {}), "me", clock.lease(), 3600)
    store.create_run(run)
    lease = Lease(run_id, "me", run.lease.epoch)
    times = []
    for number in range(count):
        messages = [AddMessage(aios.StepStarted(run_id=run_id).to_stored()) for _ in range(2)]
        started = time.perf_counter()
        changes = [PutStep(StepRecord(f"s{number}", "SUCCESS")), *messages]
        store.commit(changes, lease=lease, durable=durable)
        times.append((time.perf_counter() - started) * 1e3)
    store.commit([FinishRun("SUCCESS", 0.0)], lease=lease)
    return times


def telemetry_per_s(manager: aios.AICellManager, count: int = 300_000) -> tuple[float, int, int]:
    """Messages made, published and delivered to a subscriber, per second of one core."""
    bus = Bus(manager.home.store, capacity=count)
    received = []
    done = threading.Event()

    def take(message):
        received.append(None)
        if len(received) == count:
            done.set()

    subscription = bus.subscribe(aios.TrainingProgress, take)
    cpu, started = time.process_time(), time.perf_counter()
    for number in range(count):
        bus.publish(aios.TrainingProgress(run_id="r", epoch=number))
    done.wait(60)
    elapsed = max(time.perf_counter() - started, time.process_time() - cpu)
    dropped = subscription.dropped
    bus.close()
    return count / elapsed, len(received), dropped


def many_runs(manager: aios.AICellManager, count: int) -> dict[str, float]:
    """`count` workflows of 200 steps at once."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    runs = [manager.execute_workflow("chain") for _ in range(count)]
    statuses = [run.result(600).status for run in runs]
    seconds = time.perf_counter() - started
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "runs": count,
        "succeeded": statuses.count("SUCCESS"),
        "seconds": round(seconds, 3),
        "ms_per_step": round(seconds / (200 * count) * 1e3, 3),
        "grown_kib": grown,
    }


class Doubler:
    """The cheapest model there is: what remains is the manager's own cost."""

    def __init__(self, version: int) -> None:
        self.version = version

    def perform_inference(self, x, **options):
        return self.version


def swaps(manager: aios.AICellManager, seconds: float) -> dict[str, float]:
    """Four threads call while the alias moves to and fro; every answer must be one version's."""
    stop = threading.Event()
    answers: list[int] = [0] * 4
    wrong: list[object] = []

    def call(place: int) -> None:
        x = np.zeros((1, 4), np.float32)
        while not stop.is_set():
            try:
                answer = manager.predict("model", x)
                if answer not in (1, 2):
                    wrong.append(answer)
            except Exception as error:
                wrong.append(error)
            answers[place] += 1

    threads = [threading.Thread(target=call, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    moves, give_up = 0, time.perf_counter() + seconds
    while time.perf_counter() < give_up:
        manager.promote("model", 2)
        manager.rollback("model")
        moves += 2
    stop.set()
    for thread in threads:
        thread.join()
    return {"moves": moves, "calls": sum(answers), "failed": len(wrong)}


def predict_overhead_us(manager: aios.AICellManager, count: int = 20_000) -> float:
    """What `manager.predict` adds to a call, watching included."""
    x = np.zeros((1, 4), np.float32)
    model = Doubler(1)

    def per_call(function) -> float:
        started = time.perf_counter()
        for _ in range(count):
            function(x)
        return (time.perf_counter() - started) / count * 1e6

    direct = min(per_call(model.perform_inference) for _ in range(ROUNDS))
    managed = min(per_call(lambda x: manager.predict("model", x)) for _ in range(ROUNDS))
    return managed - direct


def measure(folder: Path) -> dict[str, object]:
    """All figures, on a fresh home in `folder`."""

    def load(path: Path) -> Doubler:
        return Doubler(int((path / "version").read_text()))

    with aios.AICellManager(folder / "home", loader=load) as manager:
        manager.register_workflow(aios.Workflow(id="chain", steps=chain(200)))
        for version in (1, 2):
            bundle = folder / f"{version}.cell"
            bundle.mkdir()
            (bundle / "version").write_text(str(version))
            manager.registry.register("model", bundle)
        manager.promote("model", 1)
        step_ms(manager)
        walls, gaps, normal, full, telemetry = [], [], [], [], []
        for _ in range(ROUNDS):
            walls.append(step_ms(manager))
            gaps.append(statistics.median(step_gaps_ms(manager)))
            normal.append(statistics.median(commit_ms(manager, durable=False, count=300)))
            full.append(statistics.median(commit_ms(manager, durable=True, count=50)))
            telemetry.append(telemetry_per_s(manager))
        rate, received, dropped = max(telemetry)
        return {
            "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, Linux {platform.release()}",
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "step_overhead_ms": {"p50": round(min(gaps), 3), "mean": round(min(walls), 3)},
            "commit_ms_p50": {"normal": round(min(normal), 3), "full": round(min(full), 3)},
            "telemetry": {"per_s": round(rate), "delivered": received, "dropped": dropped},
            "at_once": many_runs(manager, 20),
            "swap": swaps(manager, 3.0),
            "predict_overhead_us": round(predict_overhead_us(manager), 2),
        }


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder))
    if "--json" in sys.argv:
        print(json.dumps(found, indent=1))
    else:
        for name, value in found.items():
            print(f"{name:20} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
