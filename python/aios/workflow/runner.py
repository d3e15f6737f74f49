"""The engine room of a manager: owns runs, beats for their leases, executes attempts, takes over.

One thread keeps time (heartbeats, time-outs, retries, take-overs, schedules); worker threads
execute steps and commit their results.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from aios.errors import AiosError
from aios.workflow.bus import Bus
from aios.workflow.cache_key import environment, step_code
from aios.workflow.clock import Clock
from aios.workflow.codec import ValueRef, load_element, load_value, store_value
from aios.workflow.context import StepCancelledError
from aios.workflow.gates import GateFailedError
from aios.workflow.home import Home
from aios.workflow.isolated_step import ProcessPool, run_isolated
from aios.workflow.messages import RunTakenOver
from aios.workflow.metrics import WorkflowMetrics
from aios.workflow.owner import is_gone
from aios.workflow.run_driver import Attempt, RunDriver, time_out
from aios.workflow.run_machine import Failed, Finished, Hashes, RetryDue, RunMachine, error_json
from aios.workflow.steps import Step
from aios.workflow.store import Claim, LeaseLostError, RunRecord, StepRecord
from aios.workflow.tracing import Tracing
from aios.workflow.worker_pool import WorkerPool
from aios.workflow.workflow import Workflow

_log = logging.getLogger("aios.workflow")


class Registered(NamedTuple):
    """A workflow, and the hashes of its code and environment as they were at registration."""

    workflow: Workflow
    code: Mapping[str, str]
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
        workers: int,
        processes: int,
        max_active_runs: int,
        metrics: WorkflowMetrics,
        tracing: Tracing,
    ) -> None:
        self.owner = owner
        self.lease_s = lease_s
        self.workflows: dict[str, Registered] = {}
        self.timers: list[Callable[[], None]] = []
        self._home = home
        self._bus = bus
        self._clock = clock
        self._metrics = metrics
        self._tracing = tracing
        self._max_active_runs = max_active_runs
        self._pool = WorkerPool(workers, "aios-step")
        self._isolated = WorkerPool(processes, "aios-isolated")
        self._processes = ProcessPool(processes)
        self._lock = threading.Lock()
        self._drivers: dict[str, RunDriver] = {}
        self._failures: dict[str, AiosError] = {}
        self._stalled: dict[str, tuple[int, int, float]] = {}
        self._retries: list[tuple[float, int, RunDriver, str]] = []
        self._order = itertools.count()
        self._wake = threading.Event()
        self._poll_now = False
        self._thread: threading.Thread | None = None
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
        self.start()
        self.poke()

    def workflow(self, workflow_id: str) -> Workflow | None:
        """A registered workflow."""
        found = self.workflows.get(workflow_id)
        return None if found is None else found.workflow

    def has_room(self) -> bool:
        """True while fewer than `max_active_runs` runs are driven here."""
        return len(self._drivers) < self._max_active_runs

    def owns(self, run_id: str) -> bool:
        """True while this manager drives the run."""
        return run_id in self._drivers

    def failure(self, run_id: str) -> AiosError | None:
        """Why this manager had to let go of a run that isn't over, such as a full disk."""
        return self._failures.get(run_id)

    def forgive(self, run_id: str) -> None:
        """Let this manager take the run again."""
        self._failures.pop(run_id, None)

    def adopt(self, run: RunRecord, *, fresh: bool = False) -> None:
        """Drive a run whose lease this manager has just got."""
        workflow, code, versions = self.workflows[run.workflow]
        records = {} if fresh else self._home.store.steps(run.id)
        hashes = Hashes(code, versions, run.data_sha256)
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
        """Stop driving a run that another manager owns now."""
        driver = self._drivers.get(run_id)
        if driver is not None:
            driver.close()
            self.ended(driver, None)

    def start(self) -> None:
        """Start the time-keeping thread, once."""
        with self._lock:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._loop, name="aios-runner", daemon=True)
                self._thread.start()

    def poke(self) -> None:
        """Look for runs to take over now."""
        self._poll_now = True
        self._wake.set()

    def close(self, timeout_s: float) -> None:
        """Free all leases, tell steps, kill child processes, wait up to `timeout_s` for steps."""
        with self._lock:
            self._closed = True
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)
        drivers = list(self._drivers.values())
        deadline = time.monotonic() + timeout_s
        for driver in drivers:
            driver.close(release=True)
        self._processes.close()
        for driver in drivers:
            for attempt in list(driver.attempts.values()):
                while attempt.started and not attempt.over and time.monotonic() < deadline:
                    time.sleep(0.002)
        self._pool.close()
        self._isolated.close()
        self._drivers.clear()
        self._bus.committed()

    # --- the driver's host -----------------------------------------------------------------------

    def launch(self, driver: RunDriver, attempt: Attempt) -> None:
        """Queue an attempt."""
        step = driver.workflow.plan.steps[attempt.launch.step]
        pool = self._isolated if step.isolated else self._pool
        pool.submit(lambda: self._execute(pool, driver, attempt, step))

    def later(self, driver: RunDriver, task: str, delay_s: float) -> None:
        """Queue a retry."""
        with self._lock:
            due = time.monotonic() + delay_s
            heapq.heappush(self._retries, (due, next(self._order), driver, task))
        self._wake.set()

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
            running = [item for item in driver.attempts.values() if item.started and not item.over]
            for attempt in running:
                self._give_up(driver, attempt)
        self._processes.forget(driver.run.id)
        self.poke()
        self._bus.committed()

    def _give_up(self, driver: RunDriver, attempt: Attempt) -> None:
        """Stop waiting for an attempt: its thread is replaced, and its result will be ignored."""
        attempt.context.cancelled.set()
        if not attempt.given_up:
            attempt.given_up = True
            step = driver.workflow.plan.steps[attempt.launch.step]
            (self._isolated if step.isolated else self._pool).give_up()

    # --- workers ---------------------------------------------------------------------------------

    def _execute(self, pool: WorkerPool, driver: RunDriver, attempt: Attempt, step: Step) -> None:
        if driver.closed:
            attempt.over = True
            return
        attempt.started = time.monotonic()
        if step.timeout_s is not None:
            attempt.deadline = attempt.started + step.timeout_s
            if not step.isolated:
                self._wake.set()
        launch, context = attempt.launch, attempt.context
        with self._tracing.step(driver.run.id, launch.task, launch.attempt) as span:
            try:
                output = self._call(driver, attempt, step)
            except BaseException as error:
                self._raised(driver, attempt, error)
                span.failed(error)
            else:
                seconds = time.monotonic() - attempt.started
                event = Finished(launch.task, launch.launch, output, seconds, context.verdict)
                driver.deliver(event, context.changes, durable=context.durable)
        with self._lock:
            attempt.over = True
            if attempt.given_up:
                pool.reclaim()

    def _call(self, driver: RunDriver, attempt: Attempt, step: Step) -> ValueRef:
        """Call the step's function and store what it returns."""
        launch, context, content = attempt.launch, attempt.context, self._home.content
        context.publish = self._bus.publish
        references = self._inputs(driver, launch.step)
        if step.isolated:
            return run_isolated(self._processes, step, context, references, launch.index)
        arguments: dict[str, Any] = dict(step.constants)
        for parameter, reference in references.items():
            if parameter == step.over and launch.index is not None:
                arguments[parameter] = load_element(reference, launch.index, content)
            else:
                arguments[parameter] = load_value(reference, content)
        if "context" in step.parameters():
            arguments["context"] = context
        return store_value(step.function(**arguments), content)

    def _inputs(self, driver: RunDriver, name: str) -> dict[str, ValueRef]:
        plan, records = driver.workflow.plan, driver.machine.records
        found = {
            parameter: ValueRef.from_json(records[source].output or {})
            for parameter, source in plan.inputs[name].items()
        }
        if "data" in plan.steps[name].parameters():
            found["data"] = ValueRef.from_json(driver.run.data)
        return found

    def _raised(self, driver: RunDriver, attempt: Attempt, error: BaseException) -> None:
        launch = attempt.launch
        if isinstance(error, StepCancelledError) and attempt.context.cancelled.is_set():
            return
        if isinstance(error, LeaseLostError):
            driver.close()
            self.ended(driver, None)
            return
        if _is_disk_full(error):
            with driver.lock:
                if not driver.closed:
                    driver.close()
                    self.ended(driver, error if isinstance(error, AiosError) else None)
            return
        _log.warning(
            "step failed: %s",
            error,
            extra={"run_id": driver.run.id, "step": launch.task},
            exc_info=not isinstance(error, AiosError),
        )
        seconds = time.monotonic() - (attempt.started or time.monotonic())
        final = isinstance(error, GateFailedError)
        driver.deliver(
            Failed(
                *(launch.task, launch.launch, error_json(error), seconds),
                final=final,
                verdict=attempt.context.verdict,
            )
        )

    # --- the time-keeping thread -----------------------------------------------------------------

    def _loop(self) -> None:
        beat_s = self.lease_s / 4
        poll_s = min(self.lease_s / 4, 0.5)
        next_beat = next_poll = 0.0
        while not self._closed:
            now = time.monotonic()
            try:
                if now >= next_beat:
                    next_beat = now + beat_s
                    self._beat()
                if now >= next_poll or self._poll_now:
                    self._poll_now = False
                    next_poll = now + poll_s
                    self._take_over()
                    for timer in self.timers:
                        timer()
                self._expire(now)
                self._retry(now)
            except AiosError as error:
                if not self._closed:
                    _log.warning("the home can't be used now: %s", error)
            except Exception:
                _log.exception("a bug in the runner; it goes on")
            until = min([next_beat, next_poll, *self._deadlines()])
            self._wake.wait(max(0.0, until - time.monotonic()))
            self._wake.clear()

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
        """Claim unfinished runs of registered workflows whose lease is over or whose owner is gone.

        Laim unfinished runs of registered workflows whose lease is over or whose owner is gone.
        """
        room = self._max_active_runs - len(self._drivers)
        if room <= 0 or not self.workflows:
            return
        now = self._clock.lease()
        vouched: dict[str, tuple[int, int]] = {}
        free: list[str] = []
        waiting = [
            run
            for run in self._home.store.runs(status="RUNNING", limit=10_000)
            if run.workflow in self.workflows
            and run.id not in self._drivers
            and run.id not in self._failures
        ]
        for run in waiting:
            if run.lease.ended(now):
                free.append(run.id)
            elif is_gone(run.lease.owner) or self._has_stalled(run):
                vouched[run.id] = (run.lease.epoch, run.lease.beat)
        self._stalled = {
            run.id: self._stalled[run.id] for run in waiting if run.id in self._stalled
        }
        wanted = (*free, *vouched)[:500]
        if not wanted:
            return
        claim = Claim(self.owner, now, self.lease_s, wanted, limit=room, vouched=vouched)
        for run in self._home.store.claim(claim):
            self._adopt_or_log(run)

    def _adopt_or_log(self, run: RunRecord) -> None:
        try:
            self.adopt(run)
        except AiosError as error:
            with self._lock:
                self._failures[run.id] = error
            _log.error("run %s can't go on here: %s", run.id, error)

    def _has_stalled(self, run: RunRecord) -> bool:
        """For a lease of another clock domain.

        Its beat stood still for a whole lease, seen from here.
        """
        lease, now = run.lease, self._clock.lease()
        if lease.domain == now.domain:
            return False
        seen = self._stalled.get(run.id)
        if seen is None or seen[:2] != (lease.epoch, lease.beat):
            self._stalled[run.id] = (lease.epoch, lease.beat, now.seconds)
            return False
        return now.seconds - seen[2] >= lease.lease_s

    def _expire(self, now: float) -> None:
        for driver in list(self._drivers.values()):
            for attempt in list(driver.attempts.values()):
                if attempt.deadline is None or attempt.over or now < attempt.deadline:
                    continue
                if not driver.workflow.plan.steps[attempt.launch.step].isolated:
                    with self._lock:
                        self._give_up(driver, attempt)
                    driver.deliver(time_out(attempt))

    def _deadlines(self) -> list[float]:
        with self._lock:
            found = [self._retries[0][0]] if self._retries else []
        for driver in list(self._drivers.values()):
            for attempt in list(driver.attempts.values()):
                isolated = driver.workflow.plan.steps[attempt.launch.step].isolated
                if attempt.deadline is not None and not attempt.over and not isolated:
                    found.append(attempt.deadline)
        return found

    def _retry(self, now: float) -> None:
        due = []
        with self._lock:
            while self._retries and self._retries[0][0] <= now:
                due.append(heapq.heappop(self._retries))
        for _, _, driver, task in due:
            driver.deliver(RetryDue(task))


def _is_disk_full(error: BaseException) -> bool:
    return isinstance(error, AiosError) and error.code == 8 and "no space left" in str(error)
