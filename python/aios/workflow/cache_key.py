"""When a finished step may be used again: its code, its inputs and its environment are the same.

The code's hash covers the function's bytecode, constants, defaults and closure, and, recursively,
the functions and constants of the same project that it names. Comments, line numbers and the
docstring don't count. Installed packages count by version: those named by the step, and always
Python and NumPy.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import importlib.metadata
import inspect
import json
import platform
import sys
import sysconfig
import types
from collections.abc import Callable, Mapping
from typing import Any, Final

from aios.workflow.steps import Step

_PLAIN: Final = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))
_MAX_DEPTH: Final = 20


def step_code(step: Step) -> str:
    """Hash the code of `step`, and the constants it is given."""
    digest = _Digest()
    digest.function(step.function)
    digest.add(step.version)
    for name in sorted(step.constants):
        digest.add(name)
        digest.value(step.constants[name])
    return digest.hex()


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


class _Digest:
    """A hash over functions and values that doesn't depend on addresses or set order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._seen: set[int] = set()
        self._depth = 0

    def hex(self) -> str:
        return self._hash.hexdigest()[:32]

    def add(self, text: str) -> None:
        self._hash.update(f"{len(text)}:{text};".encode(errors="surrogatepass"))

    def function(self, function: Callable[..., Any]) -> None:
        """Add a callable: bytecode for plain functions, the name for everything else."""
        target = inspect.unwrap(function)
        if isinstance(target, functools.partial):
            self.function(target.func)
            self.value(list(target.args))
            self.value(dict(target.keywords))
            return
        if isinstance(target, types.MethodType):
            self.value(target.__self__)
            target = target.__func__
        if not isinstance(target, types.FunctionType):
            self.add(f"{type(target).__qualname__} {getattr(target, '__qualname__', '')}")
            return
        if id(target) in self._seen or self._depth > _MAX_DEPTH:
            self.add(target.__qualname__)
            return
        self._seen.add(id(target))
        self._depth += 1
        self._code(target.__code__)
        self.value(target.__defaults__)
        self.value(target.__kwdefaults__)
        for cell in target.__closure__ or ():
            self.value(_contents(cell))
        self._globals(target.__code__, target.__globals__)
        self._depth -= 1

    def value(self, value: Any) -> None:  # noqa: PLR0912
        """Add a constant; what can't be hashed by content counts by its type."""
        if isinstance(value, _PLAIN):
            self.add(f"{type(value).__name__} {value!r}")
        elif isinstance(value, list | tuple):
            self.add(f"{type(value).__name__} {len(value)}")
            for item in value:
                self.value(item)
        elif isinstance(value, set | frozenset):
            self.value(sorted(map(repr, value)))
        elif isinstance(value, dict):
            self.add(f"dict {len(value)}")
            for key in sorted(value, key=repr):
                self.value(key)
                self.value(value[key])
        elif isinstance(value, Step):
            self.function(value.function)
        elif isinstance(value, types.CodeType):
            self._code(value)
        elif isinstance(value, types.ModuleType):
            self.add(value.__name__)
        elif isinstance(value, types.FunctionType | types.MethodType | functools.partial):
            self.function(value)
        elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
            self.add(type(value).__qualname__)
            self.value({name: getattr(value, name) for name in value.__dataclass_fields__})
        elif type(value).__module__ == "numpy" and hasattr(value, "tobytes"):
            self.add(f"{value.dtype} {value.shape}")
            self._hash.update(value.tobytes())
        elif isinstance(value, type):
            self._class(value)
        else:
            self.add(f"{type(value).__module__}.{type(value).__qualname__}")

    def _class(self, kind: type) -> None:
        self.add(f"{kind.__module__}.{kind.__qualname__}")
        if not _is_project(getattr(kind, "__module__", "")) or id(kind) in self._seen:
            return
        self._seen.add(id(kind))
        for name in sorted(vars(kind)):
            member = inspect.getattr_static(kind, name)
            member = getattr(member, "__func__", member)
            if isinstance(member, types.FunctionType):
                self.function(member)

    def _code(self, code: types.CodeType) -> None:
        """Add instructions with what they refer to, not its place in a table."""
        self.value(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
        for instruction in dis.get_instructions(code):
            self.add(instruction.opname)
            if instruction.argval is not None:
                self.value(instruction.argval)

    def _globals(self, code: types.CodeType, names: Mapping[str, Any]) -> None:
        for name in sorted(_names(code)):
            if name not in names:
                continue
            value = names[name]
            self.add(name)
            if isinstance(value, types.FunctionType | type):
                if _is_project(value.__module__):
                    self.value(value)
                else:
                    self.add(f"{value.__module__}.{value.__qualname__}")
            elif isinstance(value, (*_PLAIN, tuple, frozenset, Step, functools.partial)):
                self.value(value)


def _names(code: types.CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names(constant)
    return found


def _contents(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


@functools.cache
def _is_project(module: str) -> bool:
    """True for code that its user edits: not the standard library, not installed packages."""
    found = sys.modules.get(module)
    if module == "__main__" or found is None:
        return module == "__main__"
    if module.partition(".")[0] == "aios":
        return True
    path = getattr(found, "__file__", None)
    if path is None:
        return False
    paths = sysconfig.get_paths()
    outside = (paths["stdlib"], paths["platstdlib"], paths["purelib"], paths["platlib"])
    return not path.startswith(tuple(f"{folder}/" for folder in outside))
