"""The executor of isolated steps: each attempt is a job for a child process, which is listened to.

A thread waits for each child, so there are as many threads as children at work.
"""

from __future__ import annotations

import signal
import time
from typing import Any, Final

import aios.errors
from aios.errors import AiosError, DeadlineExceededError, UnavailableError
from aios.home.codec import ValueRef
from aios.home.content_store import home_full
from aios.home.messages import from_stored
from aios.home.store import AddMessage, Json, StoredMessage
from aios.workflow.execution.callables import describe
from aios.workflow.execution.context import StepCancelledError, StepContext
from aios.workflow.execution.executor import Attempt, Perform
from aios.workflow.execution.processes.parent import ProcessPool, StepProcess
from aios.workflow.execution.threads import WorkerPool
from aios.workflow.steps import Step

_TICK_S: Final = 0.05


class StepFailedError(AiosError):
    """An isolated step raised; the message holds the original type, text and place."""

    code = 2


class ProcessExecutor:
    """Runs isolated steps in children, at most `processes` at a time; a run keeps its children."""

    keeps_time: Final = True

    def __init__(self, processes: int) -> None:
        self._listeners = WorkerPool(processes, "aios-isolated")
        self._children = ProcessPool(processes)

    def takes(self, step: Step) -> bool:
        """Every step that asks for a process."""
        return bool(step.isolated)

    def submit(self, attempt: Attempt, perform: Perform) -> None:
        """Queue the attempt for a child."""
        self._listeners.submit(attempt, lambda: perform(self._compute))

    def cancel(self, attempt: Attempt) -> None:
        """Go on with another listener; this one sees that it was cancelled, and kills its child."""
        self._listeners.give_up(attempt)

    def release(self, run_id: str) -> None:
        """End the idle children of the run."""
        self._children.forget(run_id)

    def close(self) -> None:
        """End all children; the listeners follow."""
        self._children.close()
        self._listeners.close()

    def pids(self) -> list[int]:
        """The process ids of the children that live."""
        return self._children.pids()

    def _compute(self, attempt: Attempt) -> ValueRef:
        return run_isolated(self._children, attempt)


def run_isolated(pool: ProcessPool, attempt: Attempt) -> ValueRef:
    """Run one attempt in a child process.

    Raises:
        DeadlineExceededError: it took longer than the step's `timeout_s`; the child and all that
            it started are dead.
        StepCancelledError: the attempt was cancelled; they are dead, too.
        UnavailableError: the child died, by itself or for lack of memory.
        StepFailedError, or the `AiosError` it raised: the step's function failed.
    """
    step, context = attempt.step, attempt.context
    job = _job(attempt)
    process = pool.acquire(context.run_id, str(step.isolated))
    give_up = None if step.timeout_s is None else time.monotonic() + step.timeout_s
    try:
        process.send(job)
        outcome = _listen(process, step, context, give_up)
    except BaseException:
        process.kill()
        raise
    finally:
        pool.give_back(process, context.run_id, str(step.isolated))
    context.verdict = outcome.get("verdict")
    context.changes.extend(AddMessage(StoredMessage(**item)) for item in outcome["messages"])
    return ValueRef.from_json(outcome["output"])


def _job(attempt: Attempt) -> Json:
    step, context = attempt.step, attempt.context
    constants: dict[str, Any] = {}
    for name, value in step.constants.items():
        constants[name] = {"function": describe(value)} if callable(value) else {"value": value}
    return {
        "function": describe(step.function),
        "constants": constants,
        "inputs": {name: ref.to_json() for name, ref in attempt.inputs().items()},
        "over": step.over,
        "wants_context": "context" in step.parameters(),
        "index": attempt.launch.index,
        "context": {
            "run_id": context.run_id,
            "workflow": context.workflow,
            "step": context.step,
            "attempt": context.attempt,
            "data_sha256": context.data_sha256,
            "key": context.key,
        },
        "home": str(context.home.path),
        "pins": str(context.home.pin_file()),
    }


def _listen(process: StepProcess, step: Step, context: StepContext, give_up: float | None) -> Json:
    while True:
        event = process.next_event(_TICK_S)
        if context.cancelled.is_set():
            raise StepCancelledError(f"step '{context.step}' of run {context.run_id} was cancelled")
        if give_up is not None and time.monotonic() >= give_up:
            raise DeadlineExceededError(
                f"step '{context.step}' took longer than its timeout_s of {step.timeout_s:g};"
                " its processes were killed; raise timeout_s"
            )
        if event is None or event["event"] == "started":
            continue
        if event["event"] == "report":
            context.report(from_stored(StoredMessage(**event["message"])))
        elif event["event"] == "result":
            return event
        elif event["event"] == "error":
            context.verdict = event.get("verdict")
            raise _raised(event)
        else:
            raise _died(process, context, int(event["code"]))


def _raised(event: Json) -> AiosError:
    kind = getattr(aios.errors, event["type"], None)
    if event.get("home_full"):
        return home_full(event["message"])
    if isinstance(kind, type) and issubclass(kind, AiosError):
        known: AiosError = kind(event["message"])
        return known
    return StepFailedError(f"{event['type']}: {event['message']}{event['place']}")


def _died(process: StepProcess, context: StepContext, code: int) -> AiosError:
    tail = process.tail()
    lines = f"; its last lines: {tail[-2000:]}" if tail else ""
    if code == -signal.SIGKILL:
        why = "was killed (SIGKILL), as the kernel does with one that takes too much memory"
        remedy = "give it more memory, or a smaller batch or model"
    elif code < 0:
        why = f"crashed ({signal.Signals(-code).name})"
        remedy = "see its last lines"
    else:
        why = f"ended by itself with code {code}"
        remedy = "a step must return, not exit"
    return UnavailableError(f"the process of step '{context.step}' {why}; {remedy}{lines}")
