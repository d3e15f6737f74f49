"""The seam between a run and whatever executes its steps: what an executor does, and its table.

The host hands attempts to executors and knows no more of them than this. Threads and child
processes are always there; a package on top of this one adds another under a name, by
`register_executor` or by an entry point of the group `aios.executors`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final, NamedTuple, Protocol, runtime_checkable

from aios.errors import InvalidArgumentError, NotFoundError
from aios.home.codec import ValueRef
from aios.workflow.execution.context import StepContext
from aios.workflow.execution.run_events import Launch
from aios.workflow.steps import Step

ENTRY_POINTS: Final = "aios.executors"
LOCAL: Final = "local"


@dataclass(slots=True, eq=False)
class Attempt:
    """One execution of a step, or of one element that it fans out over.

    Attributes:
        launch: which one it is.
        step: what is to be called.
        context: what the step knows; its `cancelled` is set when nobody wants the result any more.
        inputs: reads what the step's parameters get, by parameter.
        started: when the call began, and `deadline` when its time is over, in seconds of
            `time.monotonic`.
        over: true when the call has ended, in whatever way.
    """

    launch: Launch
    step: Step
    context: StepContext
    inputs: Callable[[], Mapping[str, ValueRef]]
    started: float | None = None
    deadline: float | None = None
    over: bool = False


#: Calls an attempt's step and stores what it returns; raises what the step raises.
Compute = Callable[[Attempt], ValueRef]
#: The host's part: does nothing if the attempt isn't wanted any more, else computes it, and tells
#: the run how that ended. It raises nothing of the step's.
Perform = Callable[[Compute], None]


@runtime_checkable
class Executor(Protocol):
    """Executes attempts. All methods are safe from any thread and return at once."""

    @property
    def keeps_time(self) -> bool:
        """True if it ends an attempt itself when the step's `timeout_s` is over.

        Else the host fails the attempt then, and calls `cancel`.
        """

    def takes(self, step: Step) -> bool:
        """True if this executor is made for such steps."""

    def submit(self, attempt: Attempt, perform: Perform) -> None:
        """Call `perform(compute)` once, soon, where it may wait; never within `submit`."""

    def cancel(self, attempt: Attempt) -> None:
        """Nobody waits for the attempt any more: free what it holds, as far as that can be done.

        Its context says `cancelled` already. May be called at any time, and more than once.
        """

    def release(self, run_id: str) -> None:
        """The run is over, or driven elsewhere: drop what was kept for its next steps."""

    def close(self) -> None:
        """Begin nothing more, and end what can be ended; whoever closes waits for the rest."""


class Limits(NamedTuple):
    """How much a manager may execute at the same time: on threads, and in child processes."""

    threads: int
    processes: int


Make = Callable[[Limits], Executor]

_TABLE: dict[str, Make] = {}


def register_executor(name: str, make: Make) -> None:
    """Let `AICellManager(executor=name)` execute its steps by what `make` returns.

    Raises:
        InvalidArgumentError: the name stands for threads and child processes.
    """
    if name == LOCAL:
        raise InvalidArgumentError(
            f"executor name: expected another one than '{LOCAL}', such as 'ray'"
        )
    _TABLE[name] = make


def make_executor(name: str, limits: Limits) -> Executor:
    """The executor of this name, for one manager.

    Raises:
        NotFoundError: no package here has registered it.
    """
    found = _TABLE.get(name)
    if found is not None:
        return found(limits)
    offered = {item.name: item for item in entry_points(group=ENTRY_POINTS)}
    if name not in offered:
        known = ", ".join(sorted({LOCAL, *_TABLE, *offered}))
        raise NotFoundError(
            f"no executor '{name}' is installed (there are: {known}); a package adds one by an"
            f" entry point of the group '{ENTRY_POINTS}'"
        )
    make: Make = offered[name].load()
    return make(limits)
