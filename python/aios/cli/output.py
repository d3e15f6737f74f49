"""How every command prints: data to stdout, talk to stderr, errors in one line."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from aios.errors import AiosError, InternalError

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to stdout.")]

talk = Console(stderr=True, highlight=False)
# A pipe has no width: what reads it wants a row in one line. COLUMNS decides where it is set.
_PIPE_WIDTH = 200
data = Console(
    highlight=False,
    width=None if sys.stdout.isatty() or os.environ.get("COLUMNS") else _PIPE_WIDTH,
)


def print_json(value: Any) -> None:
    """Writes one JSON document to stdout; a number that isn't finite becomes null."""
    sys.stdout.write(json.dumps(_plain(value), indent=2, allow_nan=False) + "\n")


def reports_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Turns an error of a command into one line (or JSON, if asked for) and exit code 1."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has left, as `head` does: not an error, and nothing more can be said.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except AiosError as error:
            _report(error, as_json=bool(kwargs.get("as_json")))
            raise typer.Exit(1) from error
        except Exception as error:
            if isinstance(error, (typer.Exit, typer.Abort)) or hasattr(error, "exit_code"):
                raise
            if os.environ.get("AIOS_TRACEBACK"):
                raise
            bug = InternalError(
                f"{type(error).__name__}: {error}; this is a bug of aios: AIOS_TRACEBACK=1 shows "
                "where"
            )
            _report(bug, as_json=bool(kwargs.get("as_json")))
            raise typer.Exit(1) from error

    return wrapped


def _report(error: AiosError, *, as_json: bool) -> None:
    message = " ".join(str(error).split())
    if as_json:
        print_json(
            {"error": {"code": error.code, "type": type(error).__name__, "message": message}}
        )
    else:
        # Text, because the brackets of "aios-cells[litert]" would be taken for markup.
        talk.print(Text.assemble(("error:", "bold red"), " ", message), soft_wrap=True)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, (str, int)):
        return value
    raise TypeError(f"not JSON: {value!r}")
