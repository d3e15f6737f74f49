"""Which executor a step goes to: the one place that decides it."""

from __future__ import annotations

import logging

from aios.errors import InvalidArgumentError
from aios.workflow.execution.executor import LOCAL, Attempt, Executor, Limits, make_executor
from aios.workflow.execution.processes.executor import ProcessExecutor
from aios.workflow.execution.threads import ThreadExecutor
from aios.workflow.steps import Step

_log = logging.getLogger("aios.workflow")


class Executors:
    """The executors of one manager.

    An executor of another package may fail when it is told of an end: that is logged, and keeps
    nobody from going on.

    Args:
        chosen: the name of an executor, or one, that is asked before the local ones; "local" for
            none.
        limits: how much may be executed at the same time.

    Raises:
        NotFoundError: there is no executor of this name.
        InvalidArgumentError: `chosen` isn't an executor.
    """

    def __init__(self, chosen: str | Executor, limits: Limits) -> None:
        self._in_order: list[Executor] = [
            ThreadExecutor(limits.threads),
            ProcessExecutor(limits.processes),
        ]
        if chosen == LOCAL:
            return
        first = make_executor(chosen, limits) if isinstance(chosen, str) else chosen
        if not isinstance(first, Executor):
            raise InvalidArgumentError(
                f"executor: expected '{LOCAL}', the name of another one, or an object with the"
                f" methods of an Executor, got {type(first).__name__}"
            )
        self._in_order.insert(0, first)

    def of(self, step: Step) -> Executor:
        """The first one that takes the step."""
        return next(item for item in self._in_order if item.takes(step))

    def cancel(self, attempt: Attempt) -> None:
        """Tell the attempt's executor that nobody waits for it."""
        try:
            executor = self.of(attempt.step)
        except Exception:
            _log.exception(
                "no executor takes '%s' any more; the manager goes on", attempt.step.name
            )
        else:
            self._tell(executor, "cancel", attempt)

    def release(self, run_id: str) -> None:
        """Let all of them drop what they keep for a run."""
        for item in self._in_order:
            self._tell(item, "release", run_id)

    def close(self) -> None:
        """Close all of them."""
        for item in self._in_order:
            self._tell(item, "close")

    def _tell(self, executor: Executor, what: str, *arguments: object) -> None:
        try:
            getattr(executor, what)(*arguments)
        except Exception:
            _log.exception("%s.%s failed; the manager goes on", type(executor).__name__, what)
