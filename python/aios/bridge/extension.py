"""Whether the C++ extension is installed, and wanted."""

from __future__ import annotations

import os
from importlib.util import find_spec

#: Set to 1, it runs models in pure Python although the C++ extension is there.
PURE_PYTHON = "AIOS_PURE_PYTHON"


def is_pure_python_forced() -> bool:
    """Whether the user asked for pure Python by the environment."""
    return os.environ.get(PURE_PYTHON, "0") not in ("", "0")


def is_extension_installed() -> bool:
    """Whether aios._core is there; one that is there but broken isn't passed over in silence."""
    return find_spec("aios._core") is not None
