"""A private copy of a SQLite database, taken without changing a byte beside it.

SQLite itself makes `-wal` and `-shm` files beside a database that it only reads. So one that nobody
has open is read as an immutable file, and one with a WAL but no `-shm`, as a killed process or a
restored folder leaves it, by way of a copy; each is read again if it changed meanwhile. Only one
that is in use is opened as its users have it.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from aios.errors import UnavailableError

_TRIES: Final = 20
_State = tuple[tuple[int, int, int] | None, ...]


def snapshot(path: Path) -> sqlite3.Connection:
    """A temporary database with the content of `path`; it is gone when it is closed.

    Raises:
        UnavailableError: others opened and closed the database all the time.
        sqlite3.Error: it can't be read.
    """
    for _ in range(_TRIES):
        before = _state(path)
        _, wal, shared = before
        if shared is not None:
            return _copy_of(f"file:{quote(str(path))}?mode=ro")
        copy = _of_closed(path) if wal is None or wal[1] == 0 else _of_left(path)
        if _state(path) == before:
            return copy
        copy.close()
    raise UnavailableError(f"{path}: is opened and closed by others all the time; try again")


def _state(path: Path) -> _State:
    return tuple(_identity(Path(f"{path}{suffix}")) for suffix in ("", "-wal", "-shm"))


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _of_closed(path: Path) -> sqlite3.Connection:
    return _copy_of(f"file:{quote(str(path))}?mode=ro&immutable=1")


def _of_left(path: Path) -> sqlite3.Connection:
    with tempfile.TemporaryDirectory(prefix="aios-") as folder:
        copy = Path(folder) / path.name
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
        return _copy_of(f"file:{quote(str(copy))}")


def _copy_of(address: str) -> sqlite3.Connection:
    """SQLite keeps a database without a name in memory, and on the disk where it is large."""
    copy = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=30)) as source:
            source.backup(copy)
    except BaseException:
        copy.close()
        raise
    return copy
