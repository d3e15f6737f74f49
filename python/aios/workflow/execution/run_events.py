"""What a run's machine is told, what it says to do, and what its story is made of."""

from __future__ import annotations

from dataclasses import dataclass

from aios.home.codec import ValueRef
from aios.home.store import Json, RunStatus, StepRecord


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt returned."""

    task: str
    launch: int
    output: ValueRef
    seconds: float
    verdict: Json | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt raised, hung past its time, or its process died."""

    task: str
    launch: int
    error: Json
    seconds: float
    final: bool = False
    verdict: Json | None = None


@dataclass(frozen=True, slots=True)
class Conflicted:
    """An attempt's commit met another writer's; it must run again, and that isn't a retry."""

    task: str
    launch: int


@dataclass(frozen=True, slots=True)
class RetryDue:
    """The pause before a retry is over."""

    task: str


Event = Finished | Failed | Conflicted | RetryDue


@dataclass(frozen=True, slots=True)
class Record:
    """Write this record."""

    step: StepRecord


@dataclass(frozen=True, slots=True)
class Launch:
    """Start an attempt: of element `index` of the step, or of the step itself."""

    task: str
    step: str
    launch: int
    attempt: int
    index: int | None = None


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Send `RetryDue(task)` after `delay_s`."""

    task: str
    delay_s: float


@dataclass(frozen=True, slots=True)
class Complete:
    """The run is over."""

    status: RunStatus
    error: Json | None = None


Instruction = Record | Launch | RetryLater | Complete


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a step's story: what became of a task, and why.

    Attributes:
        task: the step, or "step[index]" for an element that it fans out over.
        what: the status that its record got; or REUSED, for an earlier result that still holds.
        why: the reason or the error; empty where there is nothing to explain.
        launch: the number of the execution.
    """

    task: str
    what: str
    why: str
    launch: int

    def __str__(self) -> str:
        why = f": {self.why}" if self.why else ""
        return f"{self.task} {self.what}, launch {self.launch}{why}"
