"""The store on one machine: a SQLite database in WAL mode.

One connection writes and one reads, each behind a lock; across processes, a write begins with
`BEGIN IMMEDIATE`, repeated with growing pauses until `busy_s` is over, so that nobody sees
"database is locked". `synchronous` is NORMAL (safe against a killed process) except in durable
commits, where it is FULL (safe against power loss); a durable commit also makes all earlier ones
durable, as they share the WAL.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from aios.errors import (
    AiosError,
    CorruptHomeError,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    UnavailableError,
    UnsupportedError,
)
from aios.workflow.clock import ClockReading
from aios.workflow.content_store import home_full
from aios.workflow.schema import MIGRATIONS, SCHEMA_VERSION
from aios.workflow.store import (
    AddMessage,
    Change,
    CheckDocument,
    Claim,
    ConflictError,
    Document,
    FinishRun,
    Lease,
    LeaseLostError,
    LeaseState,
    PutDocument,
    PutStep,
    ReleaseRun,
    RunRecord,
    RunStatus,
    StepRecord,
    StoredMessage,
    leased,
)

T = TypeVar("T")

_RUN_COLUMNS: Final = (
    "id, workflow, status, created, finished, data, data_sha256, source, error,"
    " owner, epoch, beat, expires, domain, lease_s"
)
_QUICK_CHECK_BYTES: Final = 32 << 20


class SqliteStore:
    """A `Store` in the file `path`."""

    def __init__(self, path: Path, *, busy_s: float = 30.0, create: bool = True) -> None:
        self.path = path
        self._busy_s = busy_s
        self._pid = os.getpid()
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._closed = False
        if not create and not path.is_file():
            raise FailedPreconditionError(f"{path}: no database here; check the home's path")
        with self._errors():
            self._writer = self._open()
            try:
                self._retry(lambda: self._prepare(self._writer))
                self._reader = self._open()
            except BaseException:
                self._writer.close()
                raise

    def create_run(self, run: RunRecord, changes: Sequence[Change] = ()) -> bool:
        """See `Store.create_run`."""
        with self._transaction() as db:
            values = _run_values(run)
            marks = ",".join("?" * len(values))
            cursor = db.execute(
                f"INSERT INTO runs({_RUN_COLUMNS}) VALUES ({marks}) ON CONFLICT(id) DO NOTHING",
                values,
            )
            if cursor.rowcount == 0:
                return False
            for change in changes:
                _apply(db, change, run.id)
            return True

    def claim(self, claim: Claim) -> list[RunRecord]:
        """See `Store.claim`."""
        if not self._read(lambda db: _claimable(db, claim)):
            return []
        with self._transaction() as db:
            taken = []
            for run in _claimable(db, claim)[: claim.limit]:
                mine = leased(run, claim.owner, claim.now, claim.lease_s)
                if run.status != "RUNNING":
                    mine = replace(mine, status="RUNNING", finished=None, error=None)
                db.execute(
                    "UPDATE runs SET status='RUNNING', finished=NULL, error=NULL, owner=?, epoch=?,"
                    " beat=?, expires=?, domain=?, lease_s=? WHERE id=?",
                    (*astuple(mine.lease), run.id),
                )
                taken.append(mine)
            return taken

    def heartbeat(self, leases: Sequence[Lease], now: ClockReading, lease_s: float) -> set[str]:
        """See `Store.heartbeat`."""
        lost = set()
        with self._transaction() as db:
            for lease in leases:
                cursor = db.execute(
                    "UPDATE runs SET beat=beat+1, expires=?, domain=?, lease_s=?"
                    " WHERE id=? AND owner=? AND epoch=? AND status='RUNNING'",
                    (now.seconds + lease_s, now.domain, lease_s, *astuple(lease)),
                )
                if cursor.rowcount == 0:
                    lost.add(lease.run_id)
        return lost

    def commit(
        self, changes: Sequence[Change], *, lease: Lease | None = None, durable: bool = False
    ) -> None:
        """See `Store.commit`."""
        with self._transaction(durable=durable) as db:
            if lease is not None:
                _check_lease(db, lease)
            for change in changes:
                _apply(db, change, lease.run_id if lease else None)

    def runs(
        self,
        *,
        run_id: str | None = None,
        workflow: str | None = None,
        status: RunStatus | None = None,
        limit: int = 1000,
    ) -> list[RunRecord]:
        """See `Store.runs`."""
        wanted = {"id": run_id, "workflow": workflow, "status": status}
        given = {name: value for name, value in wanted.items() if value is not None}
        where = " AND ".join(f"{name}=?" for name in given) or "1"
        sql = (
            f"SELECT {_RUN_COLUMNS} FROM runs WHERE {where} ORDER BY created DESC, id DESC LIMIT ?"
        )
        rows = self._read(lambda db: db.execute(sql, (*given.values(), limit)).fetchall())
        return [_run(row) for row in rows]

    def steps(self, run_id: str) -> dict[str, StepRecord]:
        """See `Store.steps`."""
        sql = "SELECT name, body FROM steps WHERE run_id=?"
        rows = self._read(lambda db: db.execute(sql, (run_id,)).fetchall())
        return {name: StepRecord.from_json(body) for name, body in rows}

    def messages(
        self,
        after: int = 0,
        *,
        run_id: str | None = None,
        types: Sequence[str] = (),
        limit: int = 1000,
    ) -> list[StoredMessage]:
        """See `Store.messages`."""
        where = "seq>?"
        arguments: list[object] = [after]
        if run_id is not None:
            where += " AND run_id=?"
            arguments.append(run_id)
        if types:
            where += f" AND type IN ({','.join('?' * len(types))})"
            arguments.extend(types)
        sql = (
            "SELECT id, type, version, run_id, created, body, seq FROM messages"
            f" WHERE {where} ORDER BY seq LIMIT ?"
        )
        rows = self._read(lambda db: db.execute(sql, (*arguments, limit)).fetchall())
        return [_message(row) for row in rows]

    def last_seq(self) -> int:
        """See `Store.last_seq`."""
        sql = "SELECT COALESCE(MAX(seq), 0) FROM messages"
        return int(self._read(lambda db: db.execute(sql).fetchone())[0])

    def documents(self, collection: str, prefix: str = "") -> list[Document]:
        """See `Store.documents`."""
        sql = (
            "SELECT key, revision, value FROM documents"
            " WHERE collection=? AND key>=? AND substr(key,1,?)=? ORDER BY key"
        )
        arguments = (collection, prefix, len(prefix), prefix)
        rows = self._read(lambda db: db.execute(sql, arguments).fetchall())
        return [Document(key, revision, json.loads(value)) for key, revision, value in rows]

    def backup(self, path: Path) -> None:
        """See `Store.backup`."""

        def copy(db: sqlite3.Connection) -> None:
            target = sqlite3.connect(path)
            with target:
                db.backup(target)
            target.close()

        self._read(copy)

    def problems(self) -> list[str]:
        """Run SQLite's full integrity check; an empty list means none were found."""
        rows = self._read(lambda db: db.execute("PRAGMA integrity_check(20)").fetchall())
        return [row[0] for row in rows if row[0] != "ok"]

    def close(self) -> None:
        """See `Store.close`."""
        with self._write_lock, self._read_lock:
            if not self._closed:
                self._closed = True
                if self._pid == os.getpid():
                    self._reader.close()
                    self._writer.close()

    def limit_pages(self, pages: int) -> int:
        """Bound the database's size (`PRAGMA max_page_count`); returns the bound in force."""
        with self._write_lock:
            return int(self._writer.execute(f"PRAGMA max_page_count={pages}").fetchone()[0])

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=0)

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Check the file, switch to WAL, and bring the schema up to date."""
        if self.path.stat().st_size <= _QUICK_CHECK_BYTES:
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise CorruptHomeError(f"{self.path}: {found}; {_CORRUPT_REMEDY}")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise UnsupportedError(
                f"{self.path}: schema version {version}, this release knows up to {SCHEMA_VERSION};"
                " upgrade aios-cells, or use another home"
            )
        if db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        if version < SCHEMA_VERSION:
            migrate(db)

    @contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        with self._write_lock, self._errors():
            self._check_open()
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

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        with self._read_lock, self._errors():
            self._check_open()
            return self._retry(lambda: query(self._reader))

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
                        f"{self.path}: another process has kept the home busy for {self._busy_s:g}"
                        f" s;"
                        " stop that process, or try again"
                    ) from error
            time.sleep(pause * (0.5 + random.random()))
            pause = min(pause * 1.6, 0.02)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _translate(error, self.path) from error


def migrate(db: sqlite3.Connection, target: int = SCHEMA_VERSION) -> None:
    """Bring the schema of `db` to version `target` in one transaction.

    Safe when others do the same.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        for statements in MIGRATIONS[version:target]:
            for statement in statements:
                db.execute(statement)
        if version < target:
            db.execute(f"PRAGMA user_version={target}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


_UNSUITABLE: Final = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
_CORRUPT_REMEDY: Final = (
    "nothing was changed; 'aios doctor --home HOME --backup' keeps the damaged file aside and"
    " saves what"
    " can be read"
)


def _translate(error: sqlite3.Error, path: Path) -> AiosError:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return CorruptHomeError(f"{path}: {error}; {_CORRUPT_REMEDY}")
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


def _claimable(db: sqlite3.Connection, claim: Claim) -> list[RunRecord]:
    marks = ",".join("?" * len(claim.run_ids))
    rows = db.execute(
        f"SELECT {_RUN_COLUMNS} FROM runs WHERE id IN ({marks}) ORDER BY created", claim.run_ids
    )
    return [run for run in map(_run, rows) if _may_take(run, claim)]


def _may_take(run: RunRecord, claim: Claim) -> bool:
    if run.status != "RUNNING" and not (claim.reopen and run.status != "SUCCESS"):
        return False
    lease = run.lease
    return (
        claim.force
        or lease.ended(claim.now)
        or claim.vouched.get(run.id) == (lease.epoch, lease.beat)
    )


def _check_lease(db: sqlite3.Connection, lease: Lease) -> None:
    row = db.execute("SELECT owner, epoch, status FROM runs WHERE id=?", (lease.run_id,)).fetchone()
    if row != (lease.owner, lease.epoch, "RUNNING"):
        raise LeaseLostError(
            f"run {lease.run_id}: this manager's lease (epoch {lease.epoch}) has ended;"
            f" now: {'no such run' if row is None else f'epoch {row[1]}, {row[2]}'}"
        )


def _apply(db: sqlite3.Connection, change: Change, run_id: str | None) -> None:
    match change:
        case PutStep(step):
            db.execute(
                "INSERT INTO steps(run_id, name, body) VALUES (?,?,?)"
                " ON CONFLICT(run_id, name) DO UPDATE SET body=excluded.body",
                (_under_lease(run_id), step.name, step.to_json()),
            )
        case FinishRun(status, finished, error):
            db.execute(
                "UPDATE runs SET status=?, finished=?, error=?, owner='', expires=0 WHERE id=?",
                (status, finished, json.dumps(error) if error else None, _under_lease(run_id)),
            )
        case ReleaseRun():
            db.execute("UPDATE runs SET owner='', expires=0 WHERE id=?", (_under_lease(run_id),))
        case AddMessage(message):
            body = asdict(message)
            body["body"] = json.dumps(message.body, separators=(",", ":"))
            db.execute(
                "INSERT INTO messages(id, type, version, run_id, created, body)"
                " VALUES (:id, :type, :version, :run_id, :created, :body)"
                " ON CONFLICT(id) DO NOTHING",
                body,
            )
        case PutDocument():
            _put_document(db, change)
        case CheckDocument(collection, key, expect):
            _check_revision(db, collection, key, expect)
        case _:
            raise InvalidArgumentError(f"expected a change of the store, got {change!r}")


def _under_lease(run_id: str | None) -> str:
    if run_id is None:
        raise InternalError("a run's own records can be written only under its lease")
    return run_id


def _check_revision(db: sqlite3.Connection, collection: str, key: str, expect: int) -> int:
    row = db.execute(
        "SELECT revision FROM documents WHERE collection=? AND key=?", (collection, key)
    ).fetchone()
    revision = int(row[0]) if row else 0
    if expect not in (-1, revision):
        raise ConflictError(
            f"{collection}/{key}: expected revision {expect}, found {revision}; read it again"
        )
    return revision


def _put_document(db: sqlite3.Connection, put: PutDocument) -> None:
    revision = _check_revision(db, put.collection, put.key, put.expect)
    if put.value is None:
        db.execute("DELETE FROM documents WHERE collection=? AND key=?", (put.collection, put.key))
        return
    db.execute(
        "INSERT INTO documents(collection, key, revision, value) VALUES (?,?,?,?)"
        " ON CONFLICT(collection, key) DO UPDATE SET revision=excluded.revision,"
        " value=excluded.value",
        (put.collection, put.key, revision + 1, json.dumps(put.value, separators=(",", ":"))),
    )


def _run_values(run: RunRecord) -> tuple[object, ...]:
    lease = run.lease
    return (
        *(run.id, run.workflow, run.status, run.created, run.finished, json.dumps(run.data)),
        *(run.data_sha256, run.source, json.dumps(run.error) if run.error else None),
        *(lease.owner, lease.epoch, lease.beat, lease.expires, lease.domain, lease.lease_s),
    )


def _message(row: tuple[Any, ...]) -> StoredMessage:
    return StoredMessage(row[0], row[1], row[2], row[3], row[4], json.loads(row[5]), row[6])


def _run(row: tuple[Any, ...]) -> RunRecord:
    return RunRecord(
        id=row[0],
        workflow=row[1],
        status=row[2],
        created=row[3],
        finished=row[4],
        data=json.loads(row[5]),
        data_sha256=row[6],
        source=row[7],
        error=json.loads(row[8]) if row[8] else None,
        lease=LeaseState(*row[9:15]),
    )
