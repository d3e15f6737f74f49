"""CPU time of the server a request, beside the least that any server needs for the same bytes.

Run: .venv/bin/python -m benchmarks.server [--bundle digits.cell] [--seconds 2] [--rounds 5]

One I/O thread, the digits model (64 floats), keep-alive connections. Every round measures every
row, so that what else the machine does meets all of them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.server.grpc_call import call_file, infer_message
from benchmarks.server.programs import compiled
from benchmarks.start import _EXPORT

CONNECTIONS = 16
_ROWS = ("JSON predict", "v2 binary")
_TLS = "v2 binary, TLS"
_GRPC, _GRPCIO = "gRPC infer", "grpcio's server, empty"
#: About what a ModelInferResponse of the digits has.
_GRPC_ANSWER_BYTES = 100


_CERTIFICATE = (
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
    "-days", "2", "-subj", "/CN=localhost",
)  # fmt: skip


def requests_of_a_digit() -> dict[str, bytes]:
    """A whole HTTP request by row."""
    x = np.random.default_rng(0).random((1, 64), np.float32)
    predict = json.dumps({"instances": [[round(float(v), 7) for v in x[0]]]}).encode()
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "x",
                    "shape": [1, 64],
                    "datatype": "FP32",
                    "parameters": {"binary_data_size": x.nbytes},
                }
            ],
            "parameters": {"binary_data_output": True},
        },
        separators=(",", ":"),
    ).encode()
    return {
        "JSON predict": _post("/v1/models/digits:predict", predict),
        "v2 binary": _post(
            "/v2/models/digits/infer",
            head + x.tobytes(),
            f"Inference-Header-Content-Length: {len(head)}",
        ),
    }


def _post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def cpu_s(pid: int) -> float:
    """CPU time of all threads of a process, from the scheduler's own account."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def answer_to(port: int, request: bytes) -> bytes:
    """One whole answer."""
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        client.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        parts = iter(lambda: client.recv(1 << 16), b"")
        return b"".join(parts).replace(b"Connection: close\r\n", b"")


@contextmanager
def started(*command: object) -> Iterator[tuple[int, str]]:
    """A process, by its id, and its first line."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.pid, process.stdout.readline()
    finally:
        process.terminate()
        process.wait(60)


def measure(
    load: Path, pid: int, port: int, request: Path, seconds: float, how: str = "ask"
) -> dict[str, float]:
    """CPU time in µs a request, requests a second, and latency."""
    before = cpu_s(pid)
    command = [load, *([how] if how else []), port, CONNECTIONS, seconds, request]
    shown = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=True, timeout=120
    )
    asked: dict[str, float] = json.loads(shown.stdout)
    return {
        "cpu_us": (cpu_s(pid) - before) * 1e6 / asked["requests"],
        "per_s": asked["requests"] / seconds,
        "p50_us": asked["p50_us"],
        "p99_us": asked["p99_us"],
    }


def run(folder: Path, bundle: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Medians over the rounds, by row, of the server and of the bare loop."""
    load, grpc_load = compiled("load", folder), compiled("grpc_load", folder)
    call = folder / "infer.call"
    call.write_bytes(call_file(infer_message(np.random.default_rng(0).random((1, 64), np.float32))))
    grpcio = (sys.executable, "-m", "benchmarks.server.grpc_call", _GRPC_ANSWER_BYTES)
    shutil.copytree(bundle, folder / "models" / "digits" / "1.cell")
    files = {}
    for name, request in requests_of_a_digit().items():
        files[name] = folder / f"{name}.http"
        files[name].write_bytes(request)
    serve = [sys.executable, "-m", "aios", "serve", "--models", folder / "models"]
    secured = ("--tls-cert", folder / "cert.pem", "--tls-key", folder / "key.pem")
    subprocess.run(
        ["openssl", *_CERTIFICATE, "-out", secured[1], "-keyout", secured[3]],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    plain = started(*serve, "--http-port", 0, "--json")
    tls = started(*serve, "--http-port", 0, "--json", *secured)
    other = started(*grpcio)
    with plain as (pid, line), tls as (tls_pid, tls_line), other as (other_pid, other_port):
        port, tls_port = (json.loads(text)["http_port"] for text in (line, tls_line))
        results: dict[str, list[dict[str, float]]] = {}
        for _ in range(rounds):
            for name, file in files.items():
                request = file.read_bytes()
                answer = file.with_suffix(".answer")
                answer.write_bytes(answer_to(port, request))
                measured = measure(load, pid, port, file, seconds)
                results.setdefault(name, []).append(measured)
                with started(load, "bare", len(request), answer) as (bare, bare_port):
                    measured = measure(load, bare, int(bare_port), file, seconds)
                results.setdefault(f"{name}, bare loop", []).append(measured)
            measured = measure(load, tls_pid, tls_port, files["v2 binary"], seconds, "ask-tls")
            results.setdefault(_TLS, []).append(measured)
            for name, of, at in ((_GRPC, pid, port), (_GRPCIO, other_pid, int(other_port))):
                measured = measure(grpc_load, of, at, call, seconds, "")
                results.setdefault(name, []).append(measured)
    return {
        name: {key: statistics.median(row[key] for row in rows) for key in rows[0]}
        for name, rows in results.items()
    }


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bundle = asked.bundle
        if bundle is None:
            bundle = Path(folder, "digits.cell")
            subprocess.run([sys.executable, "-c", _EXPORT, bundle], check=True, timeout=600)
        results = run(Path(folder), bundle, asked.seconds, asked.rounds)
    table = Table(
        "", "CPU µs a request", "of the bare loop", "requests/s", "p50 µs", "p99 µs",
        title=f"{CONNECTIONS} connections, one I/O thread, medians of {asked.rounds} rounds",
    )  # fmt: skip
    others = (_TLS, _GRPC, _GRPCIO)
    results |= {f"{name}, bare loop": results["v2 binary, bare loop"] for name in others}
    for name in (*_ROWS, *others):
        floor = results[f"{name}, bare loop"]
        for key in (name,) if name in others else (name, f"{name}, bare loop"):
            row = results[key]
            table.add_row(
                key, f"{row['cpu_us']:.2f}", f"{row['cpu_us'] / floor['cpu_us']:.2f}",
                f"{row['per_s']:.0f}", f"{row['p50_us']:.0f}", f"{row['p99_us']:.0f}",
            )  # fmt: skip
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
