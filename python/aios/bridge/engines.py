"""Where the vendors' libraries are: inside their pip wheels, found without importing them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_LIBRARIES = {"litert": ("ai_edge_litert", "libLiteRt.so")}


def library_path(engine: str) -> str:
    """The engine's library in this Python environment; "" if its package isn't installed.

    The C++ engine then tries its environment variable and the loader's path.
    """
    package, name = _LIBRARIES[engine]
    spec = importlib.util.find_spec(package)
    for location in (spec.submodule_search_locations or []) if spec else []:
        library = Path(location) / name
        if library.is_file():
            return str(library)
    return ""
