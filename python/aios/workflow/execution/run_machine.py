"""The life of a run as a pure machine: events in, instructions out; no clock, no thread, no disk.

The machine is given the plan, the records of earlier attempts, and the hashes that make cache keys.
It decides what to launch, what to use again and why not, when to retry, and how the run ends. The
run's writer commits what it says to record before doing what it says to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from aios.errors import InternalError
from aios.home.codec import ValueRef, combine
from aios.home.store import Json, StepRecord
from aios.workflow.execution.cache_key import cache_key, difference
from aios.workflow.execution.run_events import (
    Complete,
    Conflicted,
    Event,
    Failed,
    Finished,
    Happening,
    Instruction,
    Launch,
    Record,
    RetryDue,
    RetryLater,
)
from aios.workflow.steps import Plan

MAX_INTERRUPTIONS: Final = 50
_MAX_BACKOFF_S: Final = 60.0
_CONFLICT: Final = "another writer came first"


@dataclass(frozen=True, slots=True)
class Hashes:
    """What cache keys are made of.

    Attributes:
        code: the hash of each step's code.
        environment: the versions that each step's result depends on, by package.
        data: the hash of the run's input.
        unseen: what of each step's code no hash covers.
    """

    code: Mapping[str, str]
    environment: Mapping[str, Mapping[str, str]]
    data: str
    unseen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class RunMachine:
    """The state of one run. `clone` before `handle`, and keep the clone once it is committed.

    A task is a step, or one element `step[index]` that it fans out over.

    Attributes:
        plan: the steps, and what each waits for.
        hashes: what their cache keys are made of.
        records: the last record of each task.
        parallel: how many tasks may run at the same time.
        running: tasks that were launched and haven't ended.
        paused: tasks that wait for their retry to be due.
        done: tasks whose result holds.
        reran: steps that had a result, which no longer held.
        over: true when the run has ended.
    """

    plan: Plan
    hashes: Hashes
    records: dict[str, StepRecord]
    parallel: int = 16
    running: set[str] = field(default_factory=set)
    paused: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    reran: set[str] = field(default_factory=set)
    over: bool = False
    #: The story so far, last first, each with what came before it: a clone shares it for nothing.
    told: tuple[Happening, Any] | None = field(default=None, repr=False, compare=False)

    def clone(self) -> RunMachine:
        """A copy that can be advanced without changing this one."""
        return replace(
            self,
            records=dict(self.records),
            running=set(self.running),
            paused=set(self.paused),
            done=set(self.done),
            reran=set(self.reran),
        )

    def start(self, now: float) -> list[Instruction]:
        """Begin, or go on from the records."""
        out: list[Instruction] = []
        for name, record in list(self.records.items()):
            if name.partition("[")[0] not in self.plan.steps and record.status != "RETIRED":
                self._record(
                    out, replace(record, status="RETIRED", reason="no longer in the workflow")
                )
        return self._advance(out, now)

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Take one event.

        One that belongs to an earlier launch, or comes after the end, is ignored.
        """
        out: list[Instruction] = []
        if self.over or not self._current(event):
            return out
        match event:
            case Finished():
                self._finish(out, event)
            case Failed():
                self._fail(out, event)
            case Conflicted(task):
                self.running.discard(task)
                self._keep(replace(self.records[task], status="STALE", reason=_CONFLICT))
            case RetryDue(task):
                self.paused.discard(task)
        return out if self.over else self._advance(out, now)

    def story(self, step: str) -> list[Happening]:
        """What became of a step, or of one of its elements, in order and with the reasons.

        Args:
            step: a step's name, for it and all its elements; or one task, such as "fit[2]".
        """
        found, rest = [], self.told
        while rest is not None:
            happening, rest = rest
            if step in (happening.task, happening.task.partition("[")[0]):
                found.append(happening)
        return found[::-1]

    def validate(self) -> None:
        """Check what holds after `start` and after each event; for tests.

        Raises:
            InternalError: something doesn't; tells the story of the task.
        """
        for task, wrong in self._broken():
            story = "; ".join(map(str, self.story(task)))
            raise InternalError(f"run machine: '{task}' {wrong}; its story: {story or 'none'}")

    def _broken(self) -> Iterator[tuple[str, str]]:
        """Tasks that are in a state that can't be, and what is wrong with each."""
        states = {"RUNNING": self.running, "RETRYING": self.paused, "SUCCESS": self.done}
        for status, tasks in states.items():
            for task in tasks:
                record = self.records.get(task)
                if record is None or record.status != status:
                    yield task, f"is {record and record.status}, expected {status}"
        for task in self.running | self.paused:
            name = task.partition("[")[0]
            if self.over:
                yield task, "goes on although the run is over"
            if missing := self.plan.waits[name] - self.done:
                yield task, f"began before {', '.join(sorted(missing))} was done"
            if name != task and self.records[name].status != "RUNNING":
                yield task, f"is an element of a step that is {self.records[name].status}"
        for task, record in self.records.items():
            if task.partition("[")[0] not in self.plan.steps and record.status != "RETIRED":
                yield task, f"is in no step of the workflow, and {record.status}"
            if record.launches and record.attempt > record.launches:
                yield task, f"counts {record.attempt} attempts in {record.launches} launches"
        if len(self.running) > self.parallel:
            yield max(self.running), f"is one of more than {self.parallel} that run"
        if not self.over and not self.running and not self.paused:
            yield next(iter(self.plan.steps)), "and all others wait for nothing: the run is stuck"

    def _current(self, event: Event) -> bool:
        if isinstance(event, RetryDue):
            return event.task in self.paused
        record = self.records.get(event.task)
        return event.task in self.running and record is not None and record.launches == event.launch

    def _finish(self, out: list[Instruction], event: Finished) -> None:
        self.running.discard(event.task)
        self.done.add(event.task)
        record = self.records[event.task]
        self._record(
            out,
            replace(
                record,
                status="SUCCESS",
                seconds=event.seconds,
                output=event.output.to_json(),
                verdict=event.verdict,
                error=None,
            ),
        )

    def _fail(self, out: list[Instruction], event: Failed) -> None:
        self.running.discard(event.task)
        step = self.plan.steps[event.task.partition("[")[0]]
        record = self.records[event.task]
        retry = not event.final and record.attempt <= step.retries
        self._record(
            out,
            replace(
                record,
                status="RETRYING" if retry else "FAILED",
                seconds=event.seconds,
                error=event.error,
                verdict=event.verdict,
                output=None,
            ),
        )
        if retry:
            self.paused.add(event.task)
            delay_s = min(step.backoff_s * 2 ** (record.attempt - 1), _MAX_BACKOFF_S)
            out.append(RetryLater(event.task, delay_s))
        else:
            self._end_failed(out, event.task, event.error)

    def _end_failed(self, out: list[Instruction], task: str, error: Json) -> None:
        self.over = True
        parent = task.partition("[")[0]
        if parent != task:
            self._record(out, replace(self.records[parent], status="FAILED", error=error))
        for name in sorted(self.running | self.paused):
            self._record(out, replace(self.records[name], status="CANCELLED"))
        self.running.clear()
        self.paused.clear()
        out.append(Complete("FAILED", {**error, "step": task}))

    def _advance(self, out: list[Instruction], now: float) -> list[Instruction]:
        for name in self.plan.steps:
            if self.over:
                return out
            if name not in self.done and self.plan.waits[name] <= self.done:
                if self.plan.steps[name].over is None:
                    self._begin(out, name, name, None, now)
                else:
                    self._fan_out(out, name, now)
        if not self.over and self.done >= self.plan.steps.keys():
            self.over = True
            out.append(Complete("SUCCESS"))
        return out

    def _begin(
        self, out: list[Instruction], task: str, name: str, index: int | None, now: float
    ) -> None:
        """Use a task's earlier result, or launch it unless it runs, waits or must queue."""
        if task in self.running or task in self.paused or task in self.done:
            return
        old = self.records.get(task)
        key = self._key(name, index)
        reason = self._why_again(name, old, key)
        if old is not None and old.status == "SUCCESS" and not reason:
            self._use_again(old)
            return
        if len(self.running) >= self.parallel:
            return
        record = self._next_launch(task, old, key, reason, now)
        if record.launches - record.attempt > MAX_INTERRUPTIONS and old is not None:
            error = {
                "type": "UnavailableError",
                "code": 14,
                "message": f"the manager died {MAX_INTERRUPTIONS} times while '{task}' ran;"
                " find out why, then resume",
            }
            self._record(out, replace(record, status="FAILED", error=error, launches=0))
            self._end_failed(out, task, error)
            return
        self.running.add(task)
        if old is not None and old.status == "SUCCESS":
            self.reran.add(name)
        self._record(out, record)
        out.append(Launch(task, name, record.launches, record.attempt, index))

    def _next_launch(
        self, task: str, old: StepRecord | None, key: Json, reason: str, now: float
    ) -> StepRecord:
        unseen = list(self.hashes.unseen.get(task, ()))
        if old is None:
            return StepRecord(task, "RUNNING", 1, 1, now, key=key, unseen=unseen)
        attempt = {"RUNNING": old.attempt, "STALE": old.attempt, "RETRYING": old.attempt + 1}
        return StepRecord(
            task,
            "RUNNING",
            attempt=attempt.get(old.status, 1),
            launches=old.launches + 1,
            started=now,
            key=key,
            reason=reason or _after(old),
            unseen=unseen,
        )

    def _why_again(self, name: str, old: StepRecord | None, key: Json) -> str:
        if old is None or old.status != "SUCCESS":
            return ""
        again = sorted(self.plan.waits[name] & self.reran)
        changed = difference(old.key, key)
        if again and (not changed or changed.startswith("input ")):
            return f"{', '.join(again)} ran again"
        return changed

    def _key(self, name: str, index: int | None) -> Json:
        inputs = {
            parameter: str((self.records[source].output or {}).get("sha256"))
            for parameter, source in self.plan.inputs[name].items()
        }
        if "data" in self.plan.steps[name].parameters():
            inputs["data"] = self.hashes.data
        if index is not None:
            inputs["element"] = str(index)
        return cache_key(self.hashes.code[name], inputs, self.hashes.environment[name])

    def _fan_out(self, out: list[Instruction], name: str, now: float) -> None:
        """Launch the elements of `name`; when all are done, so is the step."""
        step = self.plan.steps[name]
        source = self.plan.inputs[name][step.over or ""]
        count = (self.records[source].output or {}).get("count")
        key = self._key(name, None)
        old = self.records.get(name)
        if old is not None and old.status == "SUCCESS" and not self._why_again(name, old, key):
            self._use_again(old)
            return
        if old is None or old.status != "RUNNING" or old.key != key:
            if old is not None and old.status == "SUCCESS":
                self.reran.add(name)
            reason = self._why_again(name, old, key)
            self._record(out, replace(self._next_launch(name, old, key, reason, now), attempt=1))
        if count is None:
            error = {
                "type": "InvalidArgumentError",
                "code": 3,
                "message": f"step '{name}' fans out over '{source}': expected a list, got another"
                " value; return a list there",
            }
            self._record(out, replace(self.records[name], status="FAILED", error=error))
            self._end_failed(out, name, error)
            return
        tasks = [f"{name}[{index}]" for index in range(count)]
        self._retire_elements(out, name, count)
        for index, task in enumerate(tasks):
            self._begin(out, task, name, index, now)
        if not self.over and self.done.issuperset(tasks):
            self._collect(out, name, tasks, now)

    def _retire_elements(self, out: list[Instruction], name: str, count: int) -> None:
        """Elements of an earlier execution that had more of them."""
        for task, record in list(self.records.items()):
            step, _, index = task.rstrip("]").partition("[")
            if step == name and index and int(index) >= count and record.status != "RETIRED":
                self._record(out, replace(record, status="RETIRED", reason="no such element"))

    def _collect(self, out: list[Instruction], name: str, tasks: list[str], now: float) -> None:
        parts = [ValueRef.from_json(self.records[task].output or {}) for task in tasks]
        record = self.records[name]
        seconds = max(0.0, now - (record.started or now))
        output = combine(parts).to_json()
        self._record(out, replace(record, status="SUCCESS", seconds=seconds, output=output))
        self.done.add(name)

    def _use_again(self, old: StepRecord) -> None:
        self.done.add(old.name)
        self._tell(old, "REUSED", "code, inputs and environment are the same")

    def _record(self, out: list[Instruction], record: StepRecord) -> None:
        self._keep(record)
        out.append(Record(record))

    def _keep(self, record: StepRecord) -> None:
        self.records[record.name] = record
        error = record.error if record.status in ("FAILED", "RETRYING") else None
        self._tell(record, record.status, str(error["message"]) if error else record.reason)

    def _tell(self, record: StepRecord, what: str, why: str) -> None:
        self.told = (Happening(record.name, what, why, record.launches), self.told)


def _after(old: StepRecord) -> str:
    words: dict[str, str] = {
        "RUNNING": "interrupted",
        "RETRYING": "retry",
        "FAILED": "resumed after a failure",
        "CANCELLED": "resumed after a cancellation",
    }
    return words.get(old.status, old.reason)
