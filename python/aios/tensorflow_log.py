"""TensorFlow's log while aios works with it: errors alone, unless the user asked for more.

TensorFlow has no call that sets the level of its log, and reads the environment once, when it is
imported. Its log is Abseil's, whose level can be set: by a function of TensorFlow's own library,
whose name has Abseil's version in it, which a header in the wheel tells.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: The user's own wish, which TensorFlow reads: 0 for everything, 3 for what ends the process.
LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_EVERYTHING, _ERRORS = 0, 2


@contextmanager
def only_errors() -> Iterator[None]:
    """Leaves TensorFlow's information and warnings out of stderr, in the whole process.

    Imports TensorFlow, which must be installed. What a user set in the environment stays, and so
    does everything where TensorFlow's library has no such function.
    """
    if LEVEL in os.environ:
        yield
        return
    is_first = "tensorflow" not in sys.modules
    if is_first:
        _import_quietly()
    log = _Log.find()
    if log is None:
        yield
        return
    _blocks.enter(log, _EVERYTHING if is_first else log.level())
    try:
        yield
    finally:
        _blocks.leave(log)


class _Blocks:
    """Those that are entered now, in all threads: the last one to end puts the level back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._before = _EVERYTHING

    def enter(self, log: _Log, before: int) -> None:
        """Count one more; `before` is the level to put back, if it is the first."""
        with self._lock:
            if not self._count:
                self._before = before
                log.set_level(max(before, _ERRORS))
            self._count += 1

    def leave(self, log: _Log) -> None:
        """Count one less."""
        with self._lock:
            self._count -= 1
            if not self._count:
                log.set_level(self._before)


_blocks = _Blocks()


def _import_quietly() -> None:
    os.environ[LEVEL] = str(_ERRORS)
    try:
        import tensorflow  # noqa: F401
    finally:
        del os.environ[LEVEL]


class _Log:
    """Abseil's log, as TensorFlow's library has it."""

    def __init__(self, library: ctypes.CDLL, version: str) -> None:
        space = f"_ZN4absl{len(version)}{version}"
        self._get = library[f"{space}11MinLogLevelEv"]
        self._set = library[f"{space}14SetMinLogLevelENS0_18LogSeverityAtLeastE"]

    @classmethod
    def find(cls) -> _Log | None:
        """None where this TensorFlow has none that can be set."""
        package = Path(str(sys.modules["tensorflow"].__file__)).parent
        with suppress(OSError, AttributeError, ValueError):
            options = (package / "include/absl/base/options.h").read_text()
            version = re.search(r"define ABSL_OPTION_INLINE_NAMESPACE_NAME (\w+)", options)
            if version is not None:
                return cls(ctypes.CDLL(str(package / "libtensorflow_framework.so.2")), version[1])
        return None

    def level(self) -> int:
        """The least severity that is shown."""
        return int(self._get())

    def set_level(self, level: int) -> None:
        """Shows what is at least so severe."""
        self._set(level)
