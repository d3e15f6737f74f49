"""One run that this manager owns: commits what its machine decides, then does it."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from aios.errors import AiosError, InternalError, InvalidArgumentError
from aios.home.clock import Clock
from aios.home.codec import ValueRef, bounded
from aios.home.error_text import error_json, text_of, traceback_of
from aios.home.home import Home
from aios.home.home_files import HomeFiles
from aios.home.messages import Message, RunFinished, StepFinished, StepStarted
from aios.home.store import (
    AddMessage,
    Change,
    ConflictError,
    FinishRun,
    Lease,
    LeaseLostError,
    PutStep,
    ReleaseRun,
    RunRecord,
    SetPlan,
    StepRecord,
)
from aios.registry.registry import Registry
from aios.workflow.execution.cache_key import key_digest
from aios.workflow.execution.context import StepContext
from aios.workflow.execution.executor import Attempt
from aios.workflow.execution.run_events import (
    Complete,
    Conflicted,
    Event,
    Failed,
    Finished,
    Instruction,
    Launch,
    Record,
    RetryLater,
)
from aios.workflow.execution.run_machine import RunMachine
from aios.workflow.steps import Step
from aios.workflow.workflow import Workflow

_log = logging.getLogger("aios.workflow")


class WriterHost(Protocol):
    """What a writer asks of its host."""

    def launch(self, writer: RunWriter, attempt: Attempt) -> None:
        """Run an attempt on a worker."""

    def later(self, writer: RunWriter, task: str, delay_s: float) -> None:
        """Send `RetryDue(task)` after a pause."""

    def ended(self, writer: RunWriter, error: AiosError | None) -> None:
        """The writer is done.

        The run is over, its lease is lost, or its store failed with `error`.
        """

    def recorded(self, writer: RunWriter, records: Sequence[StepRecord], status: str) -> None:
        """These records (and, unless empty, the run's final status) were committed."""


@dataclass(slots=True, eq=False)
class RunWriter:
    """The only one who writes a run's records while its lease is held; safe from any thread.

    Its lock is held during commits, so that records are written in order.

    Attributes:
        run: the run as it was claimed, with its lease.
        workflow: what it is a run of.
        home: where it is kept.
        clock: for the times in records.
        host: executes attempts, and is told of ends.
        machine: the state of the run as it is committed.
        attempts: those that were launched and haven't ended, by task.
        lock: held while an event is taken.
        closed: true when nothing is written any more.
    """

    run: RunRecord
    workflow: Workflow
    home: Home
    clock: Clock
    host: WriterHost
    machine: RunMachine
    attempts: dict[str, Attempt] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    closed: bool = False

    @property
    def lease(self) -> Lease:
        """The lease under which everything is written."""
        return Lease(self.run.id, self.run.lease.owner, self.run.lease.epoch)

    def start(self, messages: Sequence[Message] = ()) -> None:
        """Launch what is ready."""
        with self.lock:
            extra: list[Change] = [AddMessage(item.to_stored()) for item in messages]
            plan = tuple(self.workflow.plan.steps)
            if self.run.plan != plan:
                extra.append(SetPlan(plan))
            trial = self.machine.clone()
            self._commit_and_act(trial, trial.start(self.clock.wall()), extra, durable=False)

    def deliver(
        self, event: Event, changes: Sequence[Change] = (), *, durable: bool = False
    ) -> None:
        """Take an event; `changes` are committed with it, or not at all if it comes too late."""
        with self.lock:
            if self.closed:
                return
            trial = self.machine.clone()
            instructions = trial.handle(event, self.clock.wall())
            if not instructions:
                self.machine = trial  # a retry that is due may have to queue
                return
            self.attempts.pop(event.task, None)
            name = event.task.partition("[")[0]
            if isinstance(event, Finished):
                durable = durable or self.workflow.plan.steps[name].durable
            self._commit_and_act(trial, instructions, list(changes), durable=durable, event=event)

    def close(self, *, release: bool = False) -> None:
        """Stop: ask attempts to end; `release` frees the lease for another manager."""
        with self.lock:
            if self.closed:
                return
            self.closed = True
            for attempt in self.attempts.values():
                attempt.context.cancelled.set()
            if release:
                try:
                    self.home.store.commit([ReleaseRun()], lease=self.lease)
                except AiosError as error:
                    _log.info("run %s: its lease ends by itself: %s", self.run.id, error)

    def _commit_and_act(
        self,
        trial: RunMachine,
        instructions: list[Instruction],
        extra: list[Change],
        *,
        durable: bool,
        event: Event | None = None,
    ) -> None:
        try:
            with self.home.work() as files:
                instructions = [self._fitting(trial, item, files) for item in instructions]
                changes = extra + self._changes(instructions)
                self.home.store.commit(changes, lease=self.lease, durable=durable)
        except ConflictError as error:
            self._run_again(event, error)
            return
        except LeaseLostError as error:
            _log.info("run %s: %s", self.run.id, error)
            self._end(None)
            return
        except Exception as error:
            self._unrecorded(event, error)
            return
        self.machine = trial
        records = [item.step for item in instructions if isinstance(item, Record)]
        final = next((item.status for item in instructions if isinstance(item, Complete)), "")
        self.host.recorded(self, records, final)
        for instruction in instructions:
            self._act(instruction)

    def _fitting(
        self, trial: RunMachine, instruction: Instruction, files: HomeFiles
    ) -> Instruction:
        """The list that a fan-out makes, as a file where it is too large for a record."""
        if not isinstance(instruction, Record) or instruction.step.output is None:
            return instruction
        step = self.workflow.plan.steps.get(instruction.step.name)
        if step is None or step.over is None:
            return instruction
        output = bounded(ValueRef.from_json(instruction.step.output), files.content)
        record = replace(instruction.step, output=output.to_json())
        trial.records[record.name] = record
        return Record(record)

    def _run_again(self, event: Event | None, error: ConflictError) -> None:
        if isinstance(event, Finished):
            self._again(Conflicted(event.task, event.launch))
        else:
            self._end(error)

    def _unrecorded(self, event: Event | None, error: Exception) -> None:
        """What a step left can't be stored: the step has failed. Else the home has: let go."""
        homes_fault = isinstance(error, AiosError) and not isinstance(error, InvalidArgumentError)
        if isinstance(event, Finished) and not homes_fault:
            message = f"what it returned, sent or changed can't be recorded: {text_of(error)}"
            cause = {**error_json(error), "message": message}
            self._again(Failed(event.task, event.launch, cause, event.seconds))
            return
        _log.error("run %s: can't be recorded: %s", self.run.id, traceback_of(error))
        self._end(error if isinstance(error, AiosError) else InternalError(text_of(error)))

    def _again(self, event: Event) -> None:
        trial = self.machine.clone()
        instructions = trial.handle(event, self.clock.wall())
        self._commit_and_act(trial, instructions, [], durable=False, event=event)

    def _act(self, instruction: Instruction) -> None:
        match instruction:
            case Launch():
                step = self.workflow.plan.steps[instruction.step]
                inputs = functools.partial(self._inputs, step)
                attempt = Attempt(instruction, step, self._context(instruction), inputs)
                self.attempts[instruction.task] = attempt
                self.host.launch(self, attempt)
            case RetryLater(task, delay_s):
                self.host.later(self, task, delay_s)
            case Complete():
                self._end(None)

    def _end(self, error: AiosError | None) -> None:
        self.closed = True
        for attempt in self.attempts.values():
            attempt.context.cancelled.set()
        self.host.ended(self, error)

    def _context(self, launch: Launch) -> StepContext:
        return StepContext(
            run_id=self.run.id,
            workflow=self.workflow.id,
            step=launch.task,
            attempt=launch.attempt,
            home=HomeFiles(self.home.path),
            data_sha256=self.run.data_sha256,
            key=key_digest(self.machine.records[launch.task].key),
            store=self.home.store,
            registry=Registry(self.home, self.clock),
            commit=self._commit_effect,
        )

    def _inputs(self, step: Step) -> dict[str, ValueRef]:
        """What the step's parameters get from other steps, and from the run's data."""
        records = self.machine.records
        found = {
            parameter: ValueRef.from_json(records[source].output or {})
            for parameter, source in self.workflow.plan.inputs[step.name].items()
        }
        if "data" in step.parameters():
            found["data"] = ValueRef.from_json(self.run.data)
        return found

    def _commit_effect(self, changes: list[Change], durable: bool) -> None:
        self.home.store.commit(changes, lease=self.lease, durable=durable)
        self.host.recorded(self, (), "")

    def _changes(self, instructions: list[Instruction]) -> list[Change]:
        changes: list[Change] = []
        for instruction in instructions:
            if isinstance(instruction, Record):
                changes.append(PutStep(instruction.step))
                message = self._message(instruction.step)
                if message is not None:
                    changes.append(AddMessage(message.to_stored()))
            elif isinstance(instruction, Complete):
                error = instruction.error
                finished = RunFinished(
                    id=f"{self.run.id}/{self.run.lease.epoch}/finished",
                    run_id=self.run.id,
                    workflow=self.workflow.id,
                    status=instruction.status,
                    error=f"{error['step']}: {error['message']}" if error else "",
                )
                changes.append(AddMessage(finished.to_stored()))
                changes.append(FinishRun(instruction.status, self.clock.wall(), error))
        return changes

    def _message(self, record: StepRecord) -> Message | None:
        key = f"{self.run.id}/{record.name}/{record.launches}"
        if record.status == "RUNNING":
            return StepStarted(
                id=f"{key}/started",
                run_id=self.run.id,
                step=record.name,
                attempt=record.attempt,
                reason=record.reason,
            )
        if record.status in ("RETIRED", "STALE"):
            return None
        return StepFinished(
            id=f"{key}/{record.status}",
            run_id=self.run.id,
            step=record.name,
            status=record.status,
            seconds=record.seconds or 0.0,
            attempt=record.attempt,
            error=str((record.error or {}).get("message", "")),
        )


def time_out(attempt: Attempt) -> Failed:
    """The event of an attempt that has used up its time."""
    started = attempt.started or time.monotonic()
    limit = (attempt.deadline or started) - started
    message = (
        f"step '{attempt.launch.task}' took longer than its timeout_s of {limit:g};"
        " raise timeout_s, or mark the step isolated=True so that it can be killed"
    )
    error = {"type": "DeadlineExceededError", "code": 4, "message": message}
    return Failed(attempt.launch.task, attempt.launch.launch, error, time.monotonic() - started)
