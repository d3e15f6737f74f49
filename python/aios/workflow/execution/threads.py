"""The executor of plain steps: a few daemon threads; one that hangs is given up and replaced.

`concurrent.futures` joins its threads at exit, so a step that never returns would keep the process
alive.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Hashable
from typing import Final

from aios.home.error_text import traceback_of
from aios.workflow.execution.executor import Attempt, Perform
from aios.workflow.execution.step_call import call_here
from aios.workflow.steps import Step

_log = logging.getLogger("aios.workflow")
Work = Callable[[], None]


class WorkerPool:
    """At most `size` pieces of work at a time, in order of arrival, each known by a key.

    Work that raises is a bug: it is logged, and costs no thread.
    """

    def __init__(self, size: int, name: str) -> None:
        self.size = size
        self._name = name
        self._queue: queue.SimpleQueue[tuple[Hashable, Work] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._busy: set[Hashable] = set()
        self._given_up: set[Hashable] = set()
        self._live = 0
        self._idle = 0
        self._pending = 0
        self._closed = False

    def submit(self, key: Hashable, work: Work) -> None:
        """Run `work` on one of the threads, soon."""
        with self._lock:
            if self._closed:
                return
            if self._idle <= self._pending and self._live < self.size:
                self._start_if_possible()
            self._pending += 1
        self._queue.put((key, work))

    def give_up(self, key: Hashable) -> None:
        """Count the thread that works on `key` as lost: another may start in its place.

        Should it come back after all, it is one of the pool's again, and ends if there are too
        many.
        """
        with self._lock:
            if key not in self._busy or self._closed:
                return
            self._busy.discard(key)
            self._given_up.add(key)
            self._live -= 1
            if self._pending:
                self._start()

    def close(self) -> None:
        """Start nothing more; threads end with their current work."""
        with self._lock:
            self._closed = True
            live = self._live
        for _ in range(live):
            self._queue.put(None)

    def _start_if_possible(self) -> None:
        """Raises RuntimeError where the system allows no thread, and none is there."""
        try:
            self._start()
        except RuntimeError:
            if not self._live:
                raise

    def _start(self) -> None:
        threading.Thread(target=self._loop, name=f"{self._name}-worker", daemon=True).start()
        self._live += 1  # A new thread waits for the lock before it looks.

    def _loop(self) -> None:
        while (found := self._next()) is not None:
            key, work = found
            try:
                work()
            except BaseException as error:
                _log.error("a bug in the manager; it goes on: %s", traceback_of(error))
            with self._lock:
                self._busy.discard(key)
                if key in self._given_up:
                    self._given_up.discard(key)
                    self._live += 1

    def _next(self) -> tuple[Hashable, Work] | None:
        """Wait for work; None: the thread is to end, and is no longer counted."""
        with self._lock:
            if self._live > self.size:
                self._live -= 1
                return None
            self._idle += 1
        found = self._queue.get()
        with self._lock:
            self._idle -= 1
            if found is None:
                self._live -= 1
                return None
            self._pending -= 1
            self._busy.add(found[0])
        return found


class ThreadExecutor:
    """Calls steps in this process, at most `threads` at a time."""

    keeps_time: Final = False

    def __init__(self, threads: int) -> None:
        self._pool = WorkerPool(threads, "aios-step")

    def takes(self, step: Step) -> bool:
        """Every step that needs no process of its own."""
        return not step.isolated

    def submit(self, attempt: Attempt, perform: Perform) -> None:
        """Queue the attempt for a thread."""
        self._pool.submit(attempt, lambda: perform(call_here))

    def cancel(self, attempt: Attempt) -> None:
        """Replace the thread that is in the step: it can't be killed."""
        self._pool.give_up(attempt)

    def release(self, run_id: str) -> None:
        """Nothing is kept for a run."""

    def close(self) -> None:
        """Let the threads end with their current step."""
        self._pool.close()
