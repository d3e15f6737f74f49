"""The engines of this installation, and where the vendors' libraries are.

What sets an engine apart is in one table of the core (src/engines/engine_table.cpp). Libraries are
inside their pip wheels, and found without importing them.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from aios.bridge.core import core
from aios.errors import NotFoundError


def engine_names() -> tuple[str, ...]:
    """All engines, in the order in which they are preferred where nothing was measured."""
    return tuple(facts.name for facts in core.engines())


def facts_of(engine: str) -> core.EngineFacts:
    """The engine's row of the table.

    Raises:
        NotFoundError: This build has no such engine.
    """
    for facts in core.engines():
        if facts.name == engine:
            return facts
    known = ", ".join(engine_names())
    raise NotFoundError(f"engine '{engine}' isn't part of this build; it has: {known}")


def vendor_of(engine: str) -> str:
    """Who a message names where the engine's library did harm, as "OpenVINO"."""
    vendors = {facts.name: facts.vendor for facts in core.engines()}
    return vendors.get(engine) or f"engine '{engine}'"


def library_paths() -> dict[str, str]:
    """Engine → its library, of every engine that is installed in this Python environment."""
    return {engine: path for engine in engine_names() if (path := library_path(engine))}


def library_path(engine: str) -> str:
    """The engine's library in this Python environment; "" if it needs none, or isn't installed.

    The C++ engine then tries its environment variable and the loader's path.
    """
    facts = facts_of(engine)
    spec = importlib.util.find_spec(facts.package) if facts.package else None
    for location in (spec.submodule_search_locations or []) if spec else []:
        for library in sorted(Path(location).glob(facts.file)):
            return str(library)
    return ""
