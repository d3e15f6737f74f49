"""What tells a home from any other folder, and an emptied home from a new one.

`HOME/home.json` is written once the database is complete. Homes of earlier releases have none; they
are known by their database, and get one when a manager next opens them.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from aios.errors import CorruptHomeError, NotFoundError

MARKER: Final = "home.json"
DATABASE: Final = "aios.db"
_FORMAT: Final = 1


def is_home(path: Path) -> bool:
    """True if a home is at `path`, False if there is nothing, or another folder.

    Raises:
        CorruptHomeError: there was one, and its database is gone or empty.
    """
    # In this order: a home that is being made has its database before anything else of it is there.
    marked = (path / MARKER).is_file()
    kept = any(_holds_something(path / name) for name in ("objects", "bundles"))
    left = _size(path / f"{DATABASE}-wal")
    size = _size(path / DATABASE)
    if size:
        return True
    if marked or kept or left:
        what = "is missing" if size is None else "is empty"
        raise CorruptHomeError(
            f"{path / DATABASE}: {what}, and this folder is a manager's home; nothing was changed:"
            " restore a copy from its backups/ over it, or move the folder away to start anew"
        )
    return False


def require_home(path: Path) -> None:
    """Refuse a folder that isn't a home, as a mistyped one.

    Raises:
        NotFoundError: there is no home.
        CorruptHomeError: see `is_home`.
    """
    if not is_home(path):
        raise NotFoundError(
            f"no home at '{path}'; check --home and AIOS_HOME: 'aios workflow run' and"
            " AICellManager(home) make one"
        )


def is_marked(path: Path) -> bool:
    """Whether the home has its marker: its database was complete then."""
    return (path / MARKER).is_file()


def mark(path: Path) -> None:
    """Write the marker, if there is none; a home that can't be written stays as it is."""
    if is_marked(path):
        return
    text = json.dumps({"aios_home": _FORMAT, "created": time.time()}) + "\n"
    draft = path / f".{MARKER}-{os.getpid()}-{time.monotonic_ns()}"
    with suppress(OSError):
        draft.write_text(text, encoding="utf-8")
        draft.replace(path / MARKER)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _holds_something(folder: Path) -> bool:
    try:
        return next(folder.iterdir(), None) is not None
    except (FileNotFoundError, NotADirectoryError):
        return False
