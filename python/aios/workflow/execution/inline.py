"""An executor without threads: a step runs when it is asked for, in the thread that asks.

For tests of a workflow: the order of its steps is the test's, and nothing happens in between.
"""

from __future__ import annotations

from typing import Final

from aios.errors import NotFoundError
from aios.workflow.execution.executor import Attempt, Perform
from aios.workflow.execution.step_call import call_here
from aios.workflow.steps import Step


class InlineExecutor:
    """Holds attempts until `run` is called; `AICellManager(home, executor=InlineExecutor())`.

    It takes every step, isolated ones too, and runs them in this process. One thread at a time may
    ask for steps; attempts come to wait from any thread.
    """

    keeps_time: Final = False

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Attempt, Perform]] = {}
        self._closed = False

    @property
    def waiting(self) -> list[str]:
        """What may run now, by `run/step`, in the order of arrival."""
        return list(self._waiting)

    def run(self, name: str = "") -> str:
        """Run one attempt to its end, and what follows from it up to the next steps' waiting.

        Args:
            name: which one: the end of its name in `waiting`, such as "train" or "fit[2]"; the
                first by default.

        Returns:
            Its name in `waiting`.

        Raises:
            NotFoundError: no such attempt waits.
        """
        asked = (item for item in self.waiting if not name or f"/{item}".endswith(f"/{name}"))
        found = next(asked, None)
        if found is None:
            raise NotFoundError(
                f"no attempt of {name or 'any step'} waits; waiting:"
                f" {', '.join(self.waiting) or 'none'}"
            )
        _, perform = self._waiting.pop(found)
        perform(call_here)
        return found

    def run_all(self) -> list[str]:
        """Run what waits, and what comes to wait by that, until nothing does; returns the names."""
        done = []
        while self._waiting:
            done.append(self.run())
        return done

    def takes(self, step: Step) -> bool:
        """Every step."""
        return True

    def submit(self, attempt: Attempt, perform: Perform) -> None:
        """Let the attempt wait for `run`."""
        if not self._closed:
            self._waiting[_name(attempt)] = (attempt, perform)

    def cancel(self, attempt: Attempt) -> None:
        """Let it wait no more."""
        if self._waiting.get(_name(attempt), (None,))[0] is attempt:
            del self._waiting[_name(attempt)]

    def release(self, run_id: str) -> None:
        """Keep nothing of the run."""
        for name in self.waiting:
            if name.startswith(f"{run_id}/"):
                self._waiting.pop(name, None)

    def close(self) -> None:
        """Keep nothing, and take nothing more."""
        self._closed = True
        self._waiting.clear()


def _name(attempt: Attempt) -> str:
    return f"{attempt.context.run_id}/{attempt.launch.task}"
