"""How every command prints: data to stdout, talk to stderr, errors in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from aios.errors import AiosError

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to stdout.")]

talk = Console(stderr=True, highlight=False)
data = Console(highlight=False)


def print_json(value: Any) -> None:
    """Writes one JSON document to stdout."""
    sys.stdout.write(json.dumps(value, indent=2, default=_plain) + "\n")


def reports_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Turns an AiosError of a command into one line (or JSON, if asked for) and exit code 1."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except AiosError as error:
            if kwargs.get("as_json"):
                kind = type(error).__name__
                print_json({"error": {"code": error.code, "type": kind, "message": str(error)}})
            else:
                talk.print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
            raise typer.Exit(1) from error

    return wrapped


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"not JSON: {value!r}")
