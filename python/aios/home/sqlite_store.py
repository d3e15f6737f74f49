"""The store on one machine: a SQLite database; how it is opened and locked: `sqlite_file`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, astuple, replace
from typing import Final

from aios.errors import CorruptHomeError, InternalError, InvalidArgumentError
from aios.home.clock import ClockReading
from aios.home.sqlite_file import SqliteFile
from aios.home.sqlite_rows import (
    MESSAGE_COLUMNS,
    RUN_COLUMNS,
    Row,
    document_of,
    message_of,
    run_of,
    run_values,
    sound_message_of,
    step_of,
)
from aios.home.store import (
    AddMessage,
    Change,
    CheckDocument,
    Claim,
    ConflictError,
    Document,
    FinishRun,
    Lease,
    LeaseLostError,
    PutDocument,
    PutStep,
    Reference,
    ReleaseRun,
    RunRecord,
    RunStatus,
    SetPlan,
    StepRecord,
    StoredMessage,
    leased,
)

_MOST_PROBLEMS: Final = 20


class SqliteStore(SqliteFile):
    """A `Store` in the file `path`."""

    def create_run(self, run: RunRecord, changes: Sequence[Change] = ()) -> bool:
        """See `Store.create_run`."""
        with self.transaction() as db:
            values = run_values(run)
            marks = ",".join("?" * len(values))
            cursor = db.execute(
                f"INSERT INTO runs({RUN_COLUMNS}) VALUES ({marks}) ON CONFLICT(id) DO NOTHING",
                values,
            )
            if cursor.rowcount == 0:
                return False
            for change in changes:
                _apply(db, change, run.id)
            return True

    def claim(self, claim: Claim) -> list[RunRecord]:
        """See `Store.claim`."""
        if not self.read(lambda db: _claimable(db, claim)):
            return []
        with self.transaction() as db:
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
        with self.transaction() as db:
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
        with self.transaction(durable=durable) as db:
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
        strict: bool = True,
    ) -> list[RunRecord]:
        """See `Store.runs`."""
        wanted = {"id": run_id, "workflow": workflow, "status": status}
        given = {name: value for name, value in wanted.items() if value is not None}
        where = " AND ".join(f"{name}=?" for name in given) or "1"
        sql = f"SELECT {RUN_COLUMNS} FROM runs WHERE {where} ORDER BY created DESC, id DESC LIMIT ?"
        rows = self.read(lambda db: db.execute(sql, (*given.values(), limit)).fetchall())
        return [run_of(row) for row in rows] if strict else list(_sound_runs(rows))

    def run_ids(self) -> set[str]:
        """See `Store.run_ids`."""
        rows = self.read(lambda db: db.execute("SELECT id FROM runs").fetchall())
        return {str(row[0]) for row in rows}

    def steps(self, run_id: str) -> dict[str, StepRecord]:
        """See `Store.steps`."""
        sql = "SELECT name, body FROM steps WHERE run_id=?"
        rows = self.read(lambda db: db.execute(sql, (run_id,)).fetchall())
        return {name: step_of(run_id, name, body) for name, body in rows}

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
        sql = f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE {where} ORDER BY seq LIMIT ?"
        rows = self.read(lambda db: db.execute(sql, (*arguments, limit)).fetchall())
        return [message_of(row) for row in rows]

    def last_seq(self) -> int:
        """See `Store.last_seq`."""
        sql = "SELECT COALESCE(MAX(seq), 0) FROM messages"
        return int(self.read(lambda db: db.execute(sql).fetchone())[0])

    def documents(self, collection: str, prefix: str = "") -> list[Document]:
        """See `Store.documents`."""
        sql = (
            "SELECT key, revision, value FROM documents"
            " WHERE collection=? AND key>=? AND substr(key,1,?)=? ORDER BY key"
        )
        arguments = (collection, prefix, len(prefix), prefix)
        rows = self.read(lambda db: db.execute(sql, arguments).fetchall())
        return [document_of(collection, row) for row in rows]

    def expired(self, before: float, keep: int) -> list[str]:
        """See `Store.expired`."""
        sql = """SELECT id FROM (
                SELECT id, finished, ROW_NUMBER() OVER (
                    PARTITION BY workflow ORDER BY created DESC, id DESC) AS place
                FROM runs WHERE status != 'RUNNING')
            WHERE place > ? AND COALESCE(finished, 0) < ?"""
        return [row[0] for row in self.read(lambda db: db.execute(sql, (keep, before)).fetchall())]

    def forget(self, run_ids: Sequence[str]) -> list[str]:
        """See `Store.forget`."""
        removed = []
        with self.transaction(durable=True) as db:
            for run_id in run_ids:
                cursor = db.execute(
                    "DELETE FROM runs WHERE id=? AND status != 'RUNNING'", (run_id,)
                )
                if cursor.rowcount == 0:
                    continue
                removed.append(run_id)
                db.execute("DELETE FROM steps WHERE run_id=?", (run_id,))
                db.execute("DELETE FROM messages WHERE run_id=?", (run_id,))
                # Keys begin with the run's id and "/"; "0" comes after "/".
                db.execute(
                    "DELETE FROM documents WHERE collection='effects' AND key>=? AND key<?",
                    (f"{run_id}/", f"{run_id}0"),
                )
        return removed

    def forget_messages(self, before: float) -> int:
        """See `Store.forget_messages`."""
        with self.transaction(durable=True) as db:
            sql = "DELETE FROM messages WHERE run_id='' AND created < ?"
            return db.execute(sql, (before,)).rowcount

    @contextmanager
    def references(self) -> Iterator[Iterator[Reference]]:
        """See `Store.references`."""
        runs = "SELECT 'run', status, data FROM runs"
        steps = (
            "SELECT 'run', COALESCE(runs.status, ''), body FROM steps"
            " LEFT JOIN runs ON runs.id = run_id"
        )
        documents = "SELECT collection, '', value FROM documents"
        with self.reading() as db:
            yield (
                Reference(*map(str, row))
                for sql in (runs, steps, documents)
                for row in db.execute(sql)
            )

    def damaged_rows(self) -> list[str]:
        """What is damaged though the database is whole: rows that can't be decoded, by name."""
        found: list[str] = []
        with self.reading() as db:
            for problem in _damaged(db):
                found.append(problem)
                if len(found) == _MOST_PROBLEMS:
                    break
        return found


