"""Answers to mistyped names and paths."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from aios.bundle.precision import SHORT_NAMES, TOLERANCES
from aios.errors import NotFoundError, did_you_mean

PrecisionOption = Annotated[
    str,
    typer.Option(help="float32; fastest, for any that the bundle has; or one alone, as int8."),
]


def engine_names(option: str, value: str, *, extra: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The engines of a comma-separated list.

    Raises:
        typer.BadParameter: One is unknown.
    """
    from aios.bridge import engines

    return _names(option, value.split(","), (*engines.engine_names(), *extra))


def precision_names(option: str, value: str) -> tuple[str, ...]:
    """The precisions of a comma-separated list, by their full names.

    Raises:
        typer.BadParameter: One is unknown.
    """
    words = [SHORT_NAMES.get(word.strip(), word) for word in value.split(",")]
    return _names(option, words, tuple(TOLERANCES))


def allowed_precision(value: str) -> str:
    """What `--precision` allows: "fastest", or one precision by its full name.

    Raises:
        typer.BadParameter: It is unknown.
    """
    return _names("--precision", [SHORT_NAMES.get(value, value)], (*TOLERANCES, "fastest"))[0]


def _names(option: str, words: Iterable[str], known: tuple[str, ...]) -> tuple[str, ...]:
    names = [word.strip() for word in words if word.strip()]
    for name in names:
        if name not in known:
            raise typer.BadParameter(
                f"expected any of {', '.join(known)}, got '{name}'{did_you_mean(name, known)}",
                param_hint=option,
            )
    if not names:
        raise typer.BadParameter(f"expected any of {', '.join(known)}", param_hint=option)
    return tuple(dict.fromkeys(names))


def counts(option: str, value: str) -> tuple[int, ...]:
    """The whole numbers of a comma-separated list.

    Raises:
        typer.BadParameter: One isn't a number of 1 or more.
    """
    parts = [part.strip() for part in value.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise typer.BadParameter(
            f"expected whole numbers of 1 or more, as 1,32, got '{value}'", param_hint=option
        )
    return tuple(dict.fromkeys(int(part) for part in parts))


def require_bundle(path: Path) -> None:
    """Says what is there instead, where a path is no bundle.

    Raises:
        NotFoundError: There is no directory.
    """
    if path.is_dir():
        return
    if path.is_file():
        raise NotFoundError(
            f"no bundle at '{path}': it is a file, and a bundle is a directory; make one with: "
            f"aios export {path} -o {path.stem}.cell"
        )
    near = [entry.name for entry in path.parent.glob("*.cell")] if path.parent.is_dir() else []
    hint = did_you_mean(path.name, near)
    if near and not hint:
        hint = f"; here are {', '.join(sorted(near)[:5])}"
    raise NotFoundError(
        f"no bundle at '{path}'{hint or ': expected a directory that aios export wrote'}"
    )
