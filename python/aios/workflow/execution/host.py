"""The engine room of a manager: drives its runs, beats for their leases, executes attempts.

The timekeeper's thread beats and expires; worker threads execute steps and commit their results.
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
from aios.workflow.execution.run_writer import RunDriver, time_out
from aios.workflow.execution.timekeeper import Timekeeper
from aios.workflow.gates import GateFailedError
from aios.workflow.workflow import Workflow

_log = logging.getLogger("aios.workflow")


class Registered(NamedTuple):
    """A workflow, and its code and environment by step as they were at registration."""

    workflow: Workflow
    code: Mapping[str, StepCode]
    environment: Mapping[str, Mapping[str, str]]


class Runner:
    """Drives the runs of one manager. `owner` names it in leases."""

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
        self._drivers: dict[str, RunDriver] = {}
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
        return self._max_active_runs - len(self._drivers)

    def owns(self, run_id: str) -> bool:
        """True while this manager drives the run."""
        return run_id in self._drivers

    def active(self) -> int:
        """How many runs this manager drives."""
        return len(self._drivers)

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
        driver = RunDriver(run, workflow, self._home, self._clock, self, machine)
        with self._lock:
            if self._closed:
                driver.close(release=True)
                return
            self._drivers[run.id] = driver
            self._failures.pop(run.id, None)
        self._metrics.run_started(run.workflow)
        self._tracing.run_started(run.id, run.workflow)
        taken_over = RunTakenOver(
            id=f"{run.id}/{run.lease.epoch}/taken-over", run_id=run.id, epoch=run.lease.epoch
        )
        driver.start([] if fresh else [taken_over])

    def drop(self, run_id: str) -> None:
        """Stop driving a run that another manager, or a later driver, owns now."""
        driver = self._drivers.get(run_id)
        if driver is not None:
            driver.close()
            self.ended(driver, None)

    def close(self, timeout_s: float) -> None:
        """Free all leases, tell steps, kill child processes, wait up to `timeout_s` for steps."""
        with self._lock:
            self._closed = True
        self.time.stop(timeout_s)
        drivers = list(self._drivers.values())
        deadline = time.monotonic() + timeout_s
        for driver in drivers:
            driver.close(release=True)
        self.executors.close()
        for driver in drivers:
            for attempt in list(driver.attempts.values()):
                while attempt.started and not attempt.over and time.monotonic() < deadline:
                    time.sleep(0.002)
        self._drivers.clear()
        self._tracing.close()
        self._bus.committed()

    # --- the driver's host -----------------------------------------------------------------------

    def launch(self, driver: RunDriver, attempt: Attempt) -> None:
        """Give an attempt to the executor of its step."""
        executor = self.executors.of(attempt.step)
        executor.submit(attempt, functools.partial(self._perform, driver, attempt))

    def later(self, driver: RunDriver, task: str, delay_s: float) -> None:
        """Queue a retry."""
        self.time.later(delay_s, lambda: driver.deliver(RetryDue(task)))

    def recorded(self, driver: RunDriver, records: Sequence[StepRecord], status: str) -> None:
        """Count what was committed, and wake readers of messages."""
        for record in records:
            if record.status != "RUNNING":
                self._metrics.step_ended(driver.workflow.id, record)
        if status == "SUCCESS":
            self._home.forget_checkpoints(driver.run.id)
        if status:
            self._metrics.run_ended(driver.workflow.id, status)
            self._tracing.run_ended(driver.run.id, status)
            _log.info(
                "run ended",
                extra={"run_id": driver.run.id, "workflow": driver.workflow.id, "status": status},
            )
        self._bus.committed()

    def ended(self, driver: RunDriver, error: AiosError | None) -> None:
        """Forget a driver."""
        with self._lock:
            if self._drivers.get(driver.run.id) is not driver:
                return
            if error is not None:
                self._failures[driver.run.id] = error
            del self._drivers[driver.run.id]
        for attempt in list(driver.attempts.values()):
            if not attempt.over:
                self._give_up(attempt)
        self._tracing.run_ended(driver.run.id)
        self.executors.release(driver.run.id)
        self.time.poke()
        self._bus.committed()

    def _give_up(self, attempt: Attempt) -> None:
        """Stop waiting for an attempt; its result will be ignored."""
        attempt.context.cancelled.set()
        self.executors.of(attempt.step).cancel(attempt)

    # --- an executor's thread --------------------------------------------------------------------

    def _perform(self, driver: RunDriver, attempt: Attempt, compute: Compute) -> None:
        """Execute an attempt, if it is wanted still, and tell its driver how it ended."""
        if driver.closed:
            attempt.over = True
            return
        attempt.started = time.monotonic()
        limit_s = attempt.step.timeout_s
        if limit_s is not None and not self.executors.of(attempt.step).keeps_time:
            attempt.deadline = attempt.started + limit_s
            self.time.wake()
        try:
            event = self._outcome(driver, attempt, compute)
            context = attempt.context
            if isinstance(event, Finished):
                driver.deliver(event, context.changes, durable=context.durable)
            elif event is not None:
                driver.deliver(event)
        finally:
            attempt.context.home.release()
            attempt.over = True

    def _outcome(
        self, driver: RunDriver, attempt: Attempt, compute: Compute
    ) -> Finished | Failed | None:
        """Call the step; its span ends here, before the run's may. None: nobody asks any more."""
        launch, context = attempt.launch, attempt.context
        started = attempt.started or time.monotonic()
        with self._tracing.step(driver.run.id, launch.task, launch.attempt) as span:
            try:
                context.publish = self._bus.publish
                output = compute(attempt)
            except BaseException as error:
                span.failed(error)
                return self._raised(driver, attempt, error)
        seconds = time.monotonic() - started
        return Finished(launch.task, launch.launch, output, seconds, context.verdict)

    def _raised(self, driver: RunDriver, attempt: Attempt, error: BaseException) -> Failed | None:
        launch, kind = attempt.launch, type(error)
        if issubclass(kind, StepCancelledError) and attempt.context.cancelled.is_set():
            return None
        if issubclass(kind, LeaseLostError):
            driver.close()
            self.ended(driver, None)
            return None
        if is_home_full(error) and isinstance(error, AiosError):
            with driver.lock:
                if not driver.closed:
                    driver.close()
                    self.ended(driver, error)
            return None
        ours = issubclass(kind, AiosError)
        _log.warning(
            "step failed: %s",
            text_of(error) if ours else traceback_of(error),
            extra={"run_id": driver.run.id, "step": launch.task},
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
            drivers = list(self._drivers.values())
        if not drivers:
            return
        leases = [driver.lease for driver in drivers]
        lost = self._home.store.heartbeat(leases, self._clock.lease(), self.lease_s)
        for driver, lease in zip(drivers, leases, strict=True):
            if lease.run_id in lost and not driver.closed:
                _log.info("run %s: its lease is lost", lease.run_id)
                driver.close()
                self.ended(driver, None)

    def _take_over(self) -> None:
        if self.workflows and not self.claims.take_over():
            self.time.later(0.01, self._take_over)

    def _expire(self, now: float) -> Iterator[float]:
        """End attempts that are past their time; yields the deadlines of the others."""
        for driver in list(self._drivers.values()):
            for attempt in list(driver.attempts.values()):
                if attempt.deadline is None or attempt.over:
                    continue
                if now < attempt.deadline:
                    yield attempt.deadline
                    continue
                self._give_up(attempt)
                driver.deliver(time_out(attempt))
