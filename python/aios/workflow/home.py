"""The folder that holds everything a manager knows: opened, checked, backed up.

```
HOME/aios.db (-wal, -shm)   runs, steps, messages, registry
HOME/objects/ab/abc….npy    results, by content
HOME/bundles/HASH.cell/     registered bundles, by content
HOME/checkpoints/RUN/       trainings that are under way
HOME/backups/  HOME/tmp/    copies of the database; unfinished files
```
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aios.errors import AiosError, FailedPreconditionError
from aios.workflow.content_store import disk_error
from aios.workflow.home_files import HomeFiles
from aios.workflow.sqlite_store import SqliteStore

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
    """An open home."""

    def __init__(self, path: str | os.PathLike[str], *, create: bool = True) -> None:
        super().__init__(Path(path).expanduser().absolute())
        _prepare(self.path, create=create)
        self.store = SqliteStore(self.path / "aios.db", create=create)
        self.content.sweep()

    def close(self) -> None:
        """Close the database."""
        self.store.close()


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


def _prepare(path: Path, *, create: bool) -> None:
    existing = path
    while not existing.exists():
        existing = existing.parent
    name = network_file_system(existing)
    if name is not None:
        raise FailedPreconditionError(
            f"{path}: is on {name}; a home needs a local disk, as several processes share its"
            f" memory;"
            " choose one with --home or AICellManager('/local/path')"
        )
    if existing == path and not path.is_dir():
        raise FailedPreconditionError(f"{path}: is a file; a home is a folder")
    if not create:
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".probe-{os.getpid()}-{time.monotonic_ns()}"
        probe.touch()
        probe.unlink()
        for name in ("objects", "bundles", "checkpoints", "tmp"):
            (path / name).mkdir(exist_ok=True)
    except OSError as error:
        raise disk_error(error, path) or error from error


@dataclass(frozen=True, slots=True)
class HomeReport:
    """What `aios doctor` says about a home."""

    path: str
    exists: bool
    ok: bool
    problems: tuple[str, ...] = ()
    remedy: str = ""
    runs: int = 0
    unfinished: int = 0
    versions: int = 0
    bytes: int = 0
    free_bytes: int = 0
    backup: str = ""


def check_home(path: str | os.PathLike[str] = DEFAULT_HOME, *, backup: bool = False) -> HomeReport:
    """Look for damage in a home, whole database and all registered bundles; never changes it.

    Args:
        path: the home.
        backup: also write a copy to `HOME/backups`: see `backup_home`.
    """
    place = Path(path).expanduser().absolute()
    if not (place / "aios.db").is_file():
        remedy = "it is made by the first AICellManager(home)"
        return HomeReport(str(place), exists=False, ok=True, remedy=remedy)
    saved = str(backup_home(place)) if backup else ""
    size = sum(item.stat().st_size for item in place.rglob("*") if item.is_file())
    free = shutil.disk_usage(place).free
    try:
        home = Home(place, create=False)
    except AiosError as error:
        remedy = "restore a copy from backups/ over aios.db (and remove aios.db-wal, aios.db-shm)"
        problems = (str(error),)
        return HomeReport(
            str(place), True, False, problems, remedy, bytes=size, free_bytes=free, backup=saved
        )
    with closing(home):
        found = home.store.problems()
        live = [item.value for item in home.store.documents("versions")]
        live = [item for item in live if not item.get("deleted")]
        found += [
            f"registry: {item['name']} version {item['version']}: bundle {item['bundle']} is"
            f" missing"
            for item in live
            if item.get("bundle") and not Path(item["bundle"]).is_dir()
        ]
        return HomeReport(
            str(place),
            exists=True,
            ok=not found,
            problems=tuple(found),
            remedy="restore from backups/" if found else "",
            runs=len(home.store.runs(limit=1_000_000)),
            unfinished=len(home.store.runs(status="RUNNING", limit=1_000_000)),
            versions=len(live),
            bytes=size,
            free_bytes=free,
            backup=saved,
        )


def backup_home(path: str | os.PathLike[str]) -> Path:
    """Copy a home's database to `HOME/backups`, in a consistent state, also while it is in use.

    A damaged database is copied as it is (`damaged-…`), and every row that can still be read goes
    to a new database (`aios-…`). Returns the usable copy.
    """
    place = Path(path).expanduser().absolute()
    folder = place / "backups"
    folder.mkdir(exist_ok=True)
    stamp = f"{time.strftime('%Y%m%d-%H%M%S')}-{time.monotonic_ns() % 1_000_000:06d}"
    target = folder / f"aios-{stamp}.db"
    try:
        store = SqliteStore(place / "aios.db", create=False)
        with closing(store):
            store.backup(target)
    except AiosError:
        target.unlink(missing_ok=True)
        for suffix in ("", "-wal", "-shm"):
            source = place / f"aios.db{suffix}"
            if source.exists():
                shutil.copy2(source, folder / f"damaged-{stamp}.db{suffix}")
        _salvage(folder / f"damaged-{stamp}.db", target)
    return target


def _salvage(damaged: Path, target: Path) -> None:
    """Copy the readable rows of `damaged` to a new database, table by table."""
    closing_store = SqliteStore(target)
    closing_store.close()
    with closing(sqlite3.connect(damaged)) as source, closing(sqlite3.connect(target)) as sink:
        for table in ("runs", "steps", "messages", "documents"):
            with suppress(sqlite3.Error):
                cursor = source.execute(f"SELECT * FROM {table}")
                marks = ",".join("?" * len(cursor.description))
                with suppress(sqlite3.Error):
                    for row in cursor:
                        sink.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)
        sink.commit()
