"""What is fuzzed: a bundle's readers, with hashes made to match so that the parsers are reached."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

from aios import _core
from aios.bundle.golden import read_tensors, samples_of
from aios.bundle.integrity import check_files, open_bundle
from aios.errors import AiosError

_NOWHERE = dict.fromkeys(("litert", "openvino", "tensorflow"), "/nonexistent.so")


class Bundle:
    """A copy of a real bundle, whose files are replaced by mutated ones."""

    def __init__(self, seed: Path, work: Path, libraries: dict[str, str]) -> None:
        shutil.copytree(seed, work)
        self.root = work
        self.libraries = libraries
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
