"""The zoo's files, made once and kept below build/bench: a bundle, and each peer's own format."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contender import Array
from benchmarks.native import BUILD
from benchmarks.zoo import ZooModel, samples


def package_version(name: str) -> str:
    """The version of an installed package; "" if it isn't."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def package_folder(name: str) -> Path:
    """Where an installed package is, without importing it."""
    spec = find_spec(name)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        return Path(folder)
    raise ModuleNotFoundError(f"{name} isn't installed: pip install 'aios-cells[bench]'")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where one model's files are.

    Attributes:
        model: Whose.
        peers: Folder of the peers' formats and of the reference answers.
        bundle: What `aios.export` wrote.
    """

    model: ZooModel
    peers: Path
    bundle: Path

    def inputs(self) -> Array:
        """The model's samples; a batch is the first of them."""
        return samples(self.model)

    def reference(self) -> Array:
        """Keras's answers to `inputs`."""
        return np.load(self.peers / "reference.npy")

    def facts(self) -> dict[str, Any]:
        """`multiply_adds`, `weight_bytes`, `parameters`."""
        return dict(json.loads((self.peers / "facts.json").read_text()))

    def tflite(self, batch: int) -> Path:
        """The model for LiteRT, of a fixed batch."""
        return self.peers / f"b{batch}.tflite"

    def onnx(self, batch: int) -> Path:
        """The model for ONNX Runtime and OpenVINO, of a fixed batch."""
        return self.peers / f"b{batch}.onnx"


def prepare(model: ZooModel, say: Callable[[str], None]) -> ModelFiles:
    """Makes what isn't there yet; a change of sources or versions makes it anew.

    Another process does it: what the converters leave in memory would disturb the measurement.
    """
    peers = BUILD / f"{model.name}-{_peers_key()}"
    bundle = BUILD / f"{model.name}-{_bundle_key()}.cell"
    files = ModelFiles(model, peers, bundle)
    if not peers.exists() or not bundle.exists():
        begin = time.perf_counter()
        command = [sys.executable, "-m", "benchmarks.formats", model.name, str(peers), str(bundle)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        say(f"{model.title}: files made in {time.perf_counter() - begin:.0f} s")
    return files


def _peers_key() -> str:
    packages = ("keras", "tensorflow-cpu", "tensorflow", "tf2onnx", "onnx")
    versions = "".join(package_version(name) for name in packages)
    here = Path(__file__).parent
    sources = [here / name for name in ("zoo.py", "counting.py", "formats.py", "onnx_graphs.py")]
    return _key(sources, versions)


def _bundle_key() -> str:
    import aios
    from aios.compiler.toolchain import find_toolchain, include_folder

    package = Path(aios.__file__).parent
    here = Path(__file__).parent
    sources = [here / "zoo.py", here / "formats.py", include_folder() / "aios/compiled_model.h"]
    for folder in (package / "compiler", package / "exporting", include_folder() / "aios/kernels"):
        sources += [path for path in sorted(folder.rglob("*")) if path.suffix in (".py", ".hpp")]
    return _key(sources, find_toolchain("native").version + package_version("tensorflow-cpu"))


def _key(sources: list[Path], more: str) -> str:
    digest = hashlib.sha256(more.encode())
    for path in sources:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
