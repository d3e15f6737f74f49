"""What a trial is, and what trials share: a bundle, fresh interpreters, tests as trials."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
_SEED = """
import sys, keras, aios
keras.utils.set_random_seed(0)
layers = [keras.layers.Dense(32, "relu"), keras.layers.Dense(10, "softmax")]
aios.export(keras.Sequential([keras.Input((64,), name="x"), *layers]), sys.argv[1])
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a trial found; a promise that doesn't hold is an exception instead.

    Attributes:
        tried: How often.
        result: In a few words, with figures.
    """

    tried: int
    result: str


@dataclass(frozen=True, slots=True)
class Setting:
    """What a trial gets.

    Attributes:
        bundle: A model of 64 inputs and 10 classes on every engine, as the tests' `digits`.
        work: An empty folder of its own.
    """

    bundle: Path
    work: Path


@dataclass(frozen=True, slots=True)
class Trial:
    """One row of the page.

    Attributes:
        name: For `--only`.
        title: What is done to it.
        meaning: A sentence on what the result means.
        count: How often, as the function takes it.
        quick: The same with `--quick`.
        work: Gets the setting and a count.
    """

    name: str
    title: str
    meaning: str
    count: int
    quick: int
    work: Callable[[Setting, int], Outcome]


def make_bundle(path: Path) -> None:
    """Exports the model that trials use, in a process that leaves TensorFlow's memory behind."""
    run_code(_SEED, str(path))


def run_code(code: str, *arguments: str, timeout_s: float = 300, **environment: str) -> str:
    """Runs Python in a fresh interpreter; returns its stdout.

    Raises:
        AssertionError: It failed, or was killed.
    """
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        capture_output=True, text=True, timeout=timeout_s, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert finished.returncode == 0, f"exit code {finished.returncode}: {finished.stderr[-1000:]}"
    return finished.stdout


def run_tests(setting: Setting, *tests: str, **environment: str) -> int:
    """Runs tests of the suite, as "tests/python/bridge/test_forks.py"; returns how many passed.

    Raises:
        AssertionError: One failed, or all were skipped.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    finished = subprocess.run(
        [*command, f"--basetemp={setting.work / 'pytest'}"],
        capture_output=True, text=True, timeout=900, check=False, cwd=ROOT,
        env={**os.environ, **environment},
    )  # fmt: skip
    failures = re.findall(r"^(?:E  |FAILED|ERROR) .*", finished.stdout, re.MULTILINE)
    assert finished.returncode == 0, " ".join(failures) or finished.stdout[-500:]
    passed = re.search(r"(\d+) passed", finished.stdout)
    assert passed, f"nothing could be tried here: {finished.stdout[-500:]}"
    return int(passed[1])
