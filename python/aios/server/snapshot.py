"""What versions have answered, read at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from aios.server.library import ModelEntry

if TYPE_CHECKING:
    from aios._core import ExecutionTotals

GRPC = "-grpc"


class Requests(NamedTuple):
    """Of one protocol, by how they went."""

    protocol: str
    ok: int
    client_error: int
    server_error: int

    @property
    def is_any(self) -> bool:
        """Whether there were some."""
        return self.ok + self.client_error + self.server_error > 0


class Answered(NamedTuple):
    """Requests that went well: `latency` is their count by bucket, `latency_us` its sum."""

    protocol: str
    task: str
    signature: str
    latency: Sequence[int]
    latency_us: float
    samples: int


class Batch(NamedTuple):
    """Runs of a model in batches of one size; 0 samples stand for all that are larger."""

    samples: int
    executions: int
    input_ns: int
    infer_ns: int
    output_ns: int


class Executions(NamedTuple):
    """How a model was run."""

    inference_count: int = 0
    execution_count: int = 0
    queued: int = 0
    queue_ns: int = 0
    refused: int = 0
    expired: int = 0
    cancelled: int = 0
    batches: Sequence[Batch] = ()


#: Of a model that wasn't run.
NONE = Executions()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version; what it answered is empty where it doesn't answer."""

    name: str
    version: int
    engine: str | None
    is_proven: bool
    requests: Sequence[Requests] = ()
    answered: Sequence[Answered] = ()
    failed_us: float = 0.0
    last_ms: int = 0
    executions: Executions = NONE

    @property
    def is_ready(self) -> bool:
        """Whether it answers."""
        return self.engine is not None


def snapshots(entries: Iterable[ModelEntry]) -> list[Snapshot]:
    """Every version's."""
    return [snapshot(entry) for entry in entries]


def snapshot(entry: ModelEntry) -> Snapshot:
    """One version's."""
    # Read once: it may be taken down at any moment.
    model, bridge = entry.model, entry.bridge
    name, version = entry.key
    if model is None or bridge is None:
        return Snapshot(name, version, None, entry.found.is_proven)
    return Snapshot(
        name,
        version,
        bridge.engine,
        entry.found.is_proven,
        [Requests(protocol, *counts) for protocol, counts, *_ in model.totals()],
        [Answered(*row) for row in model.answered()],
        model.failed_us(),
        model.last_ms(),
        _executions(model.executions()),
    )


def _executions(totals: ExecutionTotals) -> Executions:
    return Executions(
        totals.inference_count,
        totals.execution_count,
        totals.queued,
        totals.queue_ns,
        totals.refused,
        totals.expired,
        totals.cancelled,
        [Batch(*row) for row in totals.batches],
    )
