"""Copies of a home's database, from a damaged one too."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from aios.errors import AiosError
from aios.home.marker import DATABASE
from aios.home.sqlite_store import SqliteStore


def backup_home(path: str | Path) -> Path:
    """Copy a home's database to `HOME/backups`, in a consistent state, also while it is in use.

    A damaged database is copied as it is (`damaged-…`), and every row that can still be read goes
    to a new database (`aios-…`). Returns the usable copy.
    """
    place = Path(path).expanduser().absolute()
    folder = place / "backups"
    folder.mkdir(exist_ok=True)
    stamp = f"{time.strftime('%Y%m%d-%H%M%S')}-{time.monotonic_ns() % 1_000_000:06d}"
    target = folder / f"aios-{stamp}.db"
    copy_readable(place, target, folder / f"damaged-{stamp}.db")
    return target


def copy_readable(home: Path, target: Path, damaged: Path | None = None) -> None:
    """Write a consistent copy of a home's database, of this release's schema, to `target`.

    Of a damaged one every row that can be read; it itself goes to `damaged`.
    """
    try:
        with closing(SqliteStore(home / DATABASE, mode="read")) as store:
            store.backup(target)
    except AiosError:
        target.unlink(missing_ok=True)
        aside = damaged or target.with_name(f"damaged-{target.name}")
        for suffix in ("", "-wal", "-shm"):
            source = home / f"{DATABASE}{suffix}"
            if source.exists():
                shutil.copy2(source, f"{aside}{suffix}")
        _salvage(aside, target)


def _salvage(damaged: Path, target: Path) -> None:
    """Copy the readable rows of `damaged` to a new database, table by table."""
    SqliteStore(target).close()
    with closing(sqlite3.connect(damaged)) as source, closing(sqlite3.connect(target)) as sink:
        for table in ("runs", "steps", "messages", "documents"):
            with suppress(sqlite3.Error):
                cursor = source.execute(f"SELECT * FROM {table}")
                names = ",".join(column[0] for column in cursor.description)
                marks = ",".join("?" * len(cursor.description))
                with suppress(sqlite3.Error):
                    for row in cursor:
                        sink.execute(
                            f"INSERT OR IGNORE INTO {table}({names}) VALUES ({marks})", row
                        )
        sink.commit()
