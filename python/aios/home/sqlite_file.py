"""A SQLite database in WAL mode as the home uses it: opened, checked, locked, its errors typed.

One connection writes and one reads, each behind a lock; across processes, a write begins with
`BEGIN IMMEDIATE`, repeated with growing pauses until `busy_s` is over, so that nobody sees
"database is locked". `synchronous` is NORMAL (safe against a killed process) except in durable
transactions, where it is FULL (safe against power loss); one of these also makes all earlier ones
durable, as they share the WAL.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, Literal, TypeVar

from aios.errors import (
    AiosError,
    CorruptHomeError,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from aios.home.content_store import home_full
from aios.home.schema import SCHEMA_VERSION, migrate
from aios.home.sqlite_snapshot import snapshot

T = TypeVar("T")
Mode = Literal["create", "open", "read"]

_QUICK_CHECK_BYTES: Final = 32 << 20
_VACUUM_PAGES: Final = 256
CORRUPT_REMEDY: Final = (
    "nothing was changed; 'aios doctor --home HOME --backup' keeps the damaged file aside and saves"
    " what can be read"
)
_UNSUITABLE: Final = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


class SqliteFile:
    """The database `path`; safe from any thread.

    Args:
        path: its file.
        busy_s: how long another process may hold it before a call gives up.
        mode: "create" makes it if it isn't there; "open" doesn't; "read" takes a private copy, so
            that nothing on the disk changes, and refuses to write.

    Raises:
        NotFoundError: it isn't there.
        CorruptHomeError: it is damaged, or empty although it has to be there.
        UnsupportedError: a later release has written it.
    """

    def __init__(self, path: Path, *, busy_s: float = 30.0, mode: Mode = "create") -> None:
        self.path = path
        self.mode = mode
        self._busy_s = busy_s
        self._pid = os.getpid()
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._closed = False
        if mode != "create" and not path.is_file():
            raise NotFoundError(f"{path}: no database here; check the home's path")
        with self._errors():
            self._writer = snapshot(path) if mode == "read" else self._open()
            try:
                self._retry(lambda: self._prepare(self._writer))
                self._reader = self._writer if mode == "read" else self._open()
            except BaseException:
                self._writer.close()
                raise

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction that is committed at the end of the block, or undone if it raises."""
        with self._write_lock, self._errors():
            self._check_open()
            if self.mode == "read":
                raise FailedPreconditionError(f"{self.path}: opened to be read; nothing is written")
            db = self._writer
            if durable:
                db.execute("PRAGMA synchronous=FULL")
            try:
                self._retry(lambda: db.execute("BEGIN IMMEDIATE"))
                try:
                    yield db
                    self._retry(lambda: db.execute("COMMIT"))
                except BaseException:
                    if db.in_transaction:
                        with suppress(sqlite3.Error):
                            db.execute("ROLLBACK")
                    raise
            finally:
                if durable:
                    db.execute("PRAGMA synchronous=NORMAL")

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Call `query` with the connection that reads."""
        with self._read_lock, self._errors():
            self._check_open()
            return self._retry(lambda: query(self._reader))

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A view of the database as it stands, for a long read that keeps no one else waiting."""
        if self.mode == "read":
            with self._read_lock, self._errors():
                self._check_open()
                yield self._reader
            return
        with self._errors(), closing(self._open()) as db:
            self._check_open()
            self._retry(lambda: db.execute("BEGIN"))
            yield db

    def problems(self) -> list[str]:
        """Run SQLite's full integrity check; an empty list means none were found."""
        rows = self.read(lambda db: db.execute("PRAGMA integrity_check(20)").fetchall())
        return [row[0] for row in rows if row[0] != "ok"]

    def backup(self, path: Path) -> None:
        """Write a consistent copy to `path`, also while others write."""

        def copy(db: sqlite3.Connection) -> None:
            with closing(sqlite3.connect(path)) as target, target:
                db.backup(target)

        self.read(copy)

    def compact(self) -> None:
        """Give free pages and a large WAL back to the disk, a few pages at a time."""
        with suppress(UnavailableError):
            while True:
                with self.transaction() as db:
                    free = db.execute("PRAGMA freelist_count").fetchone()[0]
                    db.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()
                    left = db.execute("PRAGMA freelist_count").fetchone()[0]
                if not left or left == free:
                    break
            with self._write_lock, self._errors():
                self._check_open()
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def limit_pages(self, pages: int) -> int:
        """Bound the database's size (`PRAGMA max_page_count`); returns the bound in force."""
        with self._write_lock:
            return int(self._writer.execute(f"PRAGMA max_page_count={pages}").fetchone()[0])

    def close(self) -> None:
        """Release the file; later calls raise `FailedPreconditionError`."""
        with self._write_lock, self._read_lock:
            if not self._closed:
                self._closed = True
                if self._pid == os.getpid():
                    self._reader.close()
                    self._writer.close()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=0)

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Check the file, switch to WAL, and bring the schema up to date."""
        if self.path.stat().st_size <= _QUICK_CHECK_BYTES:
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise CorruptHomeError(f"{self.path}: {found}; {CORRUPT_REMEDY}")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise UnsupportedError(
                f"{self.path}: schema version {version}, this release knows up to {SCHEMA_VERSION};"
                " upgrade aios-cells, or use another home"
            )
        if version == 0 and self.mode != "create":
            raise CorruptHomeError(
                f"{self.path}: is empty; restore a copy from backups/ over it, or move the home"
                " away to start anew"
            )
        if self.mode != "read":
            if version == 0:
                db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # only before the first table
            if db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
        if version < SCHEMA_VERSION:
            migrate(db)

    def _check_open(self) -> None:
        if self._closed:
            raise FailedPreconditionError(f"{self.path}: the manager is closed; open a new one")
        if self._pid != os.getpid():
            raise FailedPreconditionError(
                f"{self.path}: opened by process {self._pid} and used in its fork {os.getpid()};"
                " open a manager in the child instead"
            )

    def _retry(self, operation: Callable[[], T]) -> T:
        """Repeat `operation` while another process holds the database, for up to `busy_s`."""
        give_up = time.monotonic() + self._busy_s
        pause = 0.0002
        while True:
            try:
                return operation()
            except sqlite3.OperationalError as error:
                name = getattr(error, "sqlite_errorname", "")
                if not name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                    raise
                if time.monotonic() >= give_up:
                    raise UnavailableError(
                        f"{self.path}: another process has kept the home busy for"
                        f" {self._busy_s:g} s; stop that process, or try again"
                    ) from error
            time.sleep(pause * (0.5 + random.random()))
            pause = min(pause * 1.6, 0.02)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _translate(error, self.path) from error


def _translate(error: sqlite3.Error, path: Path) -> AiosError:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return CorruptHomeError(f"{path}: {error}; {CORRUPT_REMEDY}")
    if name == "SQLITE_FULL":
        return home_full(
            f"{path}: no space left for the database; nothing was changed; free space on"
            f" {path.parent} and resume"
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return FailedPreconditionError(
            f"{path}: can't be written ({error}); give this user write access to {path.parent},"
            " or choose another home"
        )
    if name.startswith("SQLITE_IOERR"):
        return UnavailableError(f"{path}: the disk failed ({name}); check it, then resume")
    if isinstance(error, _UNSUITABLE):
        return InvalidArgumentError(f"{path}: {error}")
    return InternalError(f"{path}: {name or type(error).__name__}: {error}")
