"""What a user is told about running without the C++ extension."""

from __future__ import annotations

import sys
import threading
import warnings
from pathlib import Path

from aios.bridge.extension import PURE_PYTHON, is_extension_installed
from aios.bridge.fallback.engine_table import INTERPRETED
from aios.errors import PurePythonWarning

_PACKAGE = str(Path(__file__).parents[2])
NEEDS_EXTENSION = "it needs the C++ extension of aios"
_lock = threading.Lock()
_warned = False


def remedy() -> str:
    """How to get the C++ extension."""
    if is_extension_installed():
        return f"unset {PURE_PYTHON} to use it"
    return (
        "to get it: a C++17 compiler, then pip install --force-reinstall --no-deps --no-cache-dir "
        "-v aios-cells"
    )


def refusal(engine: str) -> str:
    """Why no artifact of an engine can run in pure Python; empty if one may."""
    if engine in INTERPRETED:
        return ""
    return f"engine '{engine}' needs the C++ extension of aios; {remedy()}"


def warn_once() -> None:
    """One PurePythonWarning per process, shown at the line that called into aios."""
    global _warned  # noqa: PLW0603
    with _lock:
        if _warned:
            return
        _warned = True
    warnings.warn(
        "aios runs without its C++ extension, on LiteRT's or TensorFlow's Python interpreter: "
        "answers are real and verified, but calls take longer, and the engines compiled and "
        f"openvino are missing; {remedy()}",
        PurePythonWarning,
        stacklevel=_levels_inside() + 1,
    )


def _levels_inside() -> int:
    """How many frames above the caller's belong to aios."""
    levels, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        levels, frame = levels + 1, frame.f_back
    return levels - 1