def _damaged(db: sqlite3.Connection) -> Iterator[str]:
    """Decode every row; yields what those say that can't be."""
    tables = (
        (f"SELECT {RUN_COLUMNS} FROM runs", run_of),
        ("SELECT run_id, name, body FROM steps", lambda row: step_of(*row)),
        (f"SELECT {MESSAGE_COLUMNS} FROM messages", sound_message_of),
        (
            "SELECT key, revision, value, collection FROM documents",
            lambda row: document_of(row[3], row),
        ),
    )
    for sql, decode in tables:
        for row in db.execute(sql):
            try:
                decode(row)
            except CorruptHomeError as error:
                yield str(error)


def _claimable(db: sqlite3.Connection, claim: Claim) -> list[RunRecord]:
    marks = ",".join("?" * len(claim.run_ids))
    rows = db.execute(
        f"SELECT {RUN_COLUMNS} FROM runs WHERE id IN ({marks}) ORDER BY created", claim.run_ids
    )
    return [run for run in _sound_runs(rows) if _may_take(run, claim)]


def _sound_runs(rows: Iterable[Row]) -> Iterator[RunRecord]:
    for row in rows:
        with suppress(CorruptHomeError):
            yield run_of(row)


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
        case SetPlan(steps):
            db.execute(
                "UPDATE runs SET plan=? WHERE id=?", (json.dumps(steps), _under_lease(run_id))
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
