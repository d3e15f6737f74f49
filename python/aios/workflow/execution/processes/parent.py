"""The child processes of isolated steps, seen from the manager: start, send, listen, kill.

A child serves one run at a time and is kept for the run's next isolated step, as importing
TensorFlow takes seconds. It is started from a module entry point, never forked, and never imports
the user's `__main__`.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from aios.errors import UnavailableError
from aios.home.store import Json
from aios.workflow.execution.processes import guard
from aios.workflow.execution.processes.pipes import MessageReader, OutputTail

_BOOTSTRAP: Final = (
    "import json, os, sys; sys.path[:] = json.loads(os.environ.pop('AIOS_STEP_PATH'));"
    " from aios.workflow.execution.processes.child import main; sys.exit(main())"
)
_CHUNK: Final = 64 << 10


class StepProcess:
    """One child process, with its guard. Used by one thread at a time.

    Raises:
        UnavailableError: the system has no room for another process or pipe.
    """

    def __init__(self) -> None:
        pipes: list[int] = []
        try:
            for _ in range(3):
                pipes += os.pipe()
            job_read, self._job, life_read, self._life, self._events, events_write = pipes
            self._guard = _start_guard(job_read, life_read, events_write)
        except BaseException as error:
            for descriptor in pipes:
                os.close(descriptor)
            if isinstance(error, OSError):
                raise UnavailableError(f"no process can be started for a step: {error}") from error
            raise
        for descriptor in (job_read, life_read, events_write):
            os.close(descriptor)
        self.pid = 0
        self.dead = False
        self._unsent = memoryview(b"")
        self._messages = MessageReader()
        os.set_blocking(self._job, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._events, selectors.EVENT_READ)
        self._output = OutputTail()
        try:
            self._output.start(self._guard.stderr)
        except RuntimeError as error:  # no more threads
            self.kill()
            if self._guard.stderr is not None:
                self._guard.stderr.close()
            raise UnavailableError(f"no process can be started for a step: {error}") from error

    def send(self, job: Json) -> None:
        """Give the child a job, one line of JSON; it goes out while events are waited for."""
        self._unsent = memoryview(json.dumps(job).encode() + b"\n")
        self._selector.register(self._job, selectors.EVENT_WRITE)

    def next_event(self, timeout_s: float) -> Json | None:
        """The child's next message; None when there is none in time."""
        event = self._messages.next()
        if event is None:
            for key, _ in self._selector.select(timeout_s):
                if key.fd == self._job:
                    self._write_job()
                elif chunk := os.read(self._events, _CHUNK):
                    self._messages.feed(chunk)
                else:
                    return {"event": "exit", "code": -signal.SIGKILL}
            event = self._messages.next()
        if event is not None and event["event"] == "started":
            self.pid = int(event["pid"])
        return event

    def tail(self) -> str:
        """The last lines that the child wrote to its standard output and error."""
        return self._output.text()

    def kill(self) -> None:
        """End the child, its group and its guard, and wait for that."""
        if self.dead:
            return
        self.dead = True
        with contextlib.suppress(OSError):
            os.close(self._life)
        try:
            self._guard.wait(5)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
            if self.pid:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, signal.SIGKILL)
        self._selector.close()
        for descriptor in (self._job, self._events):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _write_job(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._job, self._unsent) :]
        except BrokenPipeError:
            self._unsent = memoryview(b"")  # the child is gone: its guard says why
        if not self._unsent:
            self._selector.unregister(self._job)


def _start_guard(job: int, life: int, events: int) -> subprocess.Popen[bytes]:
    environment = dict(
        os.environ, AIOS_STEP_PATH=json.dumps([os.path.abspath(path) for path in sys.path])
    )
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    child = [sys.executable, "-c", _BOOTSTRAP, str(job), str(events)]
    parent = [sys.executable, "-I", "-S", str(guard.__file__)]
    return subprocess.Popen(
        [*parent, str(life), str(events), str(job), *child],
        pass_fds=(job, life, events),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
    )


class ProcessPool:
    """Children by run: at most `size` wait idle for their run's next step."""

    def __init__(self, size: int, start: Callable[[], StepProcess] = StepProcess) -> None:
        self._size = size
        self._start = start
        self._lock = threading.Lock()
        self._idle: OrderedDict[StepProcess, tuple[str, str]] = OrderedDict()
        self._busy: set[StepProcess] = set()
        self._closed = False

    def acquire(self, run_id: str, kind: str) -> StepProcess:
        """A child for this run's steps of one kind; the caller gives it back or kills it.

        Raises:
            UnavailableError: the manager closes, or no process can be started.
        """
        with self._lock:
            if self._closed:
                raise UnavailableError("the manager is closing")
            found = next((item for item, use in self._idle.items() if use == (run_id, kind)), None)
            if found is not None:
                del self._idle[found]
                self._busy.add(found)
                return found
        started = self._start()
        with self._lock:
            self._busy.add(started)
        return started

    def give_back(self, process: StepProcess, run_id: str, kind: str) -> None:
        """Keep a healthy child for the run's next step; the longest idle one may have to go."""
        with self._lock:
            self._busy.discard(process)
            if not process.dead and not self._closed:
                self._idle[process] = (run_id, kind)
            surplus = len(self._idle) - self._size
            evicted = [self._idle.popitem(last=False)[0] for _ in range(surplus)]
            if self._closed:
                evicted.append(process)
        for item in evicted:
            item.kill()

    def forget(self, run_id: str) -> None:
        """End the idle children of a run that is over."""
        with self._lock:
            over = [item for item, use in self._idle.items() if use[0] == run_id]
            for item in over:
                del self._idle[item]
        for item in over:
            item.kill()

    def close(self) -> None:
        """End all idle children; busy ones end with their attempt, which was cancelled."""
        with self._lock:
            self._closed = True
            over = list(self._idle)
            self._idle.clear()
        for item in over:
            item.kill()

    def pids(self) -> list[int]:
        """The process ids of the children that live."""
        with self._lock:
            return [item.pid for item in (*self._idle, *self._busy) if item.pid and not item.dead]
