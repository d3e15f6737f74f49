"""A bounded run of the fuzzer: the same cases each time. `make fuzz` runs longer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_RUN = Path(__file__).parent / "run.py"
#: `make fuzz` tries more of each.
_CASES = {
    "manifest-both": 1000, "golden": 1000, "golden-python": 600,
    "hostile": 90, "hostile-python": 60,
}  # fmt: skip
#: What a hostile bundle may take besides what the engines' libraries do.
_MOST_MIB = 500


def _fuzz(bundle, tmp_path, target, *options):
    case = tmp_path / "case.bin"
    finished = subprocess.run(
        [
            sys.executable, _RUN, bundle, target, "--cases", str(_CASES[target]),
            "--seconds", "600", "--case", case, *options,
        ],
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, (
        f"exit {finished.returncode}; the case is {case}\n"
        f"{finished.stdout}{finished.stderr[-3000:]}"
    )
    return json.loads(finished.stdout)


@pytest.mark.parametrize("target", ["hostile", "hostile-python"])
def test_hostile_bundles_end_in_a_typed_error_or_an_answer(digits, tmp_path, target):
    outcomes = _fuzz(digits.bundle, tmp_path, target)
    assert outcomes["CorruptBundleError"] > outcomes["cases"] / 2
    assert outcomes["ok"] > 0
    assert outcomes["grown_mib"] <= _MOST_MIB


@pytest.mark.parametrize("target", ["manifest-both", "golden"])
def test_mutated_files_end_in_a_typed_error_or_an_answer(digits, tmp_path, target):
    outcomes = _fuzz(digits.bundle, tmp_path, target)
    # Both halves are reached: what the reader refuses, and what it takes.
    assert outcomes["CorruptBundleError"] > outcomes["cases"] / 4
    assert outcomes["ok"] > outcomes["cases"] / 20


def test_golden_samples_that_are_read_are_compared_with_an_engine(digits, tmp_path):
    outcomes = _fuzz(digits.bundle, tmp_path, "golden", "--engines", "--cases", "250")
    assert outcomes["cases"] == 250


def test_the_reader_of_golden_samples_in_python_ends_in_a_typed_error_too(digits, tmp_path):
    outcomes = _fuzz(digits.bundle, tmp_path, "golden-python")
    assert outcomes["CorruptBundleError"] > outcomes["cases"] / 4


def test_what_the_mutations_make_is_the_same_every_time(digits):
    import random

    sys.path.insert(0, str(_RUN.parent))
    try:
        import mutation
    finally:
        sys.path.pop(0)
    manifest = json.loads((digits.bundle / "manifest.json").read_bytes())
    before = json.dumps(manifest)
    made = [mutation.mutate_json(random.Random(number), manifest) for number in range(50)]
    again = [mutation.mutate_json(random.Random(number), manifest) for number in range(50)]
    assert made == again
    assert sum(one != manifest for one in made) >= 45
    assert json.dumps(manifest) == before


def test_atheris_drives_the_same_targets(digits, tmp_path):
    pytest.importorskip("atheris", reason="needs the extra [fuzz]")
    finished = subprocess.run(
        [
            sys.executable, _RUN, digits.bundle, "golden", "--atheris", "--seconds", "3",
            "--case", tmp_path / "case.bin",
        ],
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert "Done" in finished.stderr
