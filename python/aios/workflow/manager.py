"""`AICellManager`: durable workflows, the registry and its deployed models, in one home."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from aios.deployment.predictor import Loader, Predictor
from aios.errors import AiosError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from aios.home.bus import Bus, Subscription
from aios.home.clock import Clock, SystemClock
from aios.home.home import DEFAULT_HOME, Home
from aios.home.messages import Message
from aios.home.owner import new_owner
from aios.home.sqlite_file import Mode
from aios.home.store import AddMessage, RunRecord, RunStatus
from aios.registry.model_version import ModelVersion
from aios.registry.registry import Registry
from aios.registry.retention import PruneReport, Retention, RetentionKeeper, prune
from aios.telemetry.metrics import WorkflowMetrics
from aios.telemetry.tracing import tracing_for
from aios.workflow.execution.executor import Executor, Limits
from aios.workflow.execution.host import Host
from aios.workflow.execution.reports import RunReport, run_report
from aios.workflow.execution.scheduler import Schedule
from aios.workflow.execution.starter import Starter
from aios.workflow.handle import RunHandle
from aios.workflow.workflow import Workflow


class AICellManager:
    """Runs workflows that survive a kill, keeps the models they make, and answers with them.

    Nothing is global: any number of managers may live in a process, on one home or several, and any
    number of processes may open one home. All methods are safe from any thread. `close` it, or use
    it in a `with`.

    Args:
        home: the folder; made when it isn't there.
        lease_s: how long the runs of a manager that vanished wait for another one.
        workers: threads for steps; default: one per CPU, at least 4.
        processes: child processes that train at the same time; default: one per CPU.
        executor: "local": threads, and child processes for isolated steps; or the name of an
            executor that another package adds, or one, which comes first for the steps it takes.
        max_active_runs: further runs wait in the store.
        loader: makes a deployed model from a bundle's path; default: `aios.load`.
        tracing: True: OpenTelemetry spans; or a `TracerProvider` to use.
        clock: for tests.
        mode: "create" makes a home if there is none; "open" refuses a folder that isn't one; "read"
            does too, and looks at the home as it is now without changing it.
        retention: prune the home now and then, while workflows are registered; None: only when
            `prune` is called.

    Raises:
        NotFoundError: there is no home, and none was to be made.
        FailedPreconditionError: the home can't be written, or is on a network file system.
        CorruptHomeError: its database is damaged.
        UnsupportedError: a later release has written it.
    """

    def __init__(
        self,
        home: str | os.PathLike[str] = DEFAULT_HOME,
        *,
        lease_s: float = 10.0,
        workers: int | None = None,
        processes: int | None = None,
        executor: str | Executor = "local",
        max_active_runs: int = 64,
        loader: Loader | None = None,
        tracing: Any = None,
        clock: Clock | None = None,
        mode: Mode = "create",
        retention: Retention | None = None,
    ) -> None:
        if not 0.05 <= lease_s <= 3600:
            raise InvalidArgumentError(f"lease_s: expected 0.05 to 3600, such as 10, got {lease_s}")
        cpus = len(os.sched_getaffinity(0))
        self._clock = clock or SystemClock()
        self._owner = new_owner()
        self._pid = os.getpid()
        self._closed = False
        self._lock = threading.Lock()
        traces = tracing_for(tracing)
        self.home = Home(home, mode=mode)
        self.metrics = WorkflowMetrics()
        self.bus = Bus(self.home.store)
        self.registry = Registry(self.home, self._clock, self.bus.committed)
        self._predictor = Predictor(self.home, self.registry, self.bus, loader)
        self._host = Host(
            self.home,
            self.bus,
            owner=self._owner,
            clock=self._clock,
            lease_s=lease_s,
            executor=executor,
            limits=Limits(workers or max(4, cpus), processes or max(1, cpus)),
            max_active_runs=max_active_runs,
            metrics=self.metrics,
            tracing=traces,
        )
        self._starter = Starter(self.home, self._clock, self._host)
        self._host.time.polls.append(self._starter.schedules.tick)
        self._keeper: RetentionKeeper | None = None
        if retention is not None:
            self._keeper = RetentionKeeper(self.home, self._clock, retention)
            self._host.time.polls.append(self._keeper.tick)

    # --- workflows -------------------------------------------------------------------------------

    def register_workflow(self, workflow: Workflow) -> Workflow:
        """Make a workflow known; unfinished runs of it are taken over from now on.

        Registering another one under the same id replaces it for runs that start or resume from now
        on.
        """
        self._check_open()
        if self.home.store.mode == "read":
            raise FailedPreconditionError(
                f"the manager of {self.home.path} was opened to read; workflows need mode='open'"
            )
        if not isinstance(workflow, Workflow):
            raise InvalidArgumentError(
                f"expected an aios.Workflow, got {type(workflow).__name__}; wrap your steps in"
                " aios.Workflow(id='…', steps=[…])"
            )
        self._host.register(workflow)
        return workflow

    def execute_workflow(
        self, workflow_id: str, data: Any = None, *, source: str = ""
    ) -> RunHandle:
        """Store `data` by content, start a run, and return its handle without waiting.

        Args:
            workflow_id: a registered workflow.
            data: what steps get as `data`: an `aios.TrainingData`, or any value a step may return.
            source: where the workflow comes from, as "module:name", so that the CLI can resume it.

        Raises:
            NotFoundError: the workflow isn't registered here.
            InvalidArgumentError: `data` holds something that can't be stored.
            OverloadedError: the disk is full.
        """
        self._check_open()
        return RunHandle(self, self._starter.start(self._workflow(workflow_id), data, source))

    async def execute_workflow_async(
        self, workflow_id: str, data: Any = None, *, source: str = ""
    ) -> RunHandle:
        """`execute_workflow` for coroutines; await the handle for the final report."""
        return await asyncio.to_thread(self.execute_workflow, workflow_id, data, source=source)

    def runs(
        self, *, workflow: str | None = None, status: RunStatus | None = None, limit: int = 100
    ) -> list[RunHandle]:
        """Runs in this home, newest first."""
        self._check_open()
        found = self.home.store.runs(workflow=workflow, status=status, limit=limit)
        return [RunHandle(self, run.id) for run in found]

    def run(self, run_id: str) -> RunHandle:
        """The handle of a run in this home.

        Raises:
            NotFoundError: there is none with this id.
        """
        return RunHandle(self, self.run_record(run_id).id)

    def resume(self, run_id: str) -> RunHandle:
        """Go on with a run at once, whoever held it.

        A failed or cancelled one goes on where it stopped. Finished steps are used again if their
        code, inputs and environment are the same. A manager that still worked on the run loses its
        lease, and what it does from then on isn't recorded.

        Raises:
            NotFoundError: no such run, or its workflow isn't registered here.
        """
        self._check_open()
        run = self.run_record(run_id)
        if run.status != "SUCCESS":
            self._workflow(run.workflow)
            self._host.claims.resume(run)
        return RunHandle(self, run_id)

    def cancel(self, run_id: str) -> bool:
        """End a run now, whoever works on it; its steps are told, its child processes killed.

        Returns False when it was over already. A step that has committed stays committed.
        """
        self._check_open()
        if self.run_record(run_id).status != "RUNNING":
            return False
        ended = self._host.claims.cancel(run_id)
        self.bus.committed()
        return ended

    def schedule(
        self,
        workflow_id: str,
        data: Any = None,
        *,
        every_s: float,
        name: str = "",
        start_at: float | None = None,
    ) -> Schedule:
        """Start a run every `every_s` seconds, by any living manager that knows the workflow.

        Args:
            workflow_id: a registered workflow.
            data: stored once, given to each run; let a step fetch what must be fresh.
            every_s: the interval by the wall clock; times missed while nobody lived are made up for
                by one run.
            name: the schedule's name; setting it again replaces it. Default: the workflow's id.
            start_at: the first time, in seconds since 1970; default: in `every_s`.
        """
        self._check_open()
        workflow = self._workflow(workflow_id)
        return self._starter.schedule(name or workflow_id, workflow, data, every_s, start_at)

    def schedules(self) -> list[Schedule]:
        """The schedules of this home."""
        return self._starter.schedules.all()

    def unschedule(self, name: str) -> bool:
        """Remove a schedule; False when there was none."""
        return self._starter.schedules.remove(name)

    # --- messages --------------------------------------------------------------------------------

    def subscribe(
        self,
        types: type[Message] | tuple[type[Message], ...],
        callback: Callable[[Any], object],
        *,
        name: str = "",
        capacity: int | None = None,
    ) -> Subscription:
        """Call `callback(message)` for each message of these types, from any process on this home.

        Without `name`: what is sent from now on. With it: also what was sent while nobody listened
        under that name, at least once. Callbacks run on one thread of the manager, one after
        another.
        """
        self._check_open()
        return self.bus.subscribe(types, callback, name=name, capacity=capacity)

    def publish(self, message: Message, *, durable: bool = False) -> None:
        """Send a message: as telemetry within this process, or to the store and all processes."""
        self._check_open()
        if durable:
            self.home.store.commit([AddMessage(message.to_stored())])
            self.bus.committed()
        else:
            self.bus.publish(message)

    # --- models ----------------------------------------------------------------------------------

    def predict(self, model: str, x: Any, **options: Any) -> Any:
        """Answer with a deployed model: "name" or "name@alias" (default champion) or "name@3".

        One call is answered by exactly one version, also while an alias moves. The first call of a
        version loads it.
        """
        return self._predictor.predict(model, x, **options)

    def promote(self, name: str, version: int, alias: str = "champion") -> ModelVersion:
        """Let an alias answer with `version`, atomically, once the version is loaded and works."""
        self._check_open()
        self._predictor.preload(name, version)
        promoted = self.registry.promote(name, version, alias)
        self._predictor.refresh()
        return promoted

    def rollback(self, name: str, alias: str = "champion") -> ModelVersion:
        """Let an alias answer with the version that it had before."""
        self._check_open()
        target = self.registry.rollback_target(name, alias)
        self._predictor.preload(name, target)
        back = self.registry.rollback(name, alias)
        self._predictor.refresh()
        return back

    def watch(self) -> list[dict[str, Any]]:
        """Per deployed version used here: calls, errors, latency, throughput, drift."""
        return self._predictor.watch()

    def prometheus(self) -> str:
        """Everything counted by this manager, in Prometheus's text format."""
        lines = [*self.metrics.text(), *self._predictor.text(), *self.bus.text()]
        return "\n".join(lines) + "\n"

    # --- the home --------------------------------------------------------------------------------

    def prune(
        self, keep_days: float = 30, keep_runs: int = 100, keep_versions: int | None = None
    ) -> PruneReport:
        """Remove what isn't kept: see `Retention`. Other managers may be at work meanwhile.

        Runs that go on, and what registered versions and aliases name, are never removed. A kill at
        any moment loses nothing that is kept.

        Raises:
            UnavailableError: another process prunes or copies this home.
        """
        self._check_open()
        wanted = Retention(keep_days, keep_runs, keep_versions)
        return prune(self.home, self._clock, wanted)

    # --- plumbing --------------------------------------------------------------------------------

    def report(self, run_id: str) -> RunReport:
        """The report of a run."""
        run = self.run_record(run_id)
        workflow = self._host.workflow(run.workflow)
        order = tuple(workflow.plan.steps) if workflow else ()
        return run_report(run, self.home.store.steps(run_id).values(), order)

    def run_record(self, run_id: str) -> RunRecord:
        """A run's record.

        Raises:
            NotFoundError: there is no such run in this home.
        """
        found = self.home.store.runs(run_id=run_id)
        if not found:
            raise NotFoundError(
                f"no run '{run_id}' in {self.home.path}; 'aios workflow list' shows the runs"
                " there are"
            )
        return found[0]

    def failure(self, run_id: str) -> AiosError | None:
        """Why a run can't go on here, unless another manager has taken it since."""
        failure = self._host.failure(run_id)
        if failure is None or self.run_record(run_id).lease.owner not in ("", self._owner):
            return None
        return failure

    def close(self, timeout_s: float = 5.0) -> None:
        """Stop: tell running steps, and wait up to `timeout_s` for them; kill child processes.

        Unfinished runs stay RUNNING: another manager takes them over, or a later one resumes them.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        if self._keeper is not None:
            self._keeper.close(timeout_s)
        self._host.close(timeout_s)
        self.bus.close()
        self._predictor.close()
        self.home.close()

    def __repr__(self) -> str:
        if self._closed:
            return f"<AICellManager of {self.home.path}: closed>"
        return (
            f"<AICellManager of {self.home.path}: {len(self._host.workflows)} workflows, drives"
            f" {self._host.active()} runs>"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _workflow(self, workflow_id: str) -> Workflow:
        workflow = self._host.workflow(workflow_id)
        if workflow is None:
            known = ", ".join(sorted(self._host.workflows)) or "none"
            raise NotFoundError(
                f"workflow '{workflow_id}' isn't registered in this process (registered: {known});"
                " call register_workflow(aios.Workflow(…)) first"
            )
        return workflow

    def _check_open(self) -> None:
        if self._closed:
            raise FailedPreconditionError(
                f"the manager of {self.home.path} is closed; open a new one"
            )
        if self._pid != os.getpid():
            raise FailedPreconditionError(
                "the manager was opened before a fork; open a new one in the child process"
            )
