"""A run in the hands of its user: status, steps, result, live events. Works from any process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any, Protocol

from aios.errors import AiosError, DeadlineExceededError, NotFoundError, WorkflowFailedError
from aios.home.bus import Bus
from aios.home.codec import ValueRef
from aios.home.home import Home
from aios.home.messages import Message, from_stored
from aios.home.store import RunRecord, RunStatus
from aios.workflow.execution.reports import RunReport, StepReport
from aios.workflow.values import load_value

_POLL_S = 0.05


class Manager(Protocol):
    """What a handle asks its manager."""

    @property
    def home(self) -> Home:
        """Where the run is kept."""

    @property
    def bus(self) -> Bus:
        """What tells of new messages."""

    def run_record(self, run_id: str) -> RunRecord:
        """The run as it is stored."""

    def report(self, run_id: str) -> RunReport:
        """The run as it is told."""

    def failure(self, run_id: str) -> AiosError | None:
        """Why the manager had to let go of the run."""

    def cancel(self, run_id: str) -> bool:
        """Ends the run."""


class RunHandle:
    """One run. It reads the store each time, so it also shows what other processes do."""

    def __init__(self, manager: Manager, run_id: str) -> None:
        self._manager = manager
        self.id = run_id

    @property
    def status(self) -> RunStatus:
        """RUNNING, SUCCESS, FAILED or CANCELLED."""
        return self._manager.run_record(self.id).status

    @property
    def workflow(self) -> str:
        """The id of the workflow that it is a run of."""
        return self._manager.run_record(self.id).workflow

    @property
    def steps(self) -> tuple[StepReport, ...]:
        """The steps so far, in the workflow's order."""
        return self.report().steps

    def report(self) -> RunReport:
        """The run as it stands."""
        return self._manager.report(self.id)

    def result(self, timeout_s: float | None = None) -> RunReport:
        """Wait for the end.

        Raises:
            WorkflowFailedError: it ended FAILED or CANCELLED; says which step and why.
            DeadlineExceededError: it goes on, and `timeout_s` is over.
            AiosError: this manager had to let go of the run, for instance because the disk is full.
        """
        give_up = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            status = self.status
            if status != "RUNNING":
                return self._outcome(status)
            failure = self._manager.failure(self.id)
            if failure is not None:
                raise failure
            left = _POLL_S if give_up is None else min(_POLL_S, give_up - time.monotonic())
            if left <= 0:
                raise DeadlineExceededError(
                    f"run {self.id} still goes on after {timeout_s:g} s; it isn't affected: wait"
                    " longer, or cancel it"
                )
            self._manager.bus.wait(left)

    async def result_async(self, timeout_s: float | None = None) -> RunReport:
        """`result` for coroutines."""
        return await asyncio.to_thread(self.result, timeout_s)

    def __await__(self) -> Generator[Any, None, RunReport]:
        return self.result_async().__await__()

    def output(self, step: str) -> Any:
        """What a finished step returned.

        Raises:
            NotFoundError: no such step in this run, or it hasn't finished.
        """
        for item in self.steps:
            if item.name == step and item.status == "SUCCESS" and item.output is not None:
                return load_value(ValueRef.from_json(item.output), self._manager.home.content)
        done = [item.name for item in self.steps if item.status == "SUCCESS"]
        raise NotFoundError(
            f"run {self.id}: step '{step}' has no result; finished: {', '.join(done) or 'none'}"
        )

    def events(self, after: int = 0) -> Iterator[Message]:
        """The run's durable messages from the first one on, live, until the run is over.

        Args:
            after: skip messages up to this `seq`.
        """
        while True:
            over = self.status != "RUNNING"
            batch = self._manager.home.store.messages(after, run_id=self.id)
            for stored in batch:
                after = stored.seq
                yield from_stored(stored)
            if not batch:
                if over or self._manager.failure(self.id) is not None:
                    return
                self._manager.bus.wait(_POLL_S)

    async def events_async(self) -> AsyncIterator[Message]:
        """`events` for coroutines."""
        stream = self.events()
        while (message := await asyncio.to_thread(next, stream, None)) is not None:
            yield message

    def cancel(self) -> bool:
        """See `AICellManager.cancel`."""
        return self._manager.cancel(self.id)

    def __repr__(self) -> str:
        try:
            run = self._manager.run_record(self.id)
        except AiosError:  # as when the manager is closed
            return f"<Run {self.id}>"
        return f"<Run {self.id} of {run.workflow}: {run.status}>"

    def _outcome(self, status: RunStatus) -> RunReport:
        report = self.report()
        if status == "SUCCESS":
            return report
        error = report.error or {}
        where = f" in step '{error['step']}'" if error.get("step") else ""
        why = f": {error['type']}: {error['message']}" if error else ""
        raise WorkflowFailedError(
            f"run {self.id} of '{report.workflow}' ended {status}{where}{why}; when the cause is"
            f" gone, resume('{self.id}') goes on from there",
            report,
        )
