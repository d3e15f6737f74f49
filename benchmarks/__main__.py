"""The compiled engine and its peers over the zoo, in one run.

Run: .venv/bin/python -m benchmarks [--quick] [--models mlp_small,cnn] [--threads 2]
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import argparse
import json
import logging
import sys
import tempfile
import time
import warnings
from pathlib import Path

from benchmarks.bars import judge, judge_auto, small_models_mean
from benchmarks.ceilings import Ceilings
from benchmarks.files import prepare
from benchmarks.harness import Row, measure_row
from benchmarks.machine import machine, versions
from benchmarks.report import print_summary, write_report
from benchmarks.timing import Plan
from benchmarks.zoo import BATCHES, ZOO

RESULTS = Path("benchmarks/results/latest.json")
QUICK = Plan(rounds=3, round_s=0.02, budget_s=3.0)


def main() -> None:
    """Measures, prints, and writes the JSON, the page and its chart."""
    arguments = _arguments()
    warnings.simplefilter("ignore")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(arguments.threads)
    # What `auto` measured before isn't this run's; C++ reads the variable, too.
    cache = tempfile.TemporaryDirectory(prefix="aios-bench-")
    os.environ["XDG_CACHE_HOME"] = cache.name
    place = machine(arguments.threads)
    _hold_to(arguments.threads)
    begin = time.perf_counter()
    models = [model for model in ZOO if model.name in arguments.models]
    files = [prepare(model, _say) for model in models]
    prepared_s = time.perf_counter() - begin
    plan = QUICK if arguments.quick else Plan()
    ceilings, rows = Ceilings(), list[Row]()
    measuring, cpu = time.perf_counter(), time.process_time()
    for item in files:
        for batch in arguments.batches:
            _say(f"{item.model.title}, batch {batch}, {arguments.threads} thread(s)")
            rows.append(measure_row(item, batch, arguments.threads, ceilings, plan, _say))
    core_share = (time.process_time() - cpu) / (time.perf_counter() - measuring)
    for row in rows:
        work = row.batch * row.multiply_adds
        row.limit_us, row.bound = ceilings.limit_us(work, row.weight_bytes)
    result = {
        "machine": place,
        "versions": versions(),
        "quick": arguments.quick,
        "prepared_s": prepared_s,
        "core_share": core_share,
        "seconds": time.perf_counter() - begin,
        "multiply_adds_g_per_s": ceilings.multiply_adds,
        "read_gb_per_s": {str(size): rate for size, rate in ceilings.bandwidths.items()},
        "rows": [row.to_json() for row in rows],
    }
    judgements, auto = judge(rows), judge_auto(rows)
    result["auto"] = {
        "bars": [item.to_json() for item in auto],
        "small_models_mean": small_models_mean(auto),
    }
    print_summary(rows, judgements, auto)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    _say(f"{arguments.output} written; {result['seconds']:.0f} s in all")
    if arguments.docs:
        write_report(arguments.docs, result, rows, judgements, auto)
        _say(f"{arguments.docs} written")


def _arguments() -> argparse.Namespace:
    names = [model.name for model in ZOO]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--models", default=",".join(names), help="default: %(default)s")
    parser.add_argument("--batches", default=",".join(map(str, BATCHES)), help="of 1 and 32")
    # One a run: the peers' thread pools are made once in a process.
    parser.add_argument("--threads", type=int, default=1, help="of a call; default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="a fifth of the time, noisier")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the JSON file")
    parser.add_argument("--docs", type=Path, default=None, help="also write this Markdown page")
    found = parser.parse_args()
    found.models = found.models.split(",")
    unknown = set(found.models) - set(names)
    if unknown:
        parser.error(f"--models: expected some of {', '.join(names)}, got {', '.join(unknown)}")
    try:
        found.batches = [int(item) for item in found.batches.split(",")]
    except ValueError:
        parser.error("--batches takes numbers, as 1,32")
    if not set(found.batches) <= set(BATCHES):
        parser.error(f"--batches: expected some of {BATCHES}, got {found.batches}")
    return found


def _hold_to(threads: int) -> None:
    """Lets the process use so many cores: OpenVINO's exclusive mode would use all that it sees."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < threads:
        sys.exit(f"--threads: expected at most {len(cores)}, the cores of this machine")
    os.sched_setaffinity(0, cores[-threads:])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
