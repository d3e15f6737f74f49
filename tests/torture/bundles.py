"""What can be wrong with a bundle's files, and with the libraries that read them."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from trial import TESTS, Outcome, Setting, Trial, run_tests

import aios
from aios.bundle.integrity import check_files, open_bundle
from aios.bundle.manifest import hash_file, read_manifest, write_manifest

_TARGETS = ("manifest", "manifest-python", "manifest-both", "golden", "golden-python")
_MOST_MIB = 500


def hostile_files(setting: Setting, count: int) -> Outcome:
    """Mutated manifests and golden samples whose hashes fit, `count` for each reader."""
    tried, refused, most = 0, 0, 0.0
    for target in _TARGETS:
        outcomes, mib = _fuzz(setting, target, count)
        tried += outcomes["cases"]
        refused += sum(n for outcome, n in outcomes.items() if outcome.endswith("Error"))
        most = max(most, mib)
    assert most <= _MOST_MIB, f"a reader took {most:.0f} MiB"
    words = f"0 crashes, 0 hangs, 0 untyped errors; {refused:,} refused; at most {most:.0f} MiB"
    return Outcome(tried, words)


def _fuzz(setting: Setting, target: str, count: int) -> tuple[dict[str, Any], float]:
    log = setting.work / f"{target}.json"
    command = [
        sys.executable, str(TESTS / "fuzz" / "run.py"), str(setting.bundle), target,
        "--cases", str(count), "--seconds", "600", "--first", "1000000",
        "--case", str(setting.work / "case.bin"),
    ]  # fmt: skip
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text()
    assert process.returncode == 0, f"{target}: exit code {process.returncode}: {text[-500:]}"
    outcomes = json.loads(text.splitlines()[-1])
    return outcomes, usage.ru_maxrss / 1024


def odd_files(setting: Setting, count: int) -> Outcome:
    """FIFOs, sockets, devices, folders and links where a bundle's or a cache's file is awaited."""
    tried = sum(run_tests(setting, "tests/python/bridge/test_odd_files.py") for _ in range(count))
    return Outcome(tried, "all refused at once, by name")


def flipped_bits(setting: Setting, count: int) -> Outcome:
    """One bit in every file of a bundle, `count` places in each, in C++ and in Python."""
    bundle = Path(shutil.copytree(setting.bundle, setting.work / "m.cell"))
    aios.load(bundle).close()
    chance, tried = random.Random(0), 0
    files = sorted(path for path in bundle.rglob("*") if path.is_file() and path.stat().st_size)
    for path in files:
        content = path.read_bytes()
        for _ in range(count):
            damaged = bytearray(content)
            damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            path.write_bytes(damaged)
            for load in (aios.load, _load_in_python):
                assert _is_refused(load, bundle), f"{load.__name__} took a flipped bit in {path}"
                tried += 1
        path.write_bytes(content)
    aios.load(bundle).close()
    return Outcome(tried, f"all refused, in {len(files)} files")


def _load_in_python(bundle: Path) -> None:
    check_files(open_bundle(bundle), sizes_only=False)


def _is_refused(load, bundle: Path) -> bool:
    try:
        load(bundle)
    except aios.CorruptBundleError:
        return True
    return False


def changing_files(setting: Setting, count: int) -> Outcome:
    """Bundles whose files are edited after loading, or exchanged while they are loaded."""
    test = "tests/python/bridge/test_changing_files.py"
    tried = sum(run_tests(setting, test) for _ in range(count))
    return Outcome(tried, "no answer changed, no load failed")


def damaged_tflite(setting: Setting, count: int) -> Outcome:
    """`.tflite` files with changed bytes whose hashes fit, under `aios verify`."""
    from aios.proving import open_prover

    bundle = Path(shutil.copytree(setting.bundle, setting.work / "m.cell"))
    (path,) = list((bundle / "litert").glob("*.tflite"))[:1]
    content, chance, died, taken = path.read_bytes(), random.Random(0), 0, 0
    for _ in range(count):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 4, 16))):
            damaged[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(damaged)
        _fit_hashes(bundle)
        with open_prover() as prover:
            entries = prover.verify(bundle, only=["litert"])
        died += any(not entry.ok and " died by " in str(entry) for entry in entries)
        taken += all(entry.ok for entry in entries)
    words = f"LiteRT died {died} times, each in the child process; {taken} answered as before"
    return Outcome(count, words)


def _fit_hashes(bundle: Path) -> None:
    from dataclasses import replace

    manifest = read_manifest(bundle)
    artifacts = tuple(
        replace(item, files=tuple(hash_file(bundle, file.path) for file in item.files))
        for item in manifest.artifacts
    )
    write_manifest(bundle, replace(manifest, artifacts=artifacts))


def dying_vendors(setting: Setting, count: int) -> Outcome:
    """Libraries that crash, abort, exit or hang when they are opened or called."""
    tests = ("tests/python/bridge/test_library_check.py", "tests/python/proving/test_isolated.py")
    tried = sum(run_tests(setting, *tests) for _ in range(count))
    return Outcome(tried, "all declined by name, the process lived")


TRIALS = [
    Trial(
        "hostile-files", "manifests and golden samples mutated, hashes made to fit",
        "Whoever can write a bundle can't make its readers, in C++ or Python, do harm.",
        2000, 20, hostile_files,
    ),
    Trial(
        "odd-files", "FIFOs, sockets, devices, folders, links in the place of files",
        "A load never waits for, or reads without end from, what is no regular file.",
        1, 1, odd_files,
    ),
    Trial(
        "flipped-bits", "one bit flipped in each file of a bundle",
        "Damage of a disk or a copy is found before anything is computed.",
        40, 1, flipped_bits,
    ),
    Trial(
        "changing-files", "files edited after loading, bundles exchanged during a load",
        "What was loaded stays what it was, and a load finds the old bundle or the new one.",
        1, 1, changing_files,
    ),
    Trial(
        "damaged-tflite", "damaged .tflite files with hashes made to fit, verified",
        "LiteRT's own parser can be crashed: such a file ends a child process under `aios verify`,"
        " but the caller's own under `aios.load`; so sign bundles that you did not make.",
        100, 2, damaged_tflite,
    ),
    Trial(
        "dying-vendors", "vendors' libraries that crash, abort, exit or hang",
        "A broken installation of an engine costs that engine, not the process.",
        1, 1, dying_vendors,
    ),
]  # fmt: skip
