"""Where the C++ extension can't be built, pip installs pure Python that answers right."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

_USER = """
import json, sys, warnings
import numpy as np

bundle, x_path, y_path = sys.argv[1:]
x, expected = np.load(x_path), np.load(y_path)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import aios
    for _ in range(2):
        with aios.load(bundle) as bridge:
            answer, engine = bridge.perform_inference(x), bridge.engine
print(json.dumps({
    "package": aios.__file__,
    "engine": engine,
    "error": float(np.abs(answer - expected).max()),
    "warnings": [str(w.message) for w in caught if w.category is aios.PurePythonWarning],
    "heavy": sorted({"tensorflow", "keras"} & set(sys.modules)),
}))
"""


def _finished(*command, **options):
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True, text=True, timeout=300, check=False, **options,
    )  # fmt: skip


def _run(*command, **options):
    finished = _finished(*command, **options)
    assert finished.returncode == 0, f"{command}\n{finished.stdout}\n{finished.stderr}"
    return finished.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the sources, beside which no earlier build is found."""
    for tool in ("scikit_build_core", "nanobind"):
        pytest.importorskip(tool, reason="building the wheel needs the build tools")
    folder = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "CMakeLists.txt"):
        shutil.copy(REPOSITORY / name, folder / name)
    for name in ("cmake", "include", "src", "python"):
        shutil.copytree(REPOSITORY / name, folder / name)
    return folder


def _build(source, folder, **environment):
    """Builds a wheel where no compiler is found."""
    return _finished(
        sys.executable, "-m", "pip", "wheel", "-v", "--no-build-isolation", "--no-deps",
        "-w", folder, source,
        env={**os.environ, "CC": "/nowhere/cc", "CXX": "/nowhere/c++", **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def environment(source, tmp_path_factory):
    """The python of a new environment that holds the wheel, and borrows this one's packages."""
    folder = tmp_path_factory.mktemp("pure")
    built = _build(source, folder, AIOS_REQUIRE_CPP="0")
    assert built.returncode == 0, built.stdout + built.stderr
    assert "Could not find the compiler" in built.stdout + built.stderr
    assert "C++ extension wasn't built" in built.stdout + built.stderr
    (wheel,) = folder.glob("aios_cells-*-py3-none-any.whl")
    _run(sys.executable, "-m", "venv", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    _run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel)
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "borrowed.pth").write_text("\n".join(borrowed))
    return python


def _isolated():
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def test_a_bundle_is_answered_right_with_one_warning(digits, environment, tmp_path):
    np.save(tmp_path / "x.npy", digits.x_test)
    np.save(tmp_path / "y.npy", np.asarray(digits.model(digits.x_test, training=False)))
    shown = _run(
        environment, "-I", "-c", _USER, digits.bundle, tmp_path / "x.npy", tmp_path / "y.npy",
        cwd=tmp_path, env=_isolated(),
    )  # fmt: skip
    report = json.loads(shown)
    assert Path(report["package"]).is_relative_to(environment.parents[1])
    assert report["engine"] == "python-litert"
    assert report["error"] < 1e-5
    (warning,) = report["warnings"]
    assert "to get it: a C++17 compiler" in warning
    assert report["heavy"] == []


def test_the_command_line_runs_there_and_says_what_is_missing(digits, environment, tmp_path):
    np.save(tmp_path / "x.npy", digits.x_test[:3])
    aios, options = environment.with_name("aios"), {"cwd": tmp_path, "env": _isolated()}
    _run(aios, "run", digits.bundle, "-i", "x.npy", "-o", "y.npy", **options)
    expected = np.asarray(digits.model(digits.x_test[:3], training=False))
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), expected, atol=1e-5)
    verified = _run(aios, "verify", digits.bundle, "--engine", "litert", "--json", **options)
    assert json.loads(verified)["ok"]
    _run(aios, "bench", digits.bundle, "--engine", "litert", "--iterations", "20", **options)
    everything = json.loads(_run(aios, "verify", digits.bundle, "--json", **options))
    reasons = {row["engine"]: row["reason"] for row in everything["artifacts"]}
    assert everything["ok"]
    assert "needs the C++ extension" in reasons["compiled"]
    missing = _finished(aios, "--cmake-dir", **options)
    assert missing.returncode == 1
    assert "no C++ library; to get it" in " ".join(missing.stderr.split())


def test_an_error_stays_an_error_where_the_extension_is_required(source, tmp_path):
    built = _build(source, tmp_path, AIOS_REQUIRE_CPP="1")
    assert built.returncode != 0
    assert "Could not find the compiler" in built.stdout + built.stderr
    assert list(tmp_path.glob("*.whl")) == []
