"""Submitted calls in pure Python: each is answered by itself."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import Any

from aios.bridge.fallback.cell import Cell


class Submissions:
    """Calls that wait for threads, as the extension's, which puts several together.

    Args:
        threads: That answer at a time.
    """

    def __init__(self, threads: int) -> None:
        del threads
        self._waiting: deque[tuple[Future[Any], partial[Any]]] = deque()

    def add(
        self, cell: Cell, x: object, copy: bool, signature: str | None, future: Future[Any]
    ) -> bool:
        """Takes a call; whether one more thread has to answer()."""
        call = partial(cell.perform_inference, x, copy=copy, signature=signature)
        self._waiting.append((future, call))
        return True

    def withdraw(self) -> None:
        """Takes the last call back, for which no thread could be started."""
        self._waiting.pop()

    def answer(self) -> None:
        """Answers the call that came first."""
        future, call = self._waiting.popleft()
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)
