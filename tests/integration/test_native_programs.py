"""The examples in C and C++ build against the installed package and answer as Python does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import aios
from aios.bridge.engines import library_paths

REPOSITORY = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    shutil.which("cmake") is None, reason="needs cmake: make test has it"
)


def _run(*command, given=None):
    environment = {
        **os.environ,
        **{f"AIOS_{engine.upper()}_LIBRARY": path for engine, path in library_paths().items()},
    }
    return subprocess.run(
        [str(part) for part in command],
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=environment,
    )


@pytest.fixture(scope="module", params=["c", "cpp"])
def programs(request, tmp_path_factory):
    prefix = _run(sys.executable, "-m", "aios", "--cmake-dir").stdout.strip()
    build = tmp_path_factory.mktemp(request.param)
    source = REPOSITORY / "examples" / request.param
    configured = _run("cmake", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
    assert configured.returncode == 0, configured.stderr
    built = _run("cmake", "--build", build)
    assert built.returncode == 0, built.stdout + built.stderr
    return build


@pytest.fixture
def program(programs):
    return programs / "classify"


def test_a_program_answers_as_the_bridge_does(program, digits):
    x = digits.x_test[7]
    with aios.load(digits.bundle) as bridge:
        expected = bridge.perform_inference(x[np.newaxis])[0]
    finished = _run(program, digits.bundle, *x)
    assert finished.returncode == 0, finished.stderr
    best, probability = finished.stdout.split()
    assert int(best) == expected.argmax()
    assert float(probability) == pytest.approx(expected.max(), abs=2e-6)


def test_a_bound_call_answers_one_sample_after_another(programs, digits):
    x = digits.x_test[:20]
    with aios.load(digits.bundle) as bridge:
        expected = bridge.perform_inference(x)
    samples = "\n".join(" ".join(map(str, row)) for row in x)
    finished = _run(programs / "stream", digits.bundle, given=samples)
    assert finished.returncode == 0, finished.stderr
    lines = [line.split() for line in finished.stdout.splitlines()]
    assert [int(best) for best, _ in lines] == expected.argmax(axis=1).tolist()
    probabilities = [float(probability) for _, probability in lines]
    assert probabilities == pytest.approx(expected.max(axis=1).tolist(), abs=2e-6)


def test_a_program_tells_of_errors(program, digits, tmp_path):
    missing = _run(program, tmp_path / "nothing.cell", 1.0)
    assert missing.returncode == 1
    assert missing.stderr.startswith("error 5: no bundle at")
    misfit = _run(program, digits.bundle, 1.0)
    assert misfit.returncode == 1
    # LiteRT may say a line of its own first.
    assert misfit.stderr.splitlines()[-1].startswith(
        "error 3: input 'x': expected float32[-1,64], got float32[1,1]"
    )
