"""A hash over a step's code and constants that doesn't depend on addresses or set order.

It covers bytecode, constants, defaults and closures, and, recursively, what the code names of the
same project: functions, classes and values, as `clean` or as `helpers.clean`. Comments, line
numbers and docstrings don't count; installed packages count by name. What can't be seen is told.
"""

from __future__ import annotations

import datetime
import decimal
import dis
import enum
import fractions
import functools
import hashlib
import inspect
import logging
import pathlib
import re
import sys
import sysconfig
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from aios.workflow.execution.code_names import names_of, source_of
from aios.workflow.steps import Step

_PLAIN: Final = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))
#: Values of the standard library whose `repr` is their content.
_BY_REPR: Final = (
    *(range, slice, enum.Enum, re.Pattern, pathlib.PurePath, decimal.Decimal, fractions.Fraction),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo),
)
_CONSTANT: Final = (*_PLAIN, tuple, frozenset, types.CodeType)
_HELD: Final = (*_PLAIN, *_BY_REPR, list, tuple, dict, set, frozenset)
_CODE: Final = (types.FunctionType, types.MethodType, functools.partial)
_MAX_DEPTH: Final = 20
_MAX_UNSEEN: Final = 10
_ABSENT: Final = object()


class StepCode(NamedTuple):
    """The hash of a step's code, and what its code names that no hash can cover."""

    hash: str
    unseen: tuple[str, ...] = ()


def step_code(step: Step) -> StepCode:
    """Hash the code of `step`, and the constants it is given."""
    digest = _Digest(step.packages)
    digest.function(step.function)
    digest.add(step.version)
    for name in sorted(step.constants):
        digest.add(name)
        with digest.inside(name):
            digest.value(step.constants[name])
    return StepCode(digest.hex(), digest.unseen())


