"""Where the vendors' libraries are: inside their pip wheels, found without importing them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

# Engine → package, and a pattern below the package's folder.
_LIBRARIES = {
    "litert": ("ai_edge_litert", "libLiteRt.so"),
    "openvino": ("openvino", "libs/libopenvino_c.so*"),
    "tensorflow": ("tensorflow", "libtensorflow_cc.so.2"),
}


def library_paths() -> dict[str, str]:
    """Engine → its library, of every engine that is installed in this Python environment."""
    return {engine: path for engine in _LIBRARIES if (path := library_path(engine))}


def library_path(engine: str) -> str:
    """The engine's library in this Python environment; "" if its package isn't installed.

    The C++ engine then tries its environment variable and the loader's path.
    """
    package, pattern = _LIBRARIES[engine]
    spec = importlib.util.find_spec(package)
    for location in (spec.submodule_search_locations or []) if spec else []:
        for library in sorted(Path(location).glob(pattern)):
            return str(library)
    return ""
