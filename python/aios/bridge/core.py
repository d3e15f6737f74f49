"""The core that runs models: C++ where it was built, else pure Python. Only here one is chosen."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

__all__ = [
    "IS_NATIVE",
    "PURE_PYTHON",
    "core",
    "is_extension_installed",
    "is_pure_python_forced",
    "refusal",
]

#: Set to 1, it runs models in pure Python although the C++ extension is there.
PURE_PYTHON = "AIOS_PURE_PYTHON"


def is_pure_python_forced() -> bool:
    """Whether the user asked for pure Python by the environment."""
    return os.environ.get(PURE_PYTHON, "0") not in ("", "0")


def is_extension_installed() -> bool:
    """Whether aios._core is there; one that is there but broken isn't passed over in silence."""
    return find_spec("aios._core") is not None


# Either has the names of aios._core.
if TYPE_CHECKING:  # noqa: SIM114
    from aios import _core as core
elif is_extension_installed() and not is_pure_python_forced():
    from aios import _core as core
else:
    from aios.bridge import fallback as core

#: Whether `core` is the C++ extension.
IS_NATIVE: bool = core.__name__ == "aios._core"


def refusal(engine: str) -> str:
    """Why this installation can't run an engine at all; empty if it may."""
    if IS_NATIVE:
        return ""
    from aios.bridge.fallback.notice import refusal as why

    return why(engine)
