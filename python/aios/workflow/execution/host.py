"""The engine room of a manager: drives its runs, beats for their leases, has attempts executed.

The timekeeper's thread beats and expires; executors' threads call steps and commit their results.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from aios.errors import AiosError
from aios.home.bus import Bus
from aios.home.clock import Clock
from aios.home.error_text import (
    error_json,
    is_home_full,
    recordable,
    text_of,
    traceback_of,
)
from aios.home.home import Home
from aios.home.messages import RunTakenOver
from aios.home.store import LeaseLostError, RunRecord, StepRecord
from aios.telemetry.metrics import WorkflowMetrics
from aios.telemetry.tracing import Tracing
from aios.workflow.execution.cache_key import environment
from aios.workflow.execution.code_digest import StepCode, step_code
from aios.workflow.execution.context import StepCancelledError
from aios.workflow.execution.executor import Attempt, Compute, Executor, Limits
from aios.workflow.execution.leases import Claims
from aios.workflow.execution.placement import Executors
from aios.workflow.execution.run_events import Failed, Finished, RetryDue
from aios.workflow.execution.run_machine import Hashes, RunMachine
from aios.workflow.execution.run_writer import RunWriter, time_out
from aios.workflow.execution.timekeeper import Timekeeper
from aios.workflow.gates import GateFailedError
from aios.workflow.workflow import Workflow

_log = logging.getLogger("aios.workflow")


class Registered(NamedTuple):
    """A workflow, and its code and environment by step as they were at registration."""

    workflow: Workflow
    code: Mapping[str, StepCode]
    environment: Mapping[str, Mapping[str, str]]


class Host:
    """Drives the runs of one manager.

    Args:
        home: where runs are kept.
        bus: what wakes readers of messages.
        owner: names the manager in leases.
        clock: for leases and records.
        lease_s: how long a lease lasts without a beat.
        executor: who executes steps first: "local", a name, or an executor.
        limits: how much may be executed at the same time.
        max_active_runs: how many runs are driven at the same time.
        metrics: what counts runs and steps.
        tracing: what makes spans of them.
    """

    def __init__(
        self,
        home: Home,
        bus: Bus,
        *,
        owner: str,
        clock: Clock,
        lease_s: float,
        executor: str | Executor,
        limits: Limits,
        max_active_runs: int,
        metrics: WorkflowMetrics,
        tracing: Tracing,
    ) -> None:
        self.lease_s = lease_s
        self.workflows: dict[str, Registered] = {}
        self.claims = Claims(home.store, clock, self, owner=owner, lease_s=lease_s)
        self.executors = Executors(executor, limits)
        self.time = Timekeeper(self._beat, self._expire, lease_s=lease_s)
        self.time.polls.append(self._take_over)
        self._home = home
        self._bus = bus
        self._clock = clock
        self._metrics = metrics
        self._tracing = tracing
        self._max_active_runs = max_active_runs
        self._lock = threading.Lock()
        self._writers: dict[str, RunWriter] = {}
        self._failures: dict[str, AiosError] = {}
        self._closed = False

    # --- runs ------------------------------------------------------------------------------------

    def register(self, workflow: Workflow) -> None:
        """Make a workflow known, and look for runs of it."""
        steps = workflow.plan.steps
        self.workflows[workflow.id] = Registered(
            workflow,
            {name: step_code(step) for name, step in steps.items()},
            {name: environment(step.packages) for name, step in steps.items()},
        )
        self.time.start()
        self.time.poke()

    def workflow(self, workflow_id: str) -> Workflow | None:
        """A registered workflow."""
        found = self.workflows.get(workflow_id)
        return None if found is None else found.workflow

    def knows(self, workflow: str) -> bool:
        """True if the workflow is registered."""
        return workflow in self.workflows

    def room(self) -> int:
        """How many more runs than now may be driven here."""
        return self._max_active_runs - len(self._writers)

    def owns(self, run_id: str) -> bool:
        """True while this manager drives the run."""
        return run_id in self._writers

    def active(self) -> int:
        """How many runs this manager drives."""
        return len(self._writers)

    def failure(self, run_id: str) -> AiosError | None:
        """Why this manager had to let go of a run that isn't over, such as a full disk."""
        return self._failures.get(run_id)

    def forgive(self, run_id: str) -> None:
        """Let this manager take the run again."""
        self._failures.pop(run_id, None)

    def let_go(self, run_id: str, error: AiosError) -> None:
        """Remember why a run can't be driven here."""
        with self._lock:
            self._failures[run_id] = error

    def adopt(self, run: RunRecord, *, fresh: bool = False) -> None:
        """Drive a run whose lease this manager has just got."""
        self.drop(run.id)
        workflow, code, versions = self.workflows[run.workflow]
        records = {} if fresh else self._home.store.steps(run.id)
        hashes = Hashes(
            {name: item.hash for name, item in code.items()},
            versions,
            run.data_sha256,
            {name: item.unseen for name, item in code.items()},
        )
        machine = RunMachine(workflow.plan, hashes, records)
        writer = RunWriter(run, workflow, self._home, self._clock, self, machine)
        with self._lock:
            if self._closed:
                writer.close(release=True)
                return
            self._writers[run.id] = writer
            self._failures.pop(run.id, None)
        self._metrics.run_started(run.workflow)
        self._tracing.run_started(run.id, run.workflow)
        taken_over = RunTakenOver(
            id=f"{run.id}/{run.lease.epoch}/taken-over", run_id=run.id, epoch=run.lease.epoch
        )
        writer.start([] if fresh else [taken_over])

    def drop(self, run_id: str) -> None:
        """Stop driving a run that another manager, or a later writer, owns now."""
        writer = self._writers.get(run_id)
        if writer is not None:
            writer.close()
            self.ended(writer, None)

    def close(self, timeout_s: float) -> None:
        """Free all leases, tell steps, kill child processes, wait up to `timeout_s` for steps."""
        with self._lock:
            self._closed = True
        self.time.stop(timeout_s)
        writers = list(self._writers.values())
        deadline = time.monotonic() + timeout_s
        for writer in writers:
            writer.close(release=True)
        self.executors.close()
        for writer in writers:
            for attempt in list(writer.attempts.values()):
                while attempt.started and not attempt.over and time.monotonic() < deadline:
                    time.sleep(0.002)
        self._writers.clear()
        self._tracing.close()
        self._bus.committed()

    # --- the writer's host -----------------------------------------------------------------------

    def launch(self, writer: RunWriter, attempt: Attempt) -> None:
        """Give an attempt to the executor of its step; one that can't take it has failed."""
        try:
            executor = self.executors.of(attempt.step)
            executor.submit(attempt, functools.partial(self._perform, writer, attempt))
        except Exception as error:
            failed = Failed(attempt.launch.task, attempt.launch.launch, error_json(error), 0.0)
            self.time.later(0.0, lambda: writer.deliver(failed))

    def later(self, writer: RunWriter, task: str, delay_s: float) -> None:
        """Queue a retry."""
        self.time.later(delay_s, lambda: writer.deliver(RetryDue(task)))

    def recorded(self, writer: RunWriter, records: Sequence[StepRecord], status: str) -> None:
        """Count what was committed, and wake readers of messages."""
        for record in records:
            if record.status != "RUNNING":
                self._metrics.step_ended(writer.workflow.id, record)
        if status == "SUCCESS":
            self._home.forget_checkpoints(writer.run.id)
        if status:
            self._metrics.run_ended(writer.workflow.id, status)
            self._tracing.run_ended(writer.run.id, status)
            _log.info(
                "run ended",
                extra={"run_id": writer.run.id, "workflow": writer.workflow.id, "status": status},
            )
        self._bus.committed()

    def ended(self, writer: RunWriter, error: AiosError | None) -> None:
        """Forget a writer."""
        with self._lock:
            if self._writers.get(writer.run.id) is not writer:
                return
            if error is not None:
                self._failures[writer.run.id] = error
            del self._writers[writer.run.id]
        for attempt in list(writer.attempts.values()):
            if not attempt.over:
                self._give_up(attempt)
        self._tracing.run_ended(writer.run.id)
        self.executors.release(writer.run.id)
        self.time.poke()
        self._bus.committed()

    def _give_up(self, attempt: Attempt) -> None:
        """Stop waiting for an attempt; its result will be ignored."""
        attempt.context.cancelled.set()
        self.executors.cancel(attempt)

    # --- an executor's thread --------------------------------------------------------------------

    def _perform(self, writer: RunWriter, attempt: Attempt, compute: Compute) -> None:
        """Execute an attempt, if it is wanted still, and tell its writer how it ended."""
        if writer.closed:
            attempt.over = True
            return
        attempt.started = time.monotonic()
        limit_s = attempt.step.timeout_s
        if limit_s is not None and not self.executors.of(attempt.step).keeps_time:
            attempt.deadline = attempt.started + limit_s
            self.time.wake()
        try:
            event = self._outcome(writer, attempt, compute)
            context = attempt.context
            if isinstance(event, Finished):
                writer.deliver(event, context.changes, durable=context.durable)
            elif event is not None:
                writer.deliver(event)
        finally:
            attempt.context.home.release()
            attempt.over = True

    def _outcome(
        self, writer: RunWriter, attempt: Attempt, compute: Compute
    ) -> Finished | Failed | None:
        """Call the step; its span ends here, before the run's may. None: nobody asks any more."""
        launch, context = attempt.launch, attempt.context
        started = attempt.started or time.monotonic()
        with self._tracing.step(writer.run.id, launch.task, launch.attempt) as span:
            try:
                context.publish = self._bus.publish
                output = compute(attempt)
            except BaseException as error:
                span.failed(error)
                return self._raised(writer, attempt, error)
        seconds = time.monotonic() - started
        return Finished(launch.task, launch.launch, output, seconds, context.verdict)

    def _raised(self, writer: RunWriter, attempt: Attempt, error: BaseException) -> Failed | None:
        launch, kind = attempt.launch, type(error)
        if issubclass(kind, StepCancelledError) and attempt.context.cancelled.is_set():
            return None
        if issubclass(kind, LeaseLostError):
            writer.close()
            self.ended(writer, None)
            return None
        if is_home_full(error) and isinstance(error, AiosError):
            with writer.lock:
                if not writer.closed:
                    writer.close()
                    self.ended(writer, error)
            return None
        ours = issubclass(kind, AiosError)
        _log.warning(
            "step failed: %s",
            text_of(error) if ours else traceback_of(error),
            extra={"run_id": writer.run.id, "step": launch.task},
        )
        return Failed(
            *(launch.task, launch.launch, error_json(error)),
            seconds=time.monotonic() - (attempt.started or time.monotonic()),
            final=issubclass(kind, GateFailedError),
            verdict=recordable(attempt.context.verdict),
        )

    # --- the timekeeper's thread -----------------------------------------------------------------

    def _beat(self) -> None:
        with self._lock:
            writers = list(self._writers.values())
        if not writers:
            return
        leases = [writer.lease for writer in writers]
        lost = self._home.store.heartbeat(leases, self._clock.lease(), self.lease_s)
        for writer, lease in zip(writers, leases, strict=True):
            if lease.run_id in lost and not writer.closed:
                _log.info("run %s: its lease is lost", lease.run_id)
                writer.close()
                self.ended(writer, None)

    def _take_over(self) -> None:
        if self.workflows and not self.claims.take_over():
            self.time.later(0.01, self._take_over)

    def _expire(self, now: float) -> Iterator[float]:
        """End attempts that are past their time; yields the deadlines of the others."""
        for writer in list(self._writers.values()):
            for attempt in list(writer.attempts.values()):
                if attempt.deadline is None or attempt.over:
                    continue
                if now < attempt.deadline:
                    yield attempt.deadline
                    continue
                self._give_up(attempt)
                writer.deliver(time_out(attempt))
