"""Records as rows of SQLite, and rows as records: one that is damaged is told by its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, TypeVar, get_args

from aios.errors import CorruptHomeError
from aios.home.store import (
    Document,
    LeaseState,
    RunRecord,
    RunStatus,
    StepRecord,
    StepStatus,
    StoredMessage,
)

T = TypeVar("T")
Row = tuple[Any, ...]

RUN_COLUMNS: Final = (
    "id, workflow, status, created, finished, data, data_sha256, source, error,"
    " owner, epoch, beat, expires, domain, lease_s, plan"
)
MESSAGE_COLUMNS: Final = "id, type, version, run_id, created, body, seq"
_NUMBER: Final = (int, float)
_RUN_TYPES: Final = {
    **dict.fromkeys(("id", "workflow", "data_sha256", "source"), str),
    "created": _NUMBER,
    "finished": (*_NUMBER, type(None)),
    "data": dict,
    "error": (dict, type(None)),
}
_LEASE_TYPES: Final = {
    **dict.fromkeys(("owner", "domain"), str),
    **dict.fromkeys(("epoch", "beat"), int),
    **dict.fromkeys(("expires", "lease_s"), _NUMBER),
}
_STEP_TYPES: Final = {
    **dict.fromkeys(("name", "reason"), str),
    **dict.fromkeys(("attempt", "launches"), int),
    **dict.fromkeys(("started", "seconds"), (*_NUMBER, type(None))),
    **dict.fromkeys(("key", "output", "verdict", "error"), (dict, type(None))),
    "unseen": list,
}


def run_values(run: RunRecord) -> Row:
    """A run's row, in the order of `RUN_COLUMNS`."""
    lease = run.lease
    return (
        *(run.id, run.workflow, run.status, run.created, run.finished, json.dumps(run.data)),
        *(run.data_sha256, run.source, json.dumps(run.error) if run.error else None),
        *(lease.owner, lease.epoch, lease.beat, lease.expires, lease.domain, lease.lease_s),
        json.dumps(run.plan),
    )


def run_of(row: Row) -> RunRecord:
    """Decode a row of `RUN_COLUMNS`.

    Raises:
        CorruptHomeError: it is damaged.
    """

    def decode() -> RunRecord:
        run = RunRecord(
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
            plan=tuple(map(str, json.loads(row[15]))),
        )
        _require(run.lease, _LEASE_TYPES)
        _require(run, _RUN_TYPES, get_args(RunStatus))
        return run

    return _decoded(f"run {row[0]!r}", decode)


def step_of(run_id: str, name: str, body: str) -> StepRecord:
    """Decode a step's row.

    Raises:
        CorruptHomeError: it is damaged.
    """

    def decode() -> StepRecord:
        step = StepRecord.from_json(body)
        _require(step, _STEP_TYPES, get_args(StepStatus))
        if step.name != name:
            raise ValueError(f"it holds step {step.name!r}")
        return step

    return _decoded(f"step {name!r} of run {run_id!r}", decode)


def document_of(collection: str, row: Row) -> Document:
    """Decode (key, revision, value).

    Raises:
        CorruptHomeError: it is damaged.
    """

    def decode() -> Document:
        document = Document(row[0], int(row[1]), json.loads(row[2]))
        if not isinstance(document.value, dict):
            raise ValueError(f"expected an object, got {type(document.value).__name__}")
        return document

    return _decoded(f"{collection} {row[0]!r}", decode)


def message_of(row: Row) -> StoredMessage:
    """Decode a row of `MESSAGE_COLUMNS`; a damaged one is a message of no known type.

    So a reader gets past it; `aios doctor` names it.
    """
    try:
        return sound_message_of(row)
    except CorruptHomeError:
        return StoredMessage(str(row[0]), "", 1, str(row[3]), 0.0, {}, row[6])


def sound_message_of(row: Row) -> StoredMessage:
    """Decode a row of `MESSAGE_COLUMNS`."""

    def decode() -> StoredMessage:
        body = json.loads(row[5])
        return StoredMessage(row[0], row[1], int(row[2]), row[3], float(row[4]), dict(body), row[6])

    return _decoded(f"message {row[6]}", decode)


def _decoded(what: str, decode: Callable[[], T]) -> T:
    try:
        return decode()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CorruptHomeError(
            f"{what}: its row in the home's database is damaged ({error}); 'aios doctor --home"
            " HOME' lists what is, and backups/ may hold it undamaged"
        ) from error


def _require(record: Any, types: dict[str, Any], statuses: tuple[str, ...] = ()) -> None:
    for name, expected in types.items():
        value = getattr(record, name)
        if not isinstance(value, expected):
            raise TypeError(f"{name}: got {value!r:.80}")
    if statuses and record.status not in statuses:
        raise ValueError(f"status: got {record.status!r:.80}")
