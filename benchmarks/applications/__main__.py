"""Exports the Keras applications, measures them, and writes docs/zoo.md.

Run: .venv/bin/python -m benchmarks.applications [NAME …] [--docs docs/zoo.md]

Figures are kept in benchmarks/results/zoo.json; a run with names renews those.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.applications import figures, report
from benchmarks.applications.figures import Figures
from benchmarks.applications.models import APPLICATIONS, named
from benchmarks.machine import machine, versions

RESULTS = Path(__file__).parents[1] / "results" / "zoo.json"
_STEPS = ("export", "latency")
_TIMEOUT_S = 3600


def main() -> None:
    """Measures what is asked for, one application after another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=[item.name for item in APPLICATIONS])
    parser.add_argument("--docs", type=Path, help="the page to write, as docs/zoo.md")
    arguments = parser.parse_args()
    known = _known()
    for name in [named(name).name for name in arguments.names]:
        known[name] = _measured(name)
        found = [known[item.name] for item in APPLICATIONS if item.name in known]
        RESULTS.write_text(json.dumps([asdict(item) for item in found], indent=1) + "\n")
        if arguments.docs:
            arguments.docs.write_text(report.page(found, machine(2), versions()))
        print(f"{name}: {report.verdict([known[name]])}", flush=True)


def _known() -> dict[str, Figures]:
    if not RESULTS.exists():
        return {}
    found = [figures.from_dict(item) for item in json.loads(RESULTS.read_text())]
    return {item.name: item for item in found}


def _measured(name: str) -> Figures:
    """Each step in a process of its own, which leaves no memory to the next."""
    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        for step in _STEPS:
            command = [sys.executable, "-m", f"benchmarks.applications.{step}", name, folder]
            done = subprocess.run(command, check=False, timeout=_TIMEOUT_S)
            if done.returncode:
                return Figures(name, failed=f"{step} ended with status {done.returncode}")
        return figures.read(Path(folder) / "figures.json")


if __name__ == "__main__":
    main()
