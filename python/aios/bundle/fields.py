"""Fields of a JSON document that anybody may have written, read with their types and sizes checked.

What src/bundle/json_fields.cpp does, with the same words.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from aios.bundle.records import MANIFEST
from aios.errors import CorruptBundleError

_SHOWN_BYTES = 64


def malformed(what: str) -> NoReturn:
    """Raises CorruptBundleError: the manifest doesn't say what it must."""
    raise CorruptBundleError(f"bundle file '{MANIFEST}': {what}; export the bundle again")


def parse_json(text: bytes, most_levels: int) -> Any:
    """The document; no more than so many containers in one another.

    Raises:
        CorruptBundleError: It isn't JSON, which has no NaN and no infinity, or nested deeper.
    """
    try:
        document = json.loads(
            text.decode("utf-8-sig"),
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_refuse_constant,
        )
        levels = _levels(document)
    except RecursionError:
        levels = most_levels + 1
    except ValueError:
        malformed("it isn't JSON")
    if levels > most_levels:
        malformed(f"it is nested deeper than {most_levels} levels")
    return document


def shown(text: str) -> str:
    """A text of the document's for a message: short, and on one line."""
    start = text.encode()
    end = min(len(start), _SHOWN_BYTES)
    while end < len(start) and end > 0 and start[end] & 0xC0 == 0x80:
        end -= 1
    line = "".join("?" if ord(c) < 0x20 or ord(c) == 0x7F else c for c in start[:end].decode())
    return line if end == len(start) else f"{line}..."


def member(entry: Any, key: str) -> Any:
    """A member that must be there."""
    if not isinstance(entry, dict):
        malformed(f"expected an object with '{key}'")
    if key not in entry:
        malformed(f"'{key}' is missing")
    return entry[key]


def list_member(entry: Any, key: str, most_entries: int) -> list[Any]:
    """A list of at most so many entries."""
    value = member(entry, key)
    if not isinstance(value, list):
        malformed(f"'{key}' isn't a list")
    if len(value) > most_entries:
        malformed(f"'{key}' has {len(value)} entries, at most {most_entries} are allowed")
    return value


def text_member(entry: Any, key: str, most_bytes: int) -> str:
    """A text of 1 to so many bytes of UTF-8."""
    return checked_text(member(entry, key), f"'{key}'", most_bytes)


def checked_text(value: Any, what: str, most_bytes: int) -> str:
    """The value, if it is a text of 1 to so many bytes of UTF-8."""
    if not isinstance(value, str):
        malformed(f"{what} isn't a string")
    size = len(value.encode())
    if not 1 <= size <= most_bytes:
        malformed(f"{what} has {size} bytes, expected 1 to {most_bytes}")
    return value


def is_integer(value: Any, least: int, most: int) -> bool:
    """Whether it is an integer in this range."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_number(value: Any) -> bool:
    """Whether it is a number; JSON's have no NaN."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _integer(digits: str) -> int | float:
    """One that fits no machine's integer is a float, as in C++."""
    value = int(digits)
    return value if -(2**63) <= value < 2**64 else _finite(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits} is too large")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} isn't JSON")


def _levels(document: Any) -> int:
    """How deep containers lie in one another. Raises ValueError for half of a surrogate pair."""
    levels = 0
    layer = [document]
    while layer:
        below: list[Any] = []
        for value in layer:
            if isinstance(value, str):
                value.encode()
            elif isinstance(value, list):
                below += value
            elif isinstance(value, dict):
                below += (*value, *value.values())
        levels += any(isinstance(value, (list, dict)) for value in layer)
        layer = below
    return levels
