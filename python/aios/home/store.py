"""The manager's durable state: records, and the `Store` protocol that keeps them.

Any implementation must give these guarantees, which `tests/conformance/store.py` checks:

* **One transaction.** `commit` applies all of its changes or none.
* **Fencing.** A `commit` under a lease applies only while the run still has that owner and that
  epoch. Every claim raises the epoch by one, so whatever a former owner still does is refused.
* **Leases.** A claim needs the lease to be free, ended on the clock domain that wrote it, or
  vouched dead by the caller as it was (same epoch and beat). A reader on another clock domain
  can't compare readings: it must have seen the beat stand still for a whole lease on its own
  clock, and vouch so. The store itself reads no clock, and the wall clock plays no part.
* **Messages** have a unique id; a second message with the same id is dropped. `seq` grows in the
  order of commits: a reader that has seen one has seen all before it. (A store whose
  transactions commit out of order, such as Postgres, must give out `seq` under a lock.)
* **Documents** carry a revision, 1 when created, and can be changed only from the one expected.
* **Removal.** A run that goes on is never removed; one that is, is removed whole.
* **Damage.** A row that can't be decoded is a `CorruptHomeError` that names it; it never keeps a
  manager from claiming another run, or a reader from the messages after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from aios.errors import FailedPreconditionError
from aios.home.clock import ClockReading

RunStatus = Literal["RUNNING", "SUCCESS", "FAILED", "CANCELLED"]
StepStatus = Literal["RUNNING", "RETRYING", "SUCCESS", "FAILED", "CANCELLED", "STALE", "RETIRED"]
Json = dict[str, Any]


class LeaseLostError(FailedPreconditionError):
    """Another manager owns the run now, or it was cancelled; nothing was written."""


class ConflictError(FailedPreconditionError):
    """A document isn't at the revision expected; nothing was written. Read again and retry."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write a run's steps: it holds while owner and epoch are the run's."""

    run_id: str
    owner: str
    epoch: int


@dataclass(frozen=True, slots=True)
class LeaseState:
    """A run's lease as stored. `owner` is empty when nobody holds it."""

    owner: str = ""
    epoch: int = 0
    beat: int = 0
    expires: float = 0.0
    domain: str = ""
    lease_s: float = 0.0

    def ended(self, now: ClockReading) -> bool:
        """True when free, or past its end on the clock that it was written on."""
        return not self.owner or (self.domain == now.domain and now.seconds >= self.expires)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One execution of a workflow.

    `data` is the encoded reference to its input; `plan` names its workflow's steps, in order.
    """

    id: str
    workflow: str
    status: RunStatus
    created: float
    data: Json
    data_sha256: str = ""
    source: str = ""
    finished: float | None = None
    error: Json | None = None
    lease: LeaseState = field(default_factory=LeaseState)
    plan: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepRecord:
    """The state of one step, or of one element `name[i]` of a step that fans out.

    `launches` counts every start in the life of the run; `attempt` counts those since it last was
    new. `key` holds the parts of its cache key; `reason` says why a finished step ran again, and
    `unseen` what of its code the key doesn't cover.
    """

    name: str
    status: StepStatus
    attempt: int = 0
    launches: int = 0
    started: float | None = None
    seconds: float | None = None
    key: Json | None = None
    output: Json | None = None
    verdict: Json | None = None
    error: Json | None = None
    reason: str = ""
    unseen: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        """Encode for storage."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> StepRecord:
        """Decode; fields written by a later version are ignored."""
        known = StepRecord.__dataclass_fields__
        return StepRecord(**{k: v for k, v in json.loads(text).items() if k in known})


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as kept: `body` is its JSON; `seq` is 0 until it is stored."""

    id: str
    type: str
    version: int
    run_id: str
    created: float
    body: Json
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """A small JSON value under a key, with the revision to change it from."""

    key: str
    revision: int
    value: Json


class Reference(NamedTuple):
    """Text of a row that may name contents by their hash.

    `owner` is "run", with the run's `status`, or the collection of a document.
    """

    owner: str
    status: str
    text: str


@dataclass(frozen=True, slots=True)
class PutStep:
    """Write a step's record (needs a lease)."""

    step: StepRecord


@dataclass(frozen=True, slots=True)
class FinishRun:
    """Set a run's final status and free its lease (needs a lease)."""

    status: RunStatus
    finished: float
    error: Json | None = None


@dataclass(frozen=True, slots=True)
class ReleaseRun:
    """Free the lease of a run that goes on later (needs a lease)."""


@dataclass(frozen=True, slots=True)
class SetPlan:
    """The run goes on with these steps (needs a lease)."""

    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddMessage:
    """Append a message; one with a known id is dropped."""

    message: StoredMessage


