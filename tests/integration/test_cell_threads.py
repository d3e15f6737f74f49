"""The C++ tests' own program on a real bundle: eight threads, 10,000 calls each, on one cell."""

import os
import subprocess
from pathlib import Path

import pytest

from aios.bridge.engines import library_paths

_PROGRAM = Path(__file__).parents[2] / "build/cpp/tests/cpp/aios_tests"


@pytest.mark.skipif(not _PROGRAM.exists(), reason="make test-cpp builds the program")
def test_eight_threads_get_right_answers_on_every_engine(digits):
    libraries = {f"AIOS_{name.upper()}_LIBRARY": path for name, path in library_paths().items()}
    finished = subprocess.run(
        [str(_PROGRAM), "--gtest_filter=*Threads.GetRightAnswersFromOneCell*"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **libraries, "AIOS_TEST_BUNDLE": str(digits.bundle)},
    )
    assert finished.returncode == 0, finished.stdout[-3000:]
    for engine in ("compiled", "litert", "openvino"):
        passed = f"[       OK ] EveryEngine/Threads.GetRightAnswersFromOneCell/{engine} "
        assert passed in finished.stdout, finished.stdout[-3000:]
