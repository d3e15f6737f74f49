"""Kills, freezes, full disks and odd clocks under exports, managers and their homes."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from trial import TESTS, Outcome, Setting, Trial, run_tests

sys.path[:0] = [str(TESTS), str(TESTS / "integration")]
from chaos import harness  # noqa: E402

_RUNS = 6
_LEASE_S = 0.5


def kill_workflows(setting: Setting, count: int) -> Outcome:
    """Kill -9 of managers at random moments: resumed by a new one, or taken over by another."""
    for rounds in (harness.resume_rounds, harness.takeover_rounds):
        rounds("light", count, seed=int(time.time()), **harness.SETTINGS["light"])
    words = "every run completed, registered and deployed once; no message lost or doubled"
    return Outcome(2 * count, words)


def kill_exports(setting: Setting, count: int) -> Outcome:
    """Kill -9 of an export at random moments, then a load of what is there and another export."""
    import test_kill_during_export as tests

    for moment in range(count):
        folder = setting.work / str(moment)
        folder.mkdir()
        exporter = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", tests._EXPORTER, str(folder / "m.cell")],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            tests.test_a_killed_export_leaves_a_whole_bundle_or_none(folder, exporter, moment)
        finally:
            exporter.kill()
            exporter.wait()
    return Outcome(count, "the old bundle, the new one or none; nothing left beside it")


def freeze_managers(setting: Setting, count: int) -> Outcome:
    """SIGSTOP of one of two managers until its leases ran out and the other did all the work."""
    taken = sum(_freeze_one(setting.work / str(number)) for number in range(count))
    assert taken, "no run changed hands: the manager was frozen too late"
    words = f"{taken} runs taken over; the frozen manager, woken up, repeated nothing"
    return Outcome(count, words)


def _freeze_one(home: Path) -> int:
    """Returns how many runs the other manager took over."""
    home.mkdir()
    frozen, other = pair = [
        harness.start("light", home, _RUNS, _LEASE_S, 2 * _RUNS) for _ in range(2)
    ]
    try:
        for process in pair:
            harness.wait_ready(process)
        _freeze(frozen, home)
        harness.finish(other, 120)
        frozen.send_signal(signal.SIGCONT)
        harness.finish(frozen, 120)
    finally:
        for process in pair:
            process.kill()
            process.wait()
    harness.check(home, 2 * _RUNS)
    return _changed_hands(home)


def _freeze(process: subprocess.Popen[bytes], home: Path) -> None:
    """Stops it outside of a write: SQLite's lock keeps others waiting for who is frozen in one."""
    for _ in range(1000):
        process.send_signal(signal.SIGSTOP)
        if _can_write(home):
            return
        process.send_signal(signal.SIGCONT)
        time.sleep(0.001)
    raise AssertionError("it was always writing")


def _can_write(home: Path) -> bool:
    with closing(sqlite3.connect(home / "aios.db", timeout=1)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        database.rollback()
    return True


def _changed_hands(path: Path) -> int:
    from aios.home.home import Home

    home = Home(path, mode="read")
    try:
        return sum(run.lease.epoch > 1 for run in home.store.runs(limit=1000) if run.lease)
    finally:
        home.close()


def full_disks(setting: Setting, count: int) -> Outcome:
    """Exports and runs on a small file system of their own until nothing fits any more."""
    tests = (
        "tests/python/exporting/test_robustness.py::test_a_disk_that_fills_up_for_real_leaves_nothing",
        "tests/python/home/test_home.py",
    )
    tried = sum(run_tests(setting, *tests, "-k", "fills_up or read_only") for _ in range(count))
    return Outcome(tried, "a typed error that says so; nothing half is left; runs go on with room")


def clock_jumps(setting: Setting, count: int) -> Outcome:
    """Wall clocks that jump by days, both ways, and leases of another boot's clock."""
    tests = (
        "tests/python/workflow/execution/test_host.py",
        "tests/python/workflow/execution/test_scheduler.py",
    )
    tried = sum(run_tests(setting, *tests, "-k", "clock or boot or due") for _ in range(count))
    return Outcome(tried, "no lease ended early, none of another boot was taken too soon")


def prune(setting: Setting, count: int) -> Outcome:
    """`count` runs, each with its own day and data, and `prune` after every 20 of them."""
    test = "tests/python/registry/test_retention.py::test_the_size_of_a_home_is_bounded"
    run_tests(setting, f"{test}_by_what_is_kept", AIOS_PRUNE_RUNS=str(count))
    return Outcome(count, "after each prune what 10 runs name; the database bounded")


TRIALS = [
    Trial(
        "kill-workflows", "kill -9 of managers at random moments",
        "A workflow survives the death of its process: resumed or taken over, each effect once.",
        150, 2, kill_workflows,
    ),
    Trial(
        "kill-exports", "kill -9 of exports at random moments",
        "A path never holds half a bundle.",
        8, 1, kill_exports,
    ),
    Trial(
        "freeze-managers", "SIGSTOP of a manager until its leases have run out",
        "A manager that was frozen, as by a paused machine, can't disturb the one that went on. "
        "Frozen in a write to the home, it keeps others waiting until it wakes up or is killed.",
        10, 1, freeze_managers,
    ),
    Trial(
        "full-disks", "exports and runs on a file system that fills up or is read-only",
        "A full disk is told as such, and costs nothing but the space.",
        1, 1, full_disks,
    ),
    Trial(
        "clock-jumps", "wall clocks that jump, leases of another boot",
        "Setting the clock, or a restart of the machine, ends no lease early.",
        5, 1, clock_jumps,
    ),
    Trial(
        "prune", "runs with new data every day, with `prune`",
        "A home's size is bounded by what is kept, not by how long it is used.",
        1000, 20, prune,
    ),
]  # fmt: skip
