"""What a function's code names: globals, what is reached through modules, and imports inside it."""

from __future__ import annotations

import dis
import importlib.machinery
import types
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_LOADS_NAME = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF")
_LOADS_ATTRIBUTE = ("LOAD_ATTR", "LOAD_METHOD")


class Names(NamedTuple):
    """`chains`: ("helpers", "clean") for `helpers.clean`; `imports`: modules named by import."""

    chains: set[tuple[str, ...]]
    imports: set[str]


def names_of(code: types.CodeType, package: str = "") -> Names:
    """What `code`, and every function that is made inside it, names.

    Args:
        code: of a function.
        package: where its relative imports begin.
    """
    found = Names(set(), set())
    for part in _with_inner(code):
        _add(list(dis.get_instructions(part)), package, found)
    return found


def _with_inner(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _with_inner(constant)


def _add(instructions: list[dis.Instruction], package: str, found: Names) -> None:
    chain: tuple[str, ...] = ()
    base = ""
    for place, item in enumerate(instructions):
        if chain and item.opname in _LOADS_ATTRIBUTE:
            chain = (*chain, str(item.argval))
            continue
        if chain:
            found.chains.add(chain)
            chain = ()
        if item.opname in _LOADS_NAME:
            chain = (str(item.argval),)
        elif item.opname == "IMPORT_NAME":
            base = _absolute(str(item.argval), _level(instructions[:place]), package)
            found.imports.add(base)
        elif item.opname == "IMPORT_FROM":
            found.imports.add(f"{base}.{item.argval}")
    if chain:
        found.chains.add(chain)


def _level(before: list[dis.Instruction]) -> int:
    """How many dots an import has: the constant loaded before the list of names."""
    numbers = [item.argval for item in before[-2:] if isinstance(item.argval, int)]
    return numbers[0] if numbers else 0


def _absolute(name: str, level: int, package: str) -> str:
    if not level:
        return name
    parts = package.split(".")[: len(package.split(".")) - level + 1]
    return ".".join((*parts, name) if name else parts)


def source_of(module: str) -> Path | None:
    """The file of a module, found without importing it or a package that it is in."""
    path: list[str] | None = None
    spec: importlib.machinery.ModuleSpec | None = None
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        spec = importlib.machinery.PathFinder.find_spec(".".join(parts[:end]), path)
        if spec is None:
            return None
        path = (
            None if spec.submodule_search_locations is None else [*spec.submodule_search_locations]
        )
        if path is None and end < len(parts):
            return None
    origin = None if spec is None else spec.origin
    return Path(origin) if origin is not None and origin.endswith(".py") else None