@dataclass(frozen=True, slots=True)
class PutDocument:
    """Write (or, with `value=None`, delete) a document from revision `expect`.

    0 = absent, -1 = any.
    """

    collection: str
    key: str
    value: Json | None
    expect: int = -1


@dataclass(frozen=True, slots=True)
class CheckDocument:
    """Refuse the commit unless the document is at revision `expect` (0 = absent)."""

    collection: str
    key: str
    expect: int


Change = PutStep | FinishRun | ReleaseRun | SetPlan | AddMessage | PutDocument | CheckDocument


@dataclass(frozen=True, slots=True)
class Claim:
    """Ask for the leases of up to `limit` of these runs, oldest first.

    `vouched` maps a run to the (epoch, beat) of a lease that the caller knows to be dead. `force`
    takes a run whoever holds it; `reopen` also one that has failed or was cancelled.
    """

    owner: str
    now: ClockReading
    lease_s: float
    run_ids: tuple[str, ...]
    limit: int = 1
    vouched: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    force: bool = False
    reopen: bool = False


class Store(Protocol):
    """Durable state of one home; safe from any thread. See the module for the guarantees."""

    def create_run(self, run: RunRecord, changes: Sequence[Change] = ()) -> bool:
        """Store a new run with its lease; False, and nothing is written, if its id is taken."""

    def claim(self, claim: Claim) -> list[RunRecord]:
        """Take leases; the runs are returned with their new lease, oldest first."""

    def heartbeat(self, leases: Sequence[Lease], now: ClockReading, lease_s: float) -> set[str]:
        """Extend leases; returns the ids of the runs whose lease is lost."""

    def commit(
        self, changes: Sequence[Change], *, lease: Lease | None = None, durable: bool = False
    ) -> None:
        """Apply `changes` in one transaction; `durable`: on the disk when it returns.

        Raises:
            LeaseLostError: `lease` isn't current.
            ConflictError: a document isn't at the revision expected.
        """

    def runs(
        self,
        *,
        run_id: str | None = None,
        workflow: str | None = None,
        status: RunStatus | None = None,
        limit: int = 1000,
        strict: bool = True,
    ) -> list[RunRecord]:
        """Read runs, newest first.

        Args:
            run_id: only this one.
            workflow: only those of this workflow.
            status: only those in this state.
            limit: at most so many.
            strict: raise for a run whose row is damaged, instead of leaving it out.

        Raises:
            CorruptHomeError: a row is damaged.
        """

    def run_ids(self) -> set[str]:
        """The ids of all runs, damaged ones too."""

    def steps(self, run_id: str) -> dict[str, StepRecord]:
        """Read the steps of a run by name."""

    def messages(
        self,
        after: int = 0,
        *,
        run_id: str | None = None,
        types: Sequence[str] = (),
        limit: int = 1000,
    ) -> list[StoredMessage]:
        """Read messages, oldest first; a damaged one comes as a message of no known type.

        Args:
            after: only those with a greater `seq`.
            run_id: only those of this run.
            types: only those of these types, by name; empty for all.
            limit: at most so many.
        """

    def last_seq(self) -> int:
        """The `seq` of the newest message; 0 when there is none."""

    def documents(self, collection: str, prefix: str = "") -> list[Document]:
        """Read the documents whose key starts with `prefix`, in order of key."""

    def expired(self, before: float, keep: int) -> list[str]:
        """The runs that are over since `before` and not of the newest `keep` of their workflow."""

    def forget(self, run_ids: Sequence[str]) -> list[str]:
        """Remove runs that are over, with their steps, messages and effects, durably.

        Returns those that were removed: one that was opened again meanwhile stays.
        """

    def forget_messages(self, before: float) -> int:
        """Remove the messages of no run that are older; returns how many."""

    def references(self) -> AbstractContextManager[Iterator[Reference]]:
        """All that may name contents, as it stands at one moment; messages don't count."""

    def compact(self) -> None:
        """Give the room of what was removed back to the disk."""

    def backup(self, path: Path) -> None:
        """Write a consistent copy of the database to `path`."""

    def close(self) -> None:
        """Release files; later calls raise `FailedPreconditionError`."""


def leased(run: RunRecord, owner: str, now: ClockReading, lease_s: float) -> RunRecord:
    """`run` with its lease newly held by `owner`."""
    lease = LeaseState(
        owner=owner,
        epoch=run.lease.epoch + 1,
        beat=run.lease.beat + 1,
        expires=now.seconds + lease_s,
        domain=now.domain,
        lease_s=lease_s,
    )
    return replace(run, lease=lease)
