"""Names for whatever a model returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aios.errors import InvalidArgumentError


def named_outputs(results: Any) -> dict[str, Any]:
    """Outputs by name: a dict's keys, joined where they nest; else output_0, output_1 etc.

    A named tuple is as a dict. None is no output.

    Raises:
        InvalidArgumentError: Two outputs would have one name.
    """
    if not isinstance(_as_dict(results), Mapping):
        flat = [value for _, value in _leaves("", results)]
        return {f"output_{index}": value for index, value in enumerate(flat)}
    named: dict[str, Any] = {}
    for name, value in _leaves("", results):
        if name in named:
            raise InvalidArgumentError(
                f"two outputs of the model would be called '{name}'; give them different names"
            )
        named[name] = value
    return named


def _leaves(prefix: str, results: Any) -> Iterator[tuple[str, Any]]:
    results = _as_dict(results)
    if isinstance(results, Mapping):
        parts = [(str(key), value) for key, value in results.items()]
    elif isinstance(results, (list, tuple)):
        parts = [(str(index), value) for index, value in enumerate(results)]
    else:
        if results is not None:
            yield prefix, results
        return
    for key, value in parts:
        yield from _leaves(f"{prefix}_{key}" if prefix else key, value)


def _as_dict(results: Any) -> Any:
    return results._asdict() if hasattr(results, "_asdict") else results
