"""The manylinux wheel, installed into an empty environment, is all that a user needs."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# With the server, its page and HTTP/2: 8.5 MB, of which code that is compiled is 3.1.
_MAX_INSTALLED_BYTES = 10e6
_MAX_WHEEL_BYTES = 15e6

_USER = """
import json, sys
import numpy as np
import aios

bundle, x_path, y_path, repository = sys.argv[1:]
x, expected = np.load(x_path), np.load(y_path)
with aios.load(bundle, engine="litert", verify="full") as bridge:
    answer = bridge.perform_inference(x)
assert answer.shape == expected.shape
assert np.abs(answer - expected).max() < 1e-5
mapped = {line.split()[-1] for line in open("/proc/self/maps") if "/" in line}
modules = {getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}
print(json.dumps({
    "package": aios.__file__,
    "foreign": sorted(path for path in mapped | modules | set(sys.path)
                      if path.startswith(repository)),
    "heavy": sorted({"tensorflow", "keras"} & set(sys.modules)),
}))
"""


def _run(*command, **options):
    finished = subprocess.run(
        [str(part) for part in command],
        capture_output=True, text=True, timeout=300, check=False, **options,
    )  # fmt: skip
    assert finished.returncode == 0, f"{command}\n{finished.stdout}\n{finished.stderr}"
    return finished.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel as it is built here, for this machine's Linux alone."""
    for tool in ("scikit_build_core", "nanobind"):
        pytest.importorskip(tool, reason="building the wheel needs the build tools")
    folder = tmp_path_factory.mktemp("built")
    _run(
        sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps",
        "-w", folder, REPOSITORY,
    )  # fmt: skip
    (path,) = folder.glob("aios_cells-*.whl")
    return path


@pytest.fixture(scope="module")
def wheel(built, tmp_path_factory):
    """The same made fit for every Linux whose C library is as new as this one's."""
    pytest.importorskip("auditwheel", reason="pip install 'aios-cells[test]'")
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "auditwheel", "repair", "-w", folder, built, env=_with_tools())
    (path,) = folder.glob("aios_cells-*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """The python of a new environment that holds the wheel, its dependencies, and litert."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    _run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    installed = subprocess.run(
        [str(python), "-m", "pip", "install", "-q", f"{wheel}[litert]"],
        capture_output=True, text=True, timeout=300, check=False, cwd=folder,
    )  # fmt: skip
    if installed.returncode != 0 and "No matching distribution" in installed.stderr:
        pytest.skip(f"pip finds no package here: {installed.stderr[-300:]}")
    assert installed.returncode == 0, installed.stderr
    return python


def _isolated():
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def test_a_bundle_runs_where_only_the_wheel_is(digits, environment, tmp_path):
    bundle = shutil.copytree(digits.bundle, tmp_path / "digits.cell")
    x = digits.x_test[:9]
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", np.asarray(digits.model(x, training=False)))
    shown = _run(
        environment, "-I", "-c", _USER, bundle, tmp_path / "x.npy", tmp_path / "y.npy", REPOSITORY,
        cwd=tmp_path, env=_isolated(),
    )  # fmt: skip
    report = json.loads(shown)
    assert Path(report["package"]).is_relative_to(environment.parents[1])
    assert report["foreign"] == []
    assert report["heavy"] == []


def test_the_command_line_works_there(digits, environment, tmp_path):
    bundle = shutil.copytree(digits.bundle, tmp_path / "digits.cell")
    np.save(tmp_path / "x.npy", digits.x_test[:3])
    aios = environment.with_name("aios")
    options = {"cwd": tmp_path, "env": _isolated()}
    assert json.loads(_run(aios, "inspect", bundle, "--json", **options))["format_version"] == 1
    verified = json.loads(_run(aios, "verify", bundle, "--engine", "litert", "--json", **options))
    assert verified["ok"]
    _run(aios, "run", bundle, "-i", "x.npy", "-o", "y.npy", "--engine", "litert", **options)
    expected = np.asarray(digits.model(digits.x_test[:3], training=False))
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), expected, atol=1e-5)
    doctor = json.loads(_run(aios, "doctor", "--json", **options))
    found = {engine["name"]: engine["found"] for engine in doctor["engines"]}
    assert found["litert"]
    assert not found["tensorflow"]


def test_training_there_names_the_extra(environment, tmp_path):
    shown = _run(
        environment, "-I", "-c",
        "import aios\ntry:\n    aios.TensorFlowTrainingCell\n"
        "except aios.NotFoundError as error:\n    print(error)",
        cwd=tmp_path,
    )  # fmt: skip
    assert "pip install aios-cells[tensorflow]" in shown


_SIZES = """
import importlib.metadata as metadata, json, re

def needed(package, found):
    for line in metadata.requires(package) or []:
        name = re.match(r"[\\w.-]+", line).group().lower()
        if "extra ==" in line or name in found:
            continue
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
        needed(name, found)
    return found

def size(package):
    files = metadata.files(package) or []
    return sum(f.locate().stat().st_size for f in files if f.locate().is_file())

print(json.dumps({name: size(name) for name in needed("aios-cells", {"aios-cells"})}))
"""


def test_what_is_installed_is_small(environment, wheel, capsys):
    """Ours is bounded; what others install grows without us, so it is told, and named."""
    sizes = json.loads(_run(environment, "-I", "-c", _SIZES))
    ours = sizes.pop("aios-cells")
    del sizes["numpy"]
    with capsys.disabled():
        print(
            f"\ninstalled without TensorFlow, besides NumPy and engines: aios {ours / 1e6:.1f} MB, "
            f"{', '.join(sizes)} {sum(sizes.values()) / 1e6:.1f} MB"
        )
    assert 0.5e6 < ours < _MAX_INSTALLED_BYTES
    assert wheel.stat().st_size < _MAX_WHEEL_BYTES
    asked = [line for line in metadata.requires("aios-cells") if "extra ==" not in line]
    assert {re.match(r"[\w-]+", line).group() for line in asked} == {"numpy", "rich", "typer"}


def test_the_wheel_is_manylinux_and_brings_no_library_of_the_system(wheel):
    tag = re.search(r"-(manylinux_2_\d+)_\w+\.whl$", wheel.name)
    assert tag, f"auditwheel reached only the platform tag of {wheel.name}"
    libraries = [name for name in zipfile.ZipFile(wheel).namelist() if ".so" in name]
    assert "aios/lib/libaios.so" in libraries
    assert [name for name in libraries if not name.startswith("aios/")] == []


def _with_tools():
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path}


def test_readmes_blocks_run_there(environment, tmp_path, digits):
    """With this environment's TensorFlow and scikit-learn beside the wheel, not its aios."""
    import sklearn
    import tensorflow

    blocks = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    assert blocks
    folders = {str(Path(package.__file__).parents[1]) for package in (sklearn, tensorflow)}
    program = (
        "import sys\n"
        # Behind everything else, so that the wheel's aios comes first.
        f"sys.path += {sorted(folders)!r}\n" + "\n".join(blocks) + "\n"
        "import aios\n"
        f"assert aios.__file__.startswith({str(environment.parents[1])!r}), aios.__file__\n"
        "print('done')\n"
    )
    shown = _run(environment, "-I", "-c", program, cwd=tmp_path, env=_isolated())
    assert shown.strip().endswith("done")
    assert (tmp_path / "digits.cell" / "manifest.json").is_file()
