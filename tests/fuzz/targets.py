"""What is fuzzed: a bundle's readers, with hashes made to match so that the parsers are reached."""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile
import numpy as np

from aios import _core
from aios.bridge import TensorFlowCellularBridge, fallback
from aios.bridge.options import LoadOptions
from aios.bundle.dtypes import numpy_dtype
from aios.bundle.golden import read_tensors, samples_of
from aios.bundle.integrity import check_files, open_bundle
from aios.errors import AiosError

_ENGINES = ("compiled", "litert", "openvino", "tensorflow", "auto")
_ENGINES_IN_PYTHON = ("litert", "litert", "auto", "tensorflow")
_VERIFY = ("quick", "off", "full")
_NOWHERE = dict.fromkeys(("litert", "openvino", "tensorflow"), "/nonexistent.so")


Load = Callable[[Path, str, str], Any]


def _load(bundle: Path, engine: str, verify: str) -> TensorFlowCellularBridge:
    bridge = TensorFlowCellularBridge(engine, max_tuning_ms=0)
    bridge.load_model_from_training_cell(bundle, verify=verify)
    return bridge


def _load_in_python(bundle: Path, engine: str, verify: str) -> fallback.Cell:
    cell = fallback.Cell()
    options = LoadOptions(engine=engine, verify=verify, max_tuning_ms=0)
    cell._load(str(bundle), options, {})
    return cell


class Bundle:
    """A copy of a real bundle, whose files are replaced by mutated ones."""

    def __init__(self, seed: Path, work: Path, libraries: dict[str, str]) -> None:
        shutil.copytree(seed, work)
        self.seed = seed
        self.root = work
        self.libraries = libraries
        self._before_mib = 0
        self.manifest = json.loads((seed / "manifest.json").read_bytes())
        self.golden = (seed / "golden.safetensors").read_bytes()

    def try_manifest(self, content: bytes) -> str:
        """Reads a manifest in C++; the name of the error, or "ok"."""
        self._write_manifest(content)
        return _outcome(lambda: _core.verify_bundle(str(self.root), libraries=_NOWHERE))

    def try_manifest_in_python(self, content: bytes) -> str:
        """Reads a manifest in Python."""
        self._write_manifest(content)
        return _outcome(lambda: open_bundle(self.root))

    def try_both(self, content: bytes) -> str:
        """Reads a manifest in Python and in C++, which must say the same of it."""
        self._write_manifest(content)
        in_python, in_cpp = (
            _told(lambda: open_bundle(self.root)),
            _told(lambda: _core.verify_bundle(str(self.root), libraries=_NOWHERE)),
        )
        # What only C++ refuses came later, from a file.
        if in_python != in_cpp and (in_python or "file 'manifest.json': " in in_cpp):
            raise AssertionError(f"Python: {in_python}\nC++: {in_cpp}")
        return in_python.partition(":")[0] or "ok"

    def try_hostile(self, content: bytes) -> str:
        """Loads and calls the hostile bundle of a number, in C++."""
        return self._try_hostile(int(content), _load, _ENGINES)

    def try_hostile_in_python(self, content: bytes) -> str:
        """The same on the interpreters of the fallback."""
        return self._try_hostile(int(content), _load_in_python, _ENGINES_IN_PYTHON)

    def _try_hostile(self, number: int, load: Load, engines: tuple[str, ...]) -> str:
        if not self._before_mib:
            # What a vendor's library takes once isn't a hostile bundle's.
            for engine in sorted(set(engines) - {"auto"}):
                load(self.seed, engine, "off").close()
        root = self._hostile(number)
        verify = _VERIFY[number // len(engines) % len(_VERIFY)]

        def load_and_call() -> None:
            cell = load(root, engines[number % len(engines)], verify)
            try:
                _call(cell)
            finally:
                cell.close()

        return _outcome(load_and_call)

    def _hostile(self, number: int) -> Path:
        root = self.root.with_name("hostile.cell")
        shutil.rmtree(root, ignore_errors=True)
        hostile.make(random.Random(number), self.seed, root)
        # Memory is counted from here: what it took to make the bundle isn't the reader's.
        Path("/proc/self/clear_refs").write_text("5")
        self._before_mib = _status_mib("VmRSS")
        return root

    @property
    def grown_mib(self) -> int:
        """How much more memory the last hostile bundle took than there was in use before it."""
        return _status_mib("VmHWM") - self._before_mib

    def try_golden(self, content: bytes) -> str:
        """Reads golden samples, and compares them with an engine's answers if there is one."""
        self._write_golden(content)
        return _outcome(lambda: _core.verify_bundle(str(self.root), libraries=self.libraries))

    def try_golden_in_python(self, content: bytes) -> str:
        """Reads golden samples in Python, as the fallback does before it compares them."""
        self._write_golden(content)
        return _outcome(self._read_golden)

    def _read_golden(self) -> None:
        bundle = open_bundle(self.root)
        check_files(bundle, sizes_only=False)
        tensors = read_tensors(bundle.directory, bundle.manifest.golden)
        for signature in bundle.manifest.signatures:
            for role, specs in (("inputs", signature.inputs), ("outputs", signature.outputs)):
                for spec in specs:
                    samples_of(tensors, signature, role, spec)

    def _write_golden(self, content: bytes) -> None:
        (self.root / "golden.safetensors").write_bytes(content)
        document = json.loads(json.dumps(self.manifest))
        for file in document["files"]:
            if file["path"] == "golden.safetensors":
                file["bytes"] = len(content)
                file["sha256"] = hashlib.sha256(content).hexdigest()
        self._write_manifest(json.dumps(document).encode())

    def _write_manifest(self, content: bytes) -> None:
        (self.root / "manifest.json").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        (self.root / "manifest.sha256").write_text(digest + "\n")


def _status_mib(name: str) -> int:
    (line,) = [
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)
    ]
    return int(line.split()[1]) // 1024


def _call(cell) -> None:
    """One call of 3 samples, where that isn't much."""
    shapes = {
        spec.name: tuple(3 if size == -1 else size for size in spec.shape)
        for spec in cell.signature.inputs
    }
    if all(math.prod(shape) < 1 << 20 for shape in shapes.values()):
        dtypes = {spec.name: numpy_dtype(spec.dtype) for spec in cell.signature.inputs}
        zeros = {name: np.zeros(shape, dtypes[name]) for name, shape in shapes.items()}
        cell.perform_inference(zeros)


def _told(read) -> str:
    try:
        read()
    except AiosError as error:
        # Of text that is neither, one finds this first and the other that.
        told = re.sub("it is nested deeper than .* levels", "it isn't JSON", str(error))
        return f"{type(error).__name__}: {told}"
    return ""


def _outcome(read) -> str:
    """Anything but success or a typed error is a bug, and goes up."""
    try:
        read()
    except AiosError as error:
        name = type(error).__name__
        if name == "InternalError" or not str(error):
            raise
        return name
    return "ok"
