"""When a finished step may be used again: its code, its inputs and its environment are the same.

What of the code counts: `code_digest`. Installed packages count by version: those named by the
step, and always Python and NumPy.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from typing import Any


def environment(packages: tuple[str, ...] = ()) -> dict[str, str]:
    """Versions of Python, NumPy and `packages`."""
    found = {"python": platform.python_version()}
    for name in ("numpy", *packages):
        found[name] = _version(name)
    return found


def cache_key(code: str, inputs: Mapping[str, str], versions: Mapping[str, str]) -> dict[str, Any]:
    """The parts that decide whether a result still holds."""
    return {"code": code, "inputs": dict(inputs), "environment": dict(versions)}


def key_digest(key: Mapping[str, Any] | None) -> str:
    """A short name for a cache key."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]


def difference(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> str:
    """Say in words why `old` isn't `new`; empty when it is."""
    if old is None:
        return "it has no cache key"
    reasons = []
    if old["code"] != new["code"]:
        reasons.append("its code changed")
    before, after = old["inputs"], new["inputs"]
    changed = sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )
    if changed:
        reasons.append(f"input {', '.join(changed)} changed")
    before, after = old["environment"], new["environment"]
    reasons.extend(
        f"{name} {before.get(name, 'absent')} → {after.get(name, 'absent')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )
    return "; ".join(reasons)


@functools.cache
def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
