"""How a function travels to a child process: by name where it can be imported, else by value.

A function of an importable module travels as `module:qualname`, so the child runs what is on the
disk. One from `__main__`, a notebook, a lambda or a closure is serialised by cloudpickle and sent
over the pipe of the child; it is never written to a disk.
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
import pickle
import sys
from collections.abc import Callable
from typing import Any

from aios.errors import InvalidArgumentError, NotFoundError


def describe(function: Callable[..., Any] | str) -> dict[str, str]:
    """Describe a function, or a name like "package.module:function", for `resolve`.

    Raises:
        NotFoundError: the function needs cloudpickle, which isn't installed.
        InvalidArgumentError: cloudpickle can't serialise it.
    """
    if isinstance(function, str):
        if function.count(":") != 1:
            raise InvalidArgumentError(
                "expected a function or 'module:function', such as 'models:build', got"
                f" {function!r}"
            )
        return {"name": function}
    if _is_importable(function):
        return {"name": f"{function.__module__}:{function.__qualname__}"}
    return {"pickle": base64.b64encode(_pickled(function)).decode("ascii")}


def resolve(description: dict[str, str]) -> Callable[..., Any]:
    """The function described.

    Raises:
        NotFoundError: its module, or the function in it, can't be imported here.
    """
    if "pickle" in description:
        loaded: Callable[..., Any] = pickle.loads(base64.b64decode(description["pickle"]))
        return loaded
    module, _, qualname = description["name"].partition(":")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise NotFoundError(
            f"'{description['name']}' can't be imported: {error}; add its folder to PYTHONPATH"
            f" (looked in {', '.join(path or '.' for path in sys.path[:6])}), or register the"
            " workflow again, then resume"
        ) from error
    for name in qualname.split("."):
        if not hasattr(found, name):
            raise NotFoundError(
                f"'{description['name']}' can't be imported: {module} has no '{name}'; register the"
                " workflow again with a function that exists, then resume"
            )
        found = getattr(found, name)
    if not callable(found):
        raise InvalidArgumentError(f"'{description['name']}': expected a function, got {found!r}")
    result: Callable[..., Any] = found
    return result


def _is_importable(function: Callable[..., Any]) -> bool:
    """True when another process would import the very same function by its name."""
    module = getattr(function, "__module__", None)
    qualname = getattr(function, "__qualname__", "<")
    if module in (None, "__main__", "__mp_main__") or "<" in qualname:
        return False
    found: Any = sys.modules.get(module)
    for name in qualname.split("."):
        found = getattr(found, name, None)
    # A decorator may have put a Step in the function's place.
    if found is not function and getattr(found, "function", None) is not function:
        return False
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin == getattr(sys.modules[module], "__file__", None)


def _pickled(function: Callable[..., Any]) -> bytes:
    try:
        import cloudpickle
    except ImportError:
        raise NotFoundError(
            f"{function!r} is from __main__, a notebook or a lambda and has to travel to a child"
            " process by value: pip install 'aios-cells[workflow]', or move it to a module"
        ) from None
    module = sys.modules.get(getattr(function, "__module__", "") or "")
    by_value = module is not None and not _module_is_importable(module.__name__)
    try:
        if by_value and module is not None and module.__name__ != "__main__":
            cloudpickle.register_pickle_by_value(module)
            try:
                return bytes(cloudpickle.dumps(function))
            finally:
                cloudpickle.unregister_pickle_by_value(module)
        return bytes(cloudpickle.dumps(function))
    except (TypeError, pickle.PicklingError) as error:
        raise InvalidArgumentError(
            f"{function!r} can't travel to a child process: {error}; make what it uses inside"
            " the function"
        ) from error


def _module_is_importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
