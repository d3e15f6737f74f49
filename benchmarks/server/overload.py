"""Three times what a server can answer: what it still answers, and how it refuses the rest.

Run: .venv/bin/python -m benchmarks.server.overload --bundle F.cell [--seconds 5]

The bundle should hold a model whose calls take a worker, over 30 us: calls that I/O threads answer
themselves are never refused, but read later.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import aios
from benchmarks.server.__main__ import started
from benchmarks.server.programs import compiled
from benchmarks.server.soak import paced

_CONNECTIONS = 512
_MOST_WAITING = 64
_OVER = 3.0


def zeros_request(bundle: Path) -> bytes:
    """A v2 request with binary tensors of zeros, one sample."""
    with aios.load(bundle) as bridge:
        inputs = [
            (spec.name, [max(size, 1) for size in spec.shape], np.dtype(spec.dtype))
            for spec in bridge.signature.inputs
        ]
    blobs = [np.zeros(shape, dtype).tobytes() for _, shape, dtype in inputs]
    told = [
        {
            "name": name,
            "shape": shape,
            "datatype": {"float32": "FP32", "int64": "INT64", "int32": "INT32"}[dtype.name],
            "parameters": {"binary_data_size": len(blob)},
        }
        for (name, shape, dtype), blob in zip(inputs, blobs, strict=True)
    ]
    head = json.dumps({"inputs": told, "parameters": {"binary_data_output": True}}).encode()
    body = head + b"".join(blobs)
    lines = [
        f"POST /v2/models/{bundle.stem}/infer HTTP/1.1",
        "Host: localhost",
        f"Content-Length: {len(body)}",
        f"Inference-Header-Content-Length: {len(head)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def peak_of(ask: Any, guess: float = 16.0) -> float:
    """Requests a second: doubled until not all are answered in time."""
    while True:
        told = ask(guess)
        if told["refused"] or told["p50_us"] > 200_000 or guess > 1e6:
            return guess
        guess *= 1.3


def run(folder: Path, bundle: Path, seconds: float) -> dict[str, float]:
    """Peak, goodput under three times as much, how refusals were told, and the second after."""
    pace = compiled("pace", folder)
    request = folder / "request.http"
    request.write_bytes(zeros_request(bundle))
    serve = [sys.executable, "-m", "aios", "serve", "--models", bundle, "--http-port", 0]
    with started(*serve, "--max-waiting", _MOST_WAITING, "--json") as (_, line):
        port = json.loads(line)["http_port"]

        def ask(per_s: float, for_s: float = 2.0) -> dict[str, Any]:
            return paced(pace, port, request, for_s, per_s, connections=_CONNECTIONS)

        # What is answered where a little more than all comes.
        peak = ask(1.2 * peak_of(ask), seconds)["answered"] / seconds
        over = ask(_OVER * peak, seconds)
        after = ask(0.5 * peak, 1.0)
    return {
        "peak_per_s": peak,
        "goodput": over["answered"] / seconds / peak,
        "refused": over["refused"],
        "failed": over["failed"],
        "refused_p99_us": over["refused_p99_us"],
        "answered_p99_us": over["p99_us"],
        "failed_in_the_second_after": after["failed"] + after["refused"],
        "p99_us_in_the_second_after": after["p99_us"],
    }


def main() -> None:
    """Prints it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(Path(folder), asked.bundle, asked.seconds), indent=1))


if __name__ == "__main__":
    main()
