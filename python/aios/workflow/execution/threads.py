"""A few daemon threads that run steps; one that hangs is given up and replaced.

`concurrent.futures` joins its threads at exit, so a step that never returns would keep the process
alive.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from aios.home.error_text import traceback_of

_log = logging.getLogger("aios.workflow")
Work = Callable[[], None]


class WorkerPool:
    """At most `size` pieces of work at a time, in order of arrival.

    Work that raises is a bug: it is logged, and costs no thread.
    """

    def __init__(self, size: int, name: str) -> None:
        self.size = size
        self._name = name
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._live = 0
        self._idle = 0
        self._pending = 0
        self._closed = False

    def submit(self, work: Work) -> None:
        """Run `work` on one of the threads, soon."""
        with self._lock:
            if self._closed:
                return
            self._pending += 1
            if self._idle < self._pending and self._live < self.size:
                self._start()
        self._queue.put(work)

    def give_up(self) -> None:
        """Count one busy thread as lost: another may start in its place."""
        with self._lock:
            if not self._closed:
                self._live -= 1
                if self._pending:
                    self._start()

    def reclaim(self) -> None:
        """A thread given up has come back after all; it ends itself when there are too many."""
        with self._lock:
            self._live += 1

    def close(self) -> None:
        """Start nothing more; threads end with their current work."""
        with self._lock:
            self._closed = True
            live = self._live
        for _ in range(live):
            self._queue.put(None)

    def _start(self) -> None:
        self._live += 1
        threading.Thread(target=self._loop, name=f"{self._name}-worker", daemon=True).start()

    def _loop(self) -> None:
        while True:
            with self._lock:
                if self._live > self.size:
                    self._live -= 1
                    return
                self._idle += 1
            work = self._queue.get()
            with self._lock:
                self._idle -= 1
                if work is None:
                    self._live -= 1
                    return
                self._pending -= 1
            try:
                work()
            except BaseException as error:
                _log.error("a bug in the manager; it goes on: %s", traceback_of(error))
