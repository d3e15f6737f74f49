"""Where a bundle comes from: model, samples, versions, time."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from aios.bridge.core import core
from aios.exporting.golden import GoldenSet
from aios.exporting.sources.base import Source
from aios.version import __version__

_PACKAGES = ("aios-cells", "keras", "jax", "torch", "numpy")


def provenance(source: Source, sets: Sequence[GoldenSet]) -> dict[str, Any]:
    """Written into the manifest; hashes are SHA-256."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "aios": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": _versions(),
        "model": {"kind": source.kind, "sha256": source.fingerprint()},
        "data_sha256": data_hash(sets),
        "golden_samples": sum(item.count for item in sets),
        "dropped_samples": sum(item.dropped for item in sets),
        "undetermined_samples": sum(item.undetermined for item in sets),
        "discrimination": min(item.discrimination for item in sets),
    }


def data_hash(sets: Sequence[GoldenSet]) -> str:
    """SHA-256 over the golden inputs: names, dtypes, shapes and values."""
    digest = hashlib.sha256()
    for item in sets:
        for name, array in item.inputs.items():
            digest.update(f"{item.signature.name}/{name}\0{array.dtype}\0{array.shape}\0".encode())
            if array.dtype == object:
                for element in array.reshape(-1):
                    digest.update(len(element).to_bytes(8, "little") + element)
            else:
                digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    found = {}
    wheels = [wheel for facts in core.engines() for wheel in facts.wheels]
    for package in (*_PACKAGES, *wheels):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
