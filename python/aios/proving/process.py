"""The child process, seen from its parent: start, call, and what it died of."""

from __future__ import annotations

import os
import signal
import socket
import subprocess

from aios.bridge.isolation import ISOLATION, child_command
from aios.bundle.comparison import Arrays
from aios.errors import UnavailableError
from aios.proving.line import Json, Line

#: Seconds that an engine may take to read, compile and answer one artifact.
TIME_LIMIT = "AIOS_ENGINE_TIME_LIMIT_S"
#: How long Python may take to start, however busy the machine is.
_START_LIMIT_S = 120.0
_LAST_WORDS = 4096
_PHASE_BYTES = 32


class ProcessEndedError(UnavailableError):
    """The child process ended, or was ended because it didn't answer; says why."""


class ProcessNotStartedError(UnavailableError):
    """The system allows no further process, or Python doesn't start in it."""

    def __init__(self, reason: object) -> None:
        super().__init__(
            f"the process to try engines in doesn't start: {reason}; {ISOLATION}=0 tries them in "
            "yours"
        )


class ChildProcess:
    """One child process; it starts at once, and is waited for by the first call.

    Raises:
        ProcessNotStartedError: The system allows no further process.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._line = Line(ours)
        self._phases = os.memfd_create("aios-phases")
        os.pwrite(self._phases, b"starting\0", 0)
        self._log = os.memfd_create("aios-log")
        self._said_before = 0
        self._ready = False
        self._closed = False
        try:
            self._process = self._started(theirs)
        except OSError as error:
            self._forget()
            raise ProcessNotStartedError(error) from error
        finally:
            theirs.close()

    def call(self, message: Json, inputs: Arrays, limit_s: float) -> tuple[Json, Arrays]:
        """The child's reply.

        Raises:
            ProcessEndedError: It died, or was ended after `limit_s` seconds without a reply.
            ProcessNotStartedError: It died, or gave no sign, before it could take a call.
        """
        self._await_start()
        os.pwrite(self._phases, b"preparing\0", 0)
        self._said_before = os.fstat(self._log).st_size
        return self._exchange(message, inputs, limit_s)

    @property
    def phase(self) -> str:
        """What the engine was last doing, as "compiling"."""
        return os.pread(self._phases, _PHASE_BYTES, 0).split(b"\0")[0].decode()

    def close(self) -> None:
        """Kills the child and waits for its end."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._forget()

    def _started(self, end: socket.socket) -> subprocess.Popen[bytes]:
        command = child_command("aios.proving.child")
        return subprocess.Popen(
            [*command, str(end.fileno()), str(self._phases)],
            pass_fds=(end.fileno(), self._phases),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=_environment(),
        )

    def _forget(self) -> None:
        self._line.close()
        if not self._closed:
            self._closed = True
            os.close(self._log)
            os.close(self._phases)

    def _await_start(self) -> None:
        if self._ready:
            return
        try:
            self._line.receive(_START_LIMIT_S)
        except (EOFError, TimeoutError) as error:
            raise ProcessNotStartedError(f"it {self._end_of(error, _START_LIMIT_S)}") from error
        self._ready = True

    def _exchange(self, message: Json, inputs: Arrays, limit_s: float) -> tuple[Json, Arrays]:
        try:
            self._line.send(message, inputs, limit_s)
            return self._line.receive(limit_s)
        except (EOFError, OSError) as error:
            raise ProcessEndedError(self._end_of(error, limit_s)) from error

    def _end_of(self, error: Exception, limit_s: float) -> str:
        if isinstance(error, TimeoutError):
            self._process.kill()
            self._process.wait()
            return (
                f"gave no answer for {limit_s:g} s while {self.phase} ({TIME_LIMIT} sets the limit)"
            )
        code = self._process.wait()
        how = f"ended its process with exit code {code}"
        if code < 0:
            how = f"died by {_signal_name(-code)}"
        if code == -signal.SIGKILL:
            how += " (as the kernel does to one that takes too much memory)"
        return f"{how} while {self.phase}{self._last_words()}"

    def _last_words(self) -> str:
        begin = max(self._said_before, os.fstat(self._log).st_size - _LAST_WORDS)
        lines = os.pread(self._log, _LAST_WORDS, begin).decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return f": {said[-1][:200]}" if said else ""


def _environment() -> dict[str, str]:
    return {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
