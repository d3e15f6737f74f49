"""Options as fields of a frozen dataclass: each is declared once, with its text and its check.

Whoever fills one, from keywords, a file or the command line, asks here what there is.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from aios.errors import InvalidArgumentError, did_you_mean

_KEY = "option"
_WORDS: dict[type, str] = {
    str: "text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path",
}  # fmt: skip

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is declared of an option.

    Attributes:
        doc: What it does, in a sentence; also its help on the command line.
        minimum: The least that a number may be.
        maximum: The most.
        choices: The only values of a text.
        flags: Its names on the command line; None for `--name-of-the-field`, () for none.
    """

    doc: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    flags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """A field with its rule; `kind` is the type of what it holds where that isn't None."""

    name: str
    kind: Any
    default: Any
    rule: Rule

    @property
    def flags(self) -> tuple[str, ...]:
        """Its names on the command line."""
        if self.rule.flags is not None:
            return self.rule.flags
        return ("--" + self.name.replace("_", "-"),)


#: What was asked for once.
_known: dict[type, tuple[Option, ...]] = {}


def option(
    default: Any,
    doc: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    flags: tuple[str, ...] | None = None,
) -> Any:
    """A field of a dataclass of options; see Rule."""
    rule = Rule(doc=doc, minimum=minimum, maximum=maximum, choices=choices, flags=flags)
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata={_KEY: rule})
    return field(default=default, metadata={_KEY: rule})


def options_of(kind: type) -> tuple[Option, ...]:
    """The options that a dataclass declares, in their order."""
    if kind not in _known:
        hints = get_type_hints(kind)
        _known[kind] = tuple(
            Option(each.name, _kind(hints[each.name]), _default(each), each.metadata[_KEY])
            for each in fields(kind)
        )
    return _known[kind]


def check_options(config: Any) -> None:
    """Checks every option of a frozen dataclass, and gives each the type that it is declared with.

    To be called by `__post_init__`. None is taken where it is the default.

    Raises:
        InvalidArgumentError: One is of another type, or out of its range; names it.
    """
    for each in options_of(type(config)):
        value = getattr(config, each.name)
        if value is None and each.default is None:
            continue
        object.__setattr__(config, each.name, _checked(each.name, each, each.kind, value))


def from_table(kind: type[T], table: Mapping[str, Any], where: str = "") -> T:
    """A dataclass of options from names and values.

    Args:
        kind: The dataclass.
        table: Its fields, those that aren't there have their defaults.
        where: What to say before a name, as "per_model.digits."

    Raises:
        InvalidArgumentError: A name is unknown, or a value doesn't fit.
    """
    known = [each.name for each in options_of(kind)]
    for name in table:
        if name not in known:
            close = did_you_mean(str(name), known) or f"; there are {', '.join(known)}"
            raise InvalidArgumentError(f"{where}{name}: no such option{close}")
    try:
        return kind(**table)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{where}{error}") from error


def _default(declared: Field[Any]) -> Any:
    factory = declared.default_factory
    return declared.default if factory is MISSING else factory()


def _kind(hint: Any) -> Any:
    """A type without its None."""
    others = [each for each in get_args(hint) if each is not NoneType]
    return others[0] if NoneType in get_args(hint) else hint


def _checked(name: str, declared: Option, kind: Any, value: Any) -> Any:
    if is_dataclass(kind):
        return _table(name, kind, value)
    inner = get_args(kind)
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise InvalidArgumentError(f"{name}: expected a list, got {value!r}")
        return tuple(_checked(name, declared, inner[0], each) for each in value)
    if get_origin(kind) is Mapping:
        if not isinstance(value, Mapping):
            raise InvalidArgumentError(f"{name}: expected a table by name, got {value!r}")
        return {
            str(key): _checked(f"{name}.{key}", declared, inner[1], each)
            for key, each in value.items()
        }
    return _scalar(name, declared, kind, value)


def _table(name: str, kind: Any, value: Any) -> Any:
    if isinstance(value, kind):
        return value
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(f"{name}: expected a table of options, got {value!r}")
    return from_table(kind, value, f"{name}.")


def _scalar(name: str, declared: Option, kind: type, value: Any) -> Any:
    rule = declared.rule
    if kind is Path and isinstance(value, str | os.PathLike):
        # Path.expanduser() raises where there is no such user.
        return Path(os.path.expanduser(value))
    accepted = (int, float) if kind is float else kind
    right = isinstance(value, accepted) and isinstance(value, bool) is (kind is bool)
    if right and kind in (int, float):
        low = -math.inf if rule.minimum is None else rule.minimum
        high = math.inf if rule.maximum is None else rule.maximum
        right = low <= value <= high
    if right and rule.choices:
        right = value in rule.choices
    if not right:
        raise InvalidArgumentError(f"{name}: expected {_expected(declared, kind)}, got {value!r}")
    return kind(value)


def _expected(declared: Option, kind: type) -> str:
    rule = declared.rule
    if rule.choices:
        return " or ".join(repr(choice) for choice in rule.choices)
    words = _WORDS[kind]
    if rule.minimum is not None and rule.maximum is not None:
        words += f" from {rule.minimum:g} to {rule.maximum:g}"
    elif rule.minimum is not None:
        words += f" of {rule.minimum:g} or more"
    if isinstance(declared.default, str | int | float) and not isinstance(declared.default, bool):
        words += f", such as {declared.default!r}"
    return words
