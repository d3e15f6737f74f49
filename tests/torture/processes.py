"""Threads, forks, exits, pauses and memory of a process that uses cells."""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
from trial import ROOT, TESTS, Outcome, Setting, Trial, run_code

import aios

sys.path[:0] = [str(TESTS), str(TESTS / "python" / "bridge"), str(ROOT)]
ENGINES = ("compiled", "litert", "openvino", "tensorflow")
_THREADS = 8


def threads(setting: Setting, count: int) -> Outcome:
    """Eight threads on one cell of each engine, `count` calls a thread, several batches."""
    x = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    tried = 0
    for engine in ENGINES:
        with aios.load(setting.bundle, engine=engine) as bridge:
            expected = bridge.perform_inference(x)

            def ask(first: int, bridge=bridge, expected=expected) -> int:
                for call in range(count):
                    rows = slice(0, 1 + (first * 7 + call) % 64)
                    answers = bridge.perform_inference(x[rows])
                    np.testing.assert_allclose(answers, expected[rows], rtol=1e-4, atol=1e-6)
                return count

            with ThreadPoolExecutor(_THREADS) as pool:
                tried += sum(pool.map(ask, range(_THREADS)))
    return Outcome(tried, f"every answer right, on {len(ENGINES)} engines")


def forks(setting: Setting, count: int) -> Outcome:
    """Children of a process that loaded and measured every engine; the tests of it, again."""
    import test_forks as tests

    digits = SimpleNamespace(bundle=setting.bundle)
    for _ in range(count):
        tests.test_children_of_a_process_that_used_every_engine_answer_or_are_refused(
            digits, run_code
        )
    return Outcome(count * (len(ENGINES) + 2), "no hang: an answer, or a typed error at once")


def exits(setting: Setting, count: int) -> Outcome:
    """Interpreters that end while 8 or more daemon threads are in calls, `count` a choice."""
    import test_exit as tests

    digits = SimpleNamespace(bundle=setting.bundle)
    choices = [(ENGINES, 1), *(((engine,), 2) for engine in ENGINES)]

    def leave(choice) -> None:
        tests.test_an_exit_waits_for_the_calls_of_daemon_threads(digits, run_code, *choice, 0)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        tried = len(list(pool.map(leave, choices * count)))
    return Outcome(tried, "no hang, no abort, exit code 0")


def pauses(setting: Setting, count: int) -> Outcome:
    """The longest time that a thread waits while one measures and another asks about the cell.

    What the thread waited for a processor is taken off: that is the machine's load, not ours.
    """
    os.environ["XDG_CACHE_HOME"] = str(setting.work)
    longest = []
    for _ in range(count):
        with aios.load(setting.bundle, max_tuning_ms=500) as bridge:
            ended = threading.Event()

            def measure(bridge=bridge, ended=ended) -> None:
                for batch in (1, 16, 256, 4096):
                    bridge.perform_inference(np.zeros((batch, 64), np.float32))
                ended.set()

            def ask(bridge=bridge, ended=ended) -> None:
                while not ended.wait(0.001):
                    bridge.explain(), bridge.metrics(), bridge.engine

            workers = [threading.Thread(target=work) for work in (measure, ask)]
            for worker in workers:
                worker.start()
            longest.append(_longest_pause(ended))
            for worker in workers:
                worker.join()
    most = max(longest) * 1e3
    assert most < 20, f"a thread was paused for {most:.1f} ms; the bar is 20 ms"
    return Outcome(count, f"paused for {most:.1f} ms at most; the bar is 20 ms")


def _longest_pause(ended: threading.Event) -> float:
    """Seconds between two turns of a loop, less its sleep and its waits for a processor."""
    longest, before, waited = 0.0, time.monotonic(), _waited_for_processor()
    while not ended.is_set():
        time.sleep(0.001)
        now, waits = time.monotonic(), _waited_for_processor()
        longest = max(longest, now - before - 0.001 - (waits - waited))
        before, waited = now, waits
    return longest


def _waited_for_processor() -> float:
    with open("/proc/thread-self/schedstat", encoding="ascii") as file:
        return int(file.read().split()[1]) / 1e9


def memory(setting: Setting, count: int) -> Outcome:
    """Resident memory over `count` loads, calls and unloads on each engine, after 10 of them."""
    from benchmarks import memory as benchmark

    grown = {}
    for engine in ENGINES:
        growth = benchmark.measure(setting.bundle, engine, count)
        assert growth.part <= benchmark.LIMIT, f"{engine} grew by {growth.part:.1%}"
        grown[engine] = growth.part
    words = ", ".join(f"{engine} {part:+.1%}" for engine, part in grown.items())
    return Outcome(count * len(ENGINES), f"{words}; at most {benchmark.LIMIT:.0%}")


TRIALS = [
    Trial(
        "threads", "calls from 8 threads on one cell, batches of 1 to 64",
        "A cell may be shared by threads; no call sees another's values.",
        200, 20, threads,
    ),
    Trial(
        "forks", "children forked after every engine was loaded and measured",
        "A forked child computes, or is told by a typed error to start with 'spawn'.",
        8, 1, forks,
    ),
    Trial(
        "exits", "exits of the interpreter while 8 or more daemon threads are in calls",
        "A program may end at any time, whatever its daemon threads do.",
        10, 1, exits,
    ),
    Trial(
        "pauses", "explain() and metrics() asked while another thread measures engines",
        "A service stays responsive while `auto` measures; waits for a processor are not counted.",
        5, 1, pauses,
    ),
    Trial(
        "memory", "loads, calls and unloads; growth of resident memory after the tenth",
        "A process may load and unload models as long as it lives.",
        100, 15, memory,
    ),
]  # fmt: skip
