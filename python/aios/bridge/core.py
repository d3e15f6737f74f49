"""The core that runs models: C++ where it was built, else pure Python. Only here one is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aios.bridge.extension import is_extension_installed, is_pure_python_forced

__all__ = ["IS_NATIVE", "core", "refusal"]

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
