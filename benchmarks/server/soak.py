"""Hours in minutes: a server at 80 % of its peak, while versions come and go and clients misbehave.

Run: .venv/bin/python -m benchmarks.server.soak [--seconds 600] [--reload-s 10] [--per-s N]

Fails where a good request was not answered, the 99th percentile is more than 3 times that of a
quiet server at the same pace, or memory grew by 5 %.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.server.__main__ import answer_to, requests_of_a_digit, started
from benchmarks.server.programs import compiled
from benchmarks.start import _EXPORT

CONNECTIONS = 16
_SHARE_OF_PEAK = 0.8
_MALFORMED_PERCENT = 1.0
_QUIET_S = 5.0
#: Of the run, before memory counts: caches fill.
_WARM_UP = 0.2


@dataclass
class Soaked:
    """What became of a run."""

    peak_per_s: float
    answered: int
    failed: int  # good requests that weren't answered, or with another status than 200
    malformed: int
    malformed_failed: int  # those that weren't refused as the client's fault
    reloads: int
    quiet_p99_us: float
    p99_us: float
    memory_growth: float  # as 0.05

    def misses(self) -> list[str]:
        """The bars that it misses."""
        bars = {
            f"{self.failed} good requests failed": self.failed > 0,
            f"{self.malformed_failed} malformed ones weren't refused": self.malformed_failed > 0,
            f"memory grew by {self.memory_growth:.1%}": self.memory_growth >= 0.05,
            f"p99 is {self.p99_us / max(self.quiet_p99_us, 1e-9):.1f} times the quiet one":
                self.p99_us > 3 * self.quiet_p99_us,
        }  # fmt: skip
        return [told for told, missed in bars.items() if missed]


class Versions:
    """Puts a new version of a model there, then takes the one before away, again and again."""

    def __init__(self, folder: Path, bundle: Path) -> None:
        self._folder, self._bundle = folder, bundle
        self.newest = 0
        folder.mkdir(parents=True)
        self.next()

    def next(self) -> None:
        """One more version; those before the last one go."""
        self.newest += 1
        hidden = self._folder / f".{self.newest}.cell"
        shutil.copytree(self._bundle, hidden)
        hidden.rename(self._folder / f"{self.newest}.cell")
        old = self._folder / f"{self.newest - 2}.cell"
        if old.exists():
            shutil.rmtree(old)

    def follow(self, period_s: float, ended: threading.Event) -> None:
        """Does so every period, until that is set."""
        while not ended.wait(period_s):
            self.next()


def paced(
    program: Path,
    port: int,
    request: Path,
    seconds: float,
    per_s: float,
    malformed_percent: float = 0,
    connections: int = CONNECTIONS,
) -> dict[str, Any]:
    """What `pace` tells."""
    command = [program, port, connections, seconds, per_s, malformed_percent, request]
    shown = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=True,
        timeout=seconds + 60,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(shown.stdout)
    return told


def memory_bytes(pid: int) -> int:
    """What a process has in memory now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _watch_memory(pid: int, seen: list[int], period_s: float, ended: threading.Event) -> None:
    while not ended.wait(period_s):
        seen.append(memory_bytes(pid))


def growth(seen: list[int]) -> float:
    """Of what is used after warming up, by the medians of its first and last quarter."""
    used = seen[int(len(seen) * _WARM_UP) :]
    quarter = max(len(used) // 4, 1)
    first, last = sorted(used[:quarter]), sorted(used[-quarter:])
    return last[len(last) // 2] / first[len(first) // 2] - 1 if used else 0.0


def soak(
    folder: Path,
    bundle: Path,
    seconds: float,
    reload_s: float,
    request: bytes,
    per_s: float | None = None,
    quiet_s: float = _QUIET_S,
) -> Soaked:
    """Runs it.

    Args:
        folder: For what it makes.
        bundle: Served as "digits".
        seconds: How long.
        reload_s: How often another version comes.
        request: A whole HTTP request for the model.
        per_s: Good requests a second; None for 80 % of the peak that is measured first.
        quiet_s: How long the quiet server is measured.
    """
    pace = compiled("pace", folder)
    file = folder / "request.http"
    file.write_bytes(request)
    versions = Versions(folder / "models" / "digits", bundle)
    serve = [sys.executable, "-m", "aios", "serve", "--models", folder / "models"]
    with started(*serve, "--http-port", 0, "--poll-s", 0.2, "--json") as (pid, line):
        port = json.loads(line)["http_port"]
        assert answer_to(port, request).startswith(b"HTTP/1.1 200")
        peak = per_s / _SHARE_OF_PEAK if per_s else _peak(folder, port, file)
        rate = peak * _SHARE_OF_PEAK
        quiet = paced(pace, port, file, quiet_s, rate)
        ended, seen = threading.Event(), [memory_bytes(pid)]
        others = [
            threading.Thread(target=versions.follow, args=(reload_s, ended)),
            threading.Thread(target=_watch_memory, args=(pid, seen, seconds / 200, ended)),
        ]
        for thread in others:
            thread.start()
        try:
            told = paced(pace, port, file, seconds, rate, _MALFORMED_PERCENT)
        finally:
            ended.set()
            for thread in others:
                thread.join()
    return Soaked(
        peak, told["answered"], told["failed"] + told["refused"], told["malformed"],
        told["malformed_failed"], versions.newest - 1, quiet["p99_us"], told["p99_us"],
        growth(seen),
    )  # fmt: skip


def _peak(folder: Path, port: int, request: Path) -> float:
    load = compiled("load", folder)
    seconds = 3
    command = [load, "ask", port, CONNECTIONS, seconds, request]
    shown = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=True, timeout=60
    )
    return float(json.loads(shown.stdout)["requests"]) / seconds


def main() -> int:
    """Prints what became of it; 1 where a bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--reload-s", type=float, default=10)
    parser.add_argument("--per-s", type=float, help="Good requests a second; else by the peak.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bundle = asked.bundle
        if bundle is None:
            bundle = Path(folder, "digits.cell")
            subprocess.run([sys.executable, "-c", _EXPORT, bundle], check=True, timeout=600)
        request = requests_of_a_digit()["v2 binary"]
        told = soak(Path(folder), bundle, asked.seconds, asked.reload_s, request, asked.per_s)
    print(json.dumps(asdict(told), indent=1))
    for miss in told.misses():
        print(f"missed: {miss}", file=sys.stderr)
    return 1 if told.misses() else 0


if __name__ == "__main__":
    sys.exit(main())