class _Digest:
    def __init__(self, packages: Iterable[str] = ()) -> None:
        self._hash = hashlib.sha256()
        self._seen: set[int] = set()
        self._files: set[str] = set()
        self._within: set[int] = set()
        self._depth = 0
        self._path: list[str] = []
        self._unseen: dict[str, None] = {}
        self._packages = {"numpy", "aios", *(name.replace("-", "_").lower() for name in packages)}

    def hex(self) -> str:
        return self._hash.hexdigest()[:32]

    def unseen(self) -> tuple[str, ...]:
        found = sorted(self._unseen)
        more = len(found) - _MAX_UNSEEN
        return (*found[:_MAX_UNSEEN], *((f"and {more} more",) if more > 0 else ()))

    def add(self, text: str) -> None:
        self._hash.update(f"{len(text)}:{text};".encode(errors="surrogatepass"))

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Names the value that is added, for `unseen`."""
        self._path.append(name)
        yield
        self._path.pop()

    def function(self, function: Callable[..., Any]) -> None:
        """Add a callable: bytecode for plain functions, the name for everything else."""
        if isinstance(function, functools.partial):
            self.function(function.func)
            self.value(list(function.args))
            self.value(dict(function.keywords))
            return
        if isinstance(function, types.MethodType):
            self.value(function.__self__)
            self.function(function.__func__)
            return
        if not isinstance(function, types.FunctionType):
            self._other_callable(function)
            return
        if id(function) in self._seen or self._depth > _MAX_DEPTH:
            self.add(function.__qualname__)
            return
        self._seen.add(id(function))
        self._depth += 1
        self._code(function.__code__)
        self.value(function.__defaults__)
        self.value(function.__kwdefaults__)
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        closure = {name: _contents(cell) for name, cell in cells}
        for name in sorted(closure):
            with self.inside(name):
                self.value(closure[name])
        self._named(function, closure)
        if "__wrapped__" in vars(function):
            self.function(function.__wrapped__)  # type: ignore[attr-defined]
        self._depth -= 1

    def value(self, value: Any) -> None:  # noqa: PLR0912
        """Add a constant; what can't be hashed by content counts by its type."""
        if isinstance(value, _PLAIN):
            self.add(f"{type(value).__name__} {value!r}")
        elif isinstance(value, list | tuple | dict):
            self._container(value)
        elif isinstance(value, set | frozenset):
            self.value(sorted(map(repr, value)))
        elif isinstance(value, Step):
            self.function(value.function)
        elif isinstance(value, types.CodeType):
            self._code(value)
        elif isinstance(value, types.ModuleType):
            self._module(value)
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, _CODE):
            self.function(value)
        elif isinstance(value, _BY_REPR):
            self.add(f"{type(value).__qualname__} {value!r}")
        elif hasattr(value, "__dataclass_fields__"):
            self.add(type(value).__qualname__)
            self.value({name: getattr(value, name) for name in value.__dataclass_fields__})
        elif type(value).__module__ == "numpy" and hasattr(value, "tobytes"):
            self.add(f"{value.dtype} {value.shape}")
            self._hash.update(value.tobytes())
        elif callable(value) and hasattr(value, "__wrapped__"):
            self._other_callable(value)
        else:
            self._by_type(value)

    def _container(self, value: list[Any] | tuple[Any, ...] | dict[Any, Any]) -> None:
        self.add(f"{type(value).__name__} {len(value)}")
        if id(value) in self._within:
            return
        self._within.add(id(value))
        if isinstance(value, dict):
            for key in sorted(value, key=repr):
                self.value(key)
                self.value(value[key])
        else:
            for item in value:
                self.value(item)
        self._within.discard(id(value))

    def _by_type(self, value: Any) -> None:
        kind = type(value)
        self.add(f"{kind.__module__}.{kind.__qualname__}")
        quiet = isinstance(value, logging.Logger | types.BuiltinFunctionType)
        if not quiet and kind.__module__ != "dataclasses":
            self._note(f"{'.'.join(self._path[-2:]) or 'a value'} ({kind.__qualname__})")

    def _other_callable(self, function: Any) -> None:
        """A builtin, a class, an object that is called, or one that wraps a function."""
        self.add(f"{type(function).__qualname__} {getattr(function, '__qualname__', '')}")
        wrapped = inspect.getattr_static(function, "__wrapped__", None)
        wrapped = getattr(function, "__wrapped__", None) if wrapped is not None else None
        if wrapped is not None:
            self.function(wrapped)
        elif isinstance(function, type):
            self._class(function)

    def _class(self, kind: type) -> None:
        """Add what a class of the project holds, and its bases of the project."""
        self.add(f"{kind.__module__}.{kind.__qualname__}")
        if not is_project(getattr(kind, "__module__", "")):
            self._package(kind.__module__)
            return
        if id(kind) in self._seen:
            return
        self._seen.add(id(kind))
        for base in kind.__bases__:
            if base is not object:
                self._class(base)
        for name in sorted(vars(kind)):
            for part in _parts(inspect.getattr_static(kind, name)):
                held = isinstance(part, _HELD) and not name.startswith("__")
                if held or isinstance(part, types.FunctionType | type):
                    self.add(name)
                    self.value(part)

    def _module(self, module: types.ModuleType) -> None:
        """A module that is passed on whole: of the project, all that it holds."""
        self.add(module.__name__)
        if not _is_followed(module):
            self._package(module.__name__)
            return
        if id(module) in self._seen:
            return
        self._seen.add(id(module))
        for name, value in sorted(vars(module).items()):
            if not name.startswith("__") and not isinstance(value, types.ModuleType):
                self._name(f"{module.__name__}.{name}", value)

    def _code(self, code: types.CodeType) -> None:
        """Add instructions with what they refer to, not its place in a table."""
        self.value(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
        for instruction in dis.get_instructions(code):
            self.add(instruction.opname)
            if instruction.opname == "KW_NAMES" and instruction.arg is not None:
                self.value(code.co_consts[instruction.arg])  # which dis doesn't know in Python 3.11
            elif instruction.argval is not None and isinstance(instruction.argval, _CONSTANT):
                self.value(instruction.argval)

    def _named(self, function: types.FunctionType, closure: Mapping[str, Any]) -> None:
        """Add what the code of `function` names beside its own."""
        scope = function.__globals__
        names = names_of(function.__code__, str(scope.get("__package__") or ""))
        for chain in sorted(names.chains):
            first, *rest = chain
            value = closure.get(first, scope.get(first, _ABSENT))
            if value is _ABSENT or (first in closure and not rest):
                continue
            name, value = _followed(first, value, rest)
            # The state of aios itself, such as counters, is no part of a step.
            if _is_content(value) or not (function.__module__ or "").startswith("aios."):
                self._name(name, value)
        for module in sorted(names.imports):
            self._imported(module)

    def _name(self, name: str, value: Any) -> None:
        self.add(name)
        if value is _ABSENT:
            self._note(f"{name} (not there yet)")
        elif isinstance(value, types.FunctionType | type) and not is_project(value.__module__):
            self.add(f"{value.__module__}.{value.__qualname__}")
            self._package(value.__module__)
        elif value is not None:
            with self.inside(name):
                self.value(value)

    def _imported(self, name: str) -> None:
        """A module that is imported inside the function: its file counts, as it isn't there yet."""
        self.add(f"import {name}")
        path = None if _is_foreign(name) else source_of(name)
        if path is None or str(path) in self._files:
            return
        if not _is_own_path(str(path)):
            self._package(name)
            return
        self._files.add(str(path))
        try:
            self._code(compile(path.read_bytes(), "", "exec", dont_inherit=True))
        except (OSError, SyntaxError, ValueError):
            self._note(f"{name} (its file can't be read)")
        self._note(f"what {name} imports")

    def _package(self, module: str) -> None:
        """An installed package counts by its version only if the step names it."""
        top = module.partition(".")[0]
        known = top in sys.stdlib_module_names or top.lower() in self._packages
        if top and not known and not is_project(top):
            self._note(f"the version of {top}")

    def _note(self, text: str) -> None:
        self._unseen[text] = None


def _contents(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _parts(member: Any) -> list[Any]:
    """What a member of a class is made of."""
    if isinstance(member, property):
        return [item for item in (member.fget, member.fset) if item is not None]
    return [getattr(member, "__func__", member)]


def _followed(name: str, value: Any, attributes: list[str]) -> tuple[str, Any]:
    """Follow attributes of the project's modules: `helpers.clean`."""
    while attributes and isinstance(value, types.ModuleType) and _is_followed(value):
        attribute, *attributes = attributes
        name, value = f"{name}.{attribute}", vars(value).get(attribute, _ABSENT)
    return name, value


def _is_content(value: Any) -> bool:
    """Code, and values that can't change."""
    return isinstance(value, (*_PLAIN, *_BY_REPR, *_CODE, tuple, frozenset, type, Step))


def _is_followed(module: types.ModuleType) -> bool:
    """The project's own modules; not aios, whose names come to be as they are used."""
    return is_project(module.__name__) and not _is_foreign(module.__name__)


def _is_foreign(name: str) -> bool:
    top = name.partition(".")[0]
    return top == "aios" or top in sys.stdlib_module_names


@functools.cache
def is_project(module: str) -> bool:
    """True for code that its user edits: not the standard library, not installed packages."""
    found = sys.modules.get(module)
    if module == "__main__" or found is None:
        return module == "__main__"
    if module.partition(".")[0] == "aios":
        return True
    path = getattr(found, "__file__", None)
    return path is not None and _is_own_path(path)


def _is_own_path(path: str) -> bool:
    """Not the standard library's, and in no folder of installed packages, of any environment."""
    folders = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    installed = {"site-packages", "dist-packages"}.intersection(pathlib.PurePath(path).parts)
    return not installed and not path.startswith(tuple(f"{folder}/" for folder in folders))
