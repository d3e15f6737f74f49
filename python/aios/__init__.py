"""AIOS Cells: train in Keras, run in C++ in microseconds, with proof that the answers are the same.

Importing this package imports nothing heavy: every public name is loaded at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_ERRORS = (
    "AiosError",
    "CorruptBundleError",
    "CorruptHomeError",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "InternalError",
    "InvalidArgumentError",
    "NotFoundError",
    "OverloadedError",
    "UnavailableError",
    "UnsupportedError",
)

_HOME_OF = dict.fromkeys(_ERRORS, "aios.errors")


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'aios' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})


if TYPE_CHECKING:
    from aios.errors import (
        AiosError as AiosError,
    )
