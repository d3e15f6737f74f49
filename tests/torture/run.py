"""Tries to break it: `python tests/torture/run.py [--only NAME] [--quick] [--docs FILE]`.

Every trial runs in a process of its own, with a time limit: one that dies or hangs has failed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import bundles
import processes
import workflows
from page import Row, write_page
from trial import Setting, Trial, make_bundle

_TOPICS = (bundles, processes, workflows)
TRIALS = {trial.name: trial for topic in _TOPICS for trial in topic.TRIALS}
_LIMIT_S = 600


def main() -> int:
    """Runs what the command line asks for; 1 if a trial failed."""
    options = _options()
    if options.inside:
        _run_inside(TRIALS[options.inside], options)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what runs is ended, too
    with tempfile.TemporaryDirectory(prefix="aios-torture-") as folder:
        if options.bundle is None:
            options.bundle = Path(folder, "seed.cell")
            make_bundle(options.bundle)
        rows = []
        for name in options.only or TRIALS:
            work = Path(folder, name)
            work.mkdir()
            rows.append(_run_apart(TRIALS[name], options, work))
            print(rows[-1].line(), flush=True)
    if options.docs:
        write_page(options.docs, rows, _counts(options))
    return 0 if all(row.ok for row in rows) else 1


def _run_apart(trial: Trial, options: argparse.Namespace, work: Path) -> Row:
    """A trial in a process of its own, all of whose children die with it if it hangs."""
    count = _count(trial, options)
    command = [sys.executable, __file__, "--inside", trial.name, "--count", str(count)]
    command += ["--bundle", str(options.bundle), "--work", str(work)]
    started = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        output, errors = process.communicate(timeout=_LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        errors += f"\nno end in {_LIMIT_S} s"
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    seconds = time.monotonic() - started
    if process.returncode == 0:
        found = json.loads(output.splitlines()[-1])
        return Row(trial, found["tried"], found["result"], True, seconds)
    return Row(trial, 0, _reason(process.returncode, errors), False, seconds)


def _reason(code: int, errors: str) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    last = lines[-1][:300] if lines else ""
    return f"died by {signal.Signals(-code).name}; {last}" if code < 0 else last


def _run_inside(trial: Trial, options: argparse.Namespace) -> None:
    outcome = trial.work(Setting(options.bundle, options.work), options.count)
    print(json.dumps(asdict(outcome)))


def _counts(options: argparse.Namespace) -> str:
    if options.quick:
        return ", with the least counts (`--quick`)"
    return "" if options.scale == 1 else f", with {options.scale:g} of the usual counts"


def _count(trial: Trial, options: argparse.Namespace) -> int:
    if options.quick:
        return trial.quick
    return max(trial.quick, round(trial.count * options.scale))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(TRIALS), help="may be repeated")
    parser.add_argument("--quick", action="store_true", help="the least counts")
    parser.add_argument("--scale", type=float, default=1.0, help="of all counts, as 0.1")
    parser.add_argument("--docs", type=Path, help="write the page of results")
    parser.add_argument("--bundle", type=Path, help="64 inputs, 10 classes; default: made")
    parser.add_argument("--inside", choices=sorted(TRIALS), help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
