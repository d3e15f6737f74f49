"""The access log: lines that the data plane made, written to a file by a thread of their own."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from aios.errors import InvalidArgumentError

#: In place of a path: standard output.
STANDARD_OUTPUT = "-"
#: Lines come in bundles, so that a busy server isn't woken for each.
_PAUSE_S = 0.05
_MODE = 0o640
_log = logging.getLogger("aios.server")


class AccessLog:
    """Writes lines until there are no more.

    Args:
        target: A file, which is appended to, or "-".
        take: Waits for lines; no bytes say that there will be no more.

    Raises:
        InvalidArgumentError: The file can't be opened.
    """

    def __init__(self, target: str | os.PathLike[str], take: Callable[[], bytes]) -> None:
        self._target, self._take = os.fspath(target), take
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._has_failed = False
        self._descriptor = self._opened()
        self._thread = threading.Thread(target=self._run, name="aios-server-log", daemon=True)
        self._thread.start()

    def reopen(self) -> None:
        """Goes on in a file of the same name, as after the one before was renamed.

        Raises:
            InvalidArgumentError: It can't be opened; what comes goes where it went before.
        """
        if self._target == STANDARD_OUTPUT:
            return
        opened = self._opened()
        with self._lock:
            before, self._descriptor = self._descriptor, opened
        os.close(before)

    def close(self) -> None:
        """Writes what came before `take` had no more, and ends."""
        self._ended.set()
        self._thread.join()
        if self._target != STANDARD_OUTPUT:
            os.close(self._descriptor)

    def _opened(self) -> int:
        if self._target == STANDARD_OUTPUT:
            return 1
        path = Path(self._target).expanduser()
        try:
            return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
        except OSError as error:
            raise InvalidArgumentError(
                f"access_log: '{path}' can't be opened ({error.strerror}); expected a file in a "
                "folder that is there, or '-'"
            ) from error

    def _run(self) -> None:
        while lines := self._take():
            try:
                with self._lock:
                    _write(self._descriptor, lines)
            except OSError as error:
                self._tell(error)
            self._ended.wait(_PAUSE_S)

    def _tell(self, error: OSError) -> None:
        """Tells of the first lines that can't be written."""
        if not self._has_failed:
            _log.warning("access log '%s': lines are lost: %s", self._target, error)
        self._has_failed = True


def _write(descriptor: int, lines: bytes) -> None:
    left = memoryview(lines)
    while left:
        left = left[os.write(descriptor, left) :]
