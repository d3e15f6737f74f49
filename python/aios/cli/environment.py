"""What commands set up before TensorFlow and LiteRT are loaded: threads, and a quiet log."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

from aios.tensorflow_log import LEVEL

# Reads what this process writes to stderr, and passes on all but information and warnings in the
# formats of Abseil, of older TensorFlow and of LiteRT.
_SIEVE = r"""
import os, re, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
noise = re.compile(
    rb"[IW]\d{4} \d\d:\d\d:\d+\.\d+ +\d+ \S+:\d+\] "
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IW] "
    rb"|(INFO|WARNING): (Created TensorFlow Lite |All log messages before absl::InitializeLog)"
    rb"|To enable the following instructions: "
)
for line in sys.stdin.buffer:
    if not noise.match(line):
        os.write(2, line)
"""
_SIEVE_ENDS_WITHIN_S = 60.0


def prepare_tensorflow(threads: int = 1) -> None:
    """Keeps TensorFlow's log off stderr and its process-wide thread pool at `threads`.

    What the user has set stays.
    """
    quiet = {
        LEVEL: "3",
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": str(threads),
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)


def import_tensorflow() -> None:
    """Imports TensorFlow without what it prints before it reads its log level."""
    if "tensorflow" not in sys.modules:
        with native_log_left_out():
            import tensorflow  # noqa: F401


@contextmanager
def native_log_left_out() -> Iterator[None]:
    """Keeps the log of native code off stderr, but for errors, until the block ends.

    Another process sifts it: what an engine says before it ends this process is shown. A user who
    asked for TensorFlow's information or warnings has all of it.
    """
    before = sys.stderr
    # Without a stderr, as a daemon, there is nothing to keep clean.
    if before is None or os.environ.get(LEVEL, "3") in ("0", "1"):
        yield
        return
    before.flush()
    shown = os.dup(2)
    try:
        sieve = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SIEVE], stdin=subprocess.PIPE, stderr=shown
        )
    except OSError:
        os.close(shown)
        yield
        return
    assert sieve.stdin is not None
    os.dup2(sieve.stdin.fileno(), 2)
    sieve.stdin.close()
    # Python's own talk goes to the terminal itself.
    own = open(shown, "w", 1, before.encoding, "backslashreplace", closefd=False)  # noqa: SIM115
    talk = _Talk(own)
    try:
        with redirect_stderr(talk):
            yield
    finally:
        talk.now = before
        own.close()
        os.dup2(shown, 2)
        os.close(shown)
        _wait(sieve)


class _Talk:
    """What Python writes to stderr; a logger that keeps it writes where it should later, too."""

    def __init__(self, now: Any) -> None:
        self.now = now

    def __getattr__(self, name: str) -> Any:
        return getattr(self.now, name)


def _wait(sieve: subprocess.Popen[bytes]) -> None:
    """Until it has passed on all; not for a child of an engine that goes on holding stderr."""
    try:
        sieve.wait(_SIEVE_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        sieve.kill()
        sieve.wait()
