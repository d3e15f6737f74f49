"""The folder that holds everything a manager knows.

```
HOME/home.json              says that the folder is a home
HOME/aios.db (-wal, -shm)   runs, steps, messages, registry
HOME/objects/ab/abc….npy    results, by content
HOME/bundles/HASH.cell/     registered bundles, by content
HOME/checkpoints/RUN/       trainings that are under way
HOME/backups/  HOME/tmp/    copies of the database; unfinished files
HOME/pins/  HOME/trash/     what isn't named yet; what is being removed: see garbage
```
"""

from __future__ import annotations

import ctypes
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from aios.errors import FailedPreconditionError, UnavailableError
from aios.home.content_store import disk_error
from aios.home.home_files import HomeFiles
from aios.home.lock import home_lock
from aios.home.marker import DATABASE, is_home, is_marked, mark, require_home
from aios.home.sqlite_file import Mode
from aios.home.sqlite_store import SqliteStore

DEFAULT_HOME: Final = "~/.aios"

# statfs(2) f_type of file systems on which SQLite's WAL, shared memory, isn't safe.
_NETWORK_TYPES: Final = {
    0x6969: "NFS",
    0x517B: "SMB",
    0xFE534D42: "SMB2",
    0xFF534D42: "CIFS",
    0x01021997: "9P",
    0x5346414F: "AFS",
    0x00C36400: "Ceph",
    0x0BD00BD0: "Lustre",
    0x47504653: "GPFS",
}


class Home(HomeFiles):
    """An open home.

    Args:
        path: the folder.
        mode: "create" makes a home if there is none; "open" refuses a folder that isn't one;
            "read" does too, and changes nothing on the disk.

    Raises:
        NotFoundError: there is no home.
        CorruptHomeError: its database is damaged, empty or gone.
        FailedPreconditionError: it can't be written, or is on a network file system.
        UnsupportedError: a later release has written it.
    """

    def __init__(self, path: str | os.PathLike[str], *, mode: Mode = "create") -> None:
        super().__init__(Path(path).expanduser().absolute())
        require_local(self.path)
        if mode != "create":
            require_home(self.path)
        elif not is_home(self.path):
            _make_folders(self.path)
        if mode != "read":
            _require_writable(self.path)
        known = mode == "create" and is_marked(self.path)
        self.store = SqliteStore(self.path / DATABASE, mode="open" if known else mode)
        if mode != "read":
            mark(self.path)
            self.content.sweep()
            self._finish_removal()

    def _finish_removal(self) -> None:
        """Put back what a removal that was killed has moved aside."""
        if self.content.trash.is_dir() and any(self.content.trash.iterdir()):
            with suppress(UnavailableError, OSError), home_lock(self.path, wait_s=0):
                self.content.restore_trash()

    def close(self) -> None:
        """Close the database."""
        self.store.close()
        self.release()


def network_file_system(path: Path) -> str | None:
    """The name of the network file system that holds `path`, or None for a local one."""
    return _NETWORK_TYPES.get(_file_system_type(path))


def _file_system_type(path: Path) -> int:
    """`f_type` of statfs(2): the first word of the structure, on every Linux."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = (ctypes.c_long * 64)()
    if libc.statfs(os.fsencode(path), ctypes.byref(buffer)) != 0:
        return 0
    return int(buffer[0]) & 0xFFFFFFFF


def require_local(path: Path) -> None:
    """Refuse a network file system, and a file where a folder belongs.

    Raises:
        FailedPreconditionError: the home would be on one of these.
    """
    existing = path
    while not existing.exists():
        existing = existing.parent
    name = network_file_system(existing)
    if name is not None:
        raise FailedPreconditionError(
            f"{path}: is on {name}; a home needs a local disk, as several processes share its"
            " memory; choose one with --home or AICellManager('/local/path')"
        )
    if existing == path and not path.is_dir():
        raise FailedPreconditionError(f"{path}: is a file; a home is a folder")


def _make_folders(path: Path) -> None:
    try:
        for name in ("objects", "bundles", "checkpoints", "tmp"):
            (path / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, path) or error from error


def _require_writable(path: Path) -> None:
    probe = path / f".probe-{os.getpid()}-{time.monotonic_ns()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise disk_error(error, path) or error from error
