"""How a manager gets its runs: it starts them, resumes them, or takes them over; or ends them.

One claim at a time: what a manager takes over by itself, its user can't resume at the same moment,
so no run is driven twice in a process and no step starts twice for nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

from aios.errors import AiosError
from aios.home.clock import Clock
from aios.home.messages import RunFinished
from aios.home.owner import is_gone
from aios.home.store import (
    AddMessage,
    Change,
    Claim,
    FinishRun,
    Lease,
    PutStep,
    RunRecord,
    Store,
    leased,
)

_log = logging.getLogger("aios.workflow")
_MOST_CLAIMED: Final = 500


class ClaimHost(Protocol):
    """What claims ask of the host, which drives the runs that were claimed."""

    def knows(self, workflow: str) -> bool:
        """True if runs of this workflow can be driven here."""

    def room(self) -> int:
        """How many more runs may be driven at the same time."""

    def owns(self, run_id: str) -> bool:
        """True while the run is driven here."""

    def failure(self, run_id: str) -> AiosError | None:
        """Why the run was let go of, if it was."""

    def forgive(self, run_id: str) -> None:
        """Forget that the run was let go of."""

    def adopt(self, run: RunRecord, *, fresh: bool = False) -> None:
        """Drive a run whose lease was just got."""

    def drop(self, run_id: str) -> None:
        """Stop driving a run."""

    def let_go(self, run_id: str, error: AiosError) -> None:
        """Remember why a run can't be driven here."""


class Claims:
    """The claims of one manager, which `owner` names. Safe from any thread."""

    def __init__(
        self, store: Store, clock: Clock, host: ClaimHost, *, owner: str, lease_s: float
    ) -> None:
        self._store = store
        self._clock = clock
        self._host = host
        self._owner = owner
        self._lease_s = lease_s
        self._one = threading.Lock()
        self._stalled: dict[str, tuple[int, int, float]] = {}

    def start(self, run: RunRecord, changes: Sequence[Change]) -> None:
        """Store a new run, and drive it if there is room; else it waits in the store."""
        with self._one:
            mine = self._host.room() > 0
            if mine:
                run = leased(run, self._owner, self._clock.lease(), self._lease_s)
            if self._store.create_run(run, changes) and mine:
                self._host.adopt(run, fresh=True)

    def resume(self, run: RunRecord) -> None:
        """Drive a run whoever held it, unless it is driven here or has succeeded."""
        with self._one:
            (run,) = self._store.runs(run_id=run.id) or (run,)
            driven = self._host.owns(run.id) and run.lease.owner == self._owner
            if run.status == "SUCCESS" or (run.status == "RUNNING" and driven):
                return
            self._host.forgive(run.id)
            for taken in self._store.claim(self._forced(run.id, reopen=True)):
                self._host.adopt(taken)

    def cancel(self, run_id: str) -> bool:
        """Fence whoever drives a run, and end it; False when it was over already."""
        with self._one:
            for taken in self._store.claim(self._forced(run_id)):
                self._host.drop(run_id)
                lease = Lease(run_id, taken.lease.owner, taken.lease.epoch)
                self._store.commit(self._cancellation(taken), lease=lease, durable=True)
                return True
            return False

    def take_over(self) -> bool:
        """Claim unfinished runs of known workflows whose lease is over or whose owner is gone.

        Returns False, and does nothing, while another claim is under way: the caller beats for the
        leases of all runs and must not wait.
        """
        if not self._one.acquire(blocking=False):
            return False
        try:
            room = self._host.room()
            if room > 0:
                self._take_over(room)
        finally:
            self._one.release()
        return True

    def _take_over(self, room: int) -> None:
        now = self._clock.lease()
        vouched: dict[str, tuple[int, int]] = {}
        free: list[str] = []
        unfinished = self._store.runs(status="RUNNING", limit=10_000, strict=False)
        waiting = [run for run in unfinished if self._may(run)]
        for run in waiting:
            if run.lease.ended(now):
                free.append(run.id)
            elif is_gone(run.lease.owner) or self._has_stalled(run):
                vouched[run.id] = (run.lease.epoch, run.lease.beat)
        self._stalled = {
            run.id: self._stalled[run.id] for run in waiting if run.id in self._stalled
        }
        wanted = (*free, *vouched)[:_MOST_CLAIMED]
        if not wanted:
            return
        claim = Claim(self._owner, now, self._lease_s, wanted, limit=room, vouched=vouched)
        for run in self._store.claim(claim):
            try:
                self._host.adopt(run)
            except AiosError as error:
                self._host.let_go(run.id, error)
                _log.error("run %s can't go on here: %s", run.id, error)

    def _may(self, run: RunRecord) -> bool:
        host = self._host
        return host.knows(run.workflow) and not host.owns(run.id) and host.failure(run.id) is None

    def _has_stalled(self, run: RunRecord) -> bool:
        """For a lease of another clock domain: its beat stood still for a whole lease."""
        lease, now = run.lease, self._clock.lease()
        if lease.domain == now.domain:
            return False
        seen = self._stalled.get(run.id)
        if seen is None or seen[:2] != (lease.epoch, lease.beat):
            self._stalled[run.id] = (lease.epoch, lease.beat, now.seconds)
            return False
        return now.seconds - seen[2] >= lease.lease_s

    def _cancellation(self, run: RunRecord) -> list[Change]:
        cancelled = [
            PutStep(replace(item, status="CANCELLED"))
            for item in self._store.steps(run.id).values()
            if item.status in ("RUNNING", "RETRYING")
        ]
        finished = RunFinished(
            id=f"{run.id}/{run.lease.epoch}/finished",
            run_id=run.id,
            workflow=run.workflow,
            status="CANCELLED",
        )
        error = {"type": "Cancelled", "code": 1, "message": "cancelled by its user"}
        return [
            *cancelled,
            AddMessage(finished.to_stored()),
            FinishRun("CANCELLED", self._clock.wall(), error),
        ]

    def _forced(self, run_id: str, *, reopen: bool = False) -> Claim:
        now = self._clock.lease()
        return Claim(self._owner, now, self._lease_s, (run_id,), force=True, reopen=reopen)
