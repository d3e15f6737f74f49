"""Batching: throughput of many connections against the cell's own batches; overload.

Run: .venv/bin/python -m benchmarks.server.batching [--models DIR] [--seconds 3] [--rounds 5]

One worker and one I/O thread against the same cell called in this process with one thread. Every
round measures every row. `--models` is a folder with NAME/1.cell of the zoo's models; without it
they are exported first, which takes minutes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

import aios
from benchmarks import zoo
from benchmarks.server.__main__ import cpu_s, started
from benchmarks.server.programs import compiled

MODELS = ("encoder", "mobilenet_v2")
CONNECTIONS = 32
#: Of what a model can answer.
OVERLOAD = 3
#: So that a queue of them is over within a second.
_WAITING = 64


def infer_request(model: str, x: npt.NDArray[np.float32], name: str) -> bytes:
    """A whole HTTP request of KServe v2 with a binary tensor."""
    tensor = {
        "name": name,
        "shape": list(x.shape),
        "datatype": "FP32",
        "parameters": {"binary_data_size": x.nbytes},
    }
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    lines = [
        f"POST /v2/models/{model}/infer HTTP/1.1",
        "Host: localhost",
        f"Content-Length: {len(head) + x.nbytes}",
        f"Inference-Header-Content-Length: {len(head)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + head + x.tobytes()


def own_batches(
    bridge: aios.TensorFlowCellularBridge, x: Any, seconds: float
) -> tuple[float, float]:
    """Samples a second of a cell that is called with whole batches, and CPU time in µs a sample."""
    calls, begin, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() < begin + seconds:
        bridge.perform_inference(x)
        calls += 1
    samples = calls * len(x)
    passed = time.perf_counter() - begin
    return samples / passed, (time.process_time() - cpu) * 1e6 / samples


class Bench:
    """A model, and the servers and files that its rows need."""

    def __init__(self, folder: Path, models: Path, name: str) -> None:
        self.name, self.folder, self.models = name, folder, models
        self.load = folder / "load"
        self.bridge = aios.load(models / name / "1.cell")
        model = next(model for model in zoo.ZOO if model.name == name)
        self.x = zoo.samples(model)
        self.request = folder / f"{name}.http"
        self.request.write_bytes(
            infer_request(name, self.x[:1], self.bridge.signature.inputs[0].name)
        )

    def serve(self, *options: object) -> Any:
        command = [sys.executable, "-m", "aios", "serve", "--models", self.models]
        return started(*command, "--http-port", 0, "--json", "--workers", 1, *options)

    def ask(self, port: int, connections: int, seconds: float) -> dict[str, float]:
        return self._asked("ask", port, connections, seconds, self.request)

    def flood(self, port: int, seconds: float, per_second: float) -> dict[str, float]:
        return self._asked("flood", port, 512, seconds, self.request, per_second)

    def _asked(self, *arguments: object) -> dict[str, float]:
        command = [str(each) for each in (self.load, *arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        answer: dict[str, float] = json.loads(done.stdout)
        return answer


def throughput(bench: Bench, seconds: float, rounds: int) -> dict[str, float]:
    """Samples a second by 32 connections, and by the cell's own batches of 32."""
    own, served, alone, plain = [], [], [], []
    own_cpu, served_cpu = [], []
    with bench.serve() as (pid, line), bench.serve("--max-batch", 1) as (_, plain_line):
        port, plain_port = (json.loads(each)["http_port"] for each in (line, plain_line))
        bench.ask(port, CONNECTIONS, seconds)  # sizes of batches are tried
        for _ in range(rounds):
            per_s, cpu_us = own_batches(bench.bridge, bench.x, seconds)
            own.append(per_s)
            own_cpu.append(cpu_us)
            before = cpu_s(pid)
            requests = bench.ask(port, CONNECTIONS, seconds)["requests"]
            served.append(requests / seconds)
            served_cpu.append((cpu_s(pid) - before) * 1e6 / requests)
            alone.append(bench.ask(port, 1, seconds)["p50_us"])
            plain.append(bench.ask(plain_port, 1, seconds)["p50_us"])
    added = [batched - single for batched, single in zip(alone, plain, strict=True)]
    return {
        "own_per_s": statistics.median(own),
        "served_per_s": statistics.median(served),
        "own_cpu_us": statistics.median(own_cpu),
        "served_cpu_us": statistics.median(served_cpu),
        "added_us": statistics.median(added),
        "alone_us": statistics.median(alone),
    }


def overload(bench: Bench, seconds: float) -> dict[str, float]:
    """What is answered at three times of what a model can, and after it."""
    with bench.serve("--max-waiting", _WAITING) as (_, line):
        port = json.loads(line)["http_port"]
        bench.ask(port, CONNECTIONS, seconds)
        peak = bench.ask(port, CONNECTIONS, seconds)["requests"] / seconds
        flooded = bench.flood(port, seconds, OVERLOAD * peak)
        after = bench.flood(port, 1, peak / 2)
    return {
        "peak_per_s": peak,
        "good_per_s": flooded["good"] / seconds,
        "refused_per_s": flooded["refused"] / seconds,
        "unsent_per_s": flooded["unsent"] / seconds,
        "good_p99_us": flooded["good_p99_us"],
        "refused_p50_us": flooded["refused_p50_us"],
        "refused_p99_us": flooded["refused_p99_us"],
        "refused_after": after["refused"],
        "after_p99_us": after["good_p99_us"],
    }


def export_models(folder: Path) -> None:
    """The zoo's models, on our own engine alone."""
    for name in MODELS:
        model = next(model for model in zoo.ZOO if model.name == name)
        (folder / name).mkdir(parents=True)
        samples = zoo.samples(model)[:8]
        aios.export(model.build(), folder / name / "1.cell", samples=samples, engines=("compiled",))


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=Path)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    rows, floods = Table(), {}
    for title in (
        "",
        "cell's batches/s",
        "served/s",
        "of it",
        "CPU µs",
        "served",
        "p50 µs",
        "added",
    ):
        rows.add_column(title)
    rows.title = (
        f"samples a second and CPU time a sample: batches of 32, and {CONNECTIONS} connections; "
        "µs at one connection, and what batching adds"
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        compiled("load", folder)
        if asked.models is None:
            export_models(folder / "models")
        for name in MODELS:
            bench = Bench(folder, asked.models or folder / "models", name)
            row = throughput(bench, asked.seconds, asked.rounds)
            rows.add_row(
                name, f"{row['own_per_s']:.0f}", f"{row['served_per_s']:.0f}",
                f"{row['served_per_s'] / row['own_per_s']:.2f}", f"{row['own_cpu_us']:.0f}",
                f"{row['served_cpu_us']:.0f}", f"{row['alone_us']:.0f}",
                f"{row['added_us']:+.1f}",
            )  # fmt: skip
            floods[name] = overload(bench, asked.seconds)
    console = Console(width=110)
    console.print(rows)
    for name, row in floods.items():
        share = row["good_per_s"] / row["peak_per_s"]
        console.print(f"{name}, overload ×{OVERLOAD}: goodput {share:.2f} of peak;", row)


if __name__ == "__main__":
    main()
