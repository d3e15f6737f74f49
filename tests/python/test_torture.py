"""The runner of `make torture`: rows, the page, and its exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.native

_RUN = Path(__file__).resolve().parents[1] / "torture" / "run.py"


def _torture(bundle, page):
    return subprocess.run(
        [
            sys.executable, _RUN, "--quick", "--only", "flipped-bits",
            "--bundle", bundle, "--docs", page,
        ],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_a_trial_whose_promise_holds_is_a_row_and_exits_0(digits, tmp_path):
    finished = _torture(digits.bundle, tmp_path / "page.md")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    files = [path for path in digits.bundle.rglob("*") if path.is_file() and path.stat().st_size]
    row = f"| {2 * len(files)} | all refused, in {len(files)} files |\n"
    assert row in (tmp_path / "page.md").read_text()


def test_a_trial_that_fails_is_a_row_that_says_why_and_exits_1(tmp_path):
    finished = _torture(tmp_path / "missing.cell", tmp_path / "page.md")
    assert finished.returncode == 1
    assert "| 0 | **FAILED**: FileNotFoundError: " in (tmp_path / "page.md").read_text()
