"""Threads that answer submitted calls."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aios._core import Cell, Submissions


class SubmissionPool:
    """Threads, each started when it is first needed, for a core's submissions.

    For one thread at a time, but for close().

    Args:
        submissions: Where calls wait, and who answers them.
        threads: So many answer at a time.
    """

    def __init__(self, submissions: Submissions, threads: int) -> None:
        self._pid = os.getpid()
        self._submissions = submissions
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="aios-submit")

    @property
    def is_of_parent(self) -> bool:
        """Whether this process was forked since: then its threads aren't here."""
        return self._pid != os.getpid()

    def submit(self, cell: Cell, x: object, *, copy: bool, signature: str | None) -> Future[Any]:
        """A future of a cell's answer, or of what is wrong with the call.

        Raises:
            RuntimeError: The interpreter ends, and no thread can be started.
        """
        future: Future[Any] = Future()
        try:
            needs_thread = self._submissions.add(cell, x, copy, signature, future)
        except Exception as error:
            future.set_exception(error)
            return future
        if needs_thread:
            try:
                self._threads.submit(self._submissions.answer)
            except RuntimeError:
                self._submissions.withdraw()
                raise
        return future

    def close(self) -> None:
        """Waits for what was submitted."""
        self._threads.shutdown()
