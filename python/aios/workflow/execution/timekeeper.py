"""The thread that keeps time for a manager: it beats, looks for work, and fires what is due."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from aios.errors import AiosError

_log = logging.getLogger("aios.workflow")
_MOST_POLL_S: Final = 0.5

Duty = Callable[[], object]


class Timekeeper:
    """Calls `beat` and the `polls` at their intervals, `expire` in time, and each `later` once.

    A duty that fails is logged, and keeps no other one from being done.

    Args:
        beat: done first, every quarter of a lease.
        expire: ends what has run out of time by now; returns when the next one will.
        lease_s: the length of a lease.
    """

    def __init__(
        self, beat: Duty, expire: Callable[[float], Iterable[float]], *, lease_s: float
    ) -> None:
        self.polls: list[Duty] = []
        self._beat = beat
        self._expire = expire
        self._beat_s = lease_s / 4
        self._poll_s = min(lease_s / 4, _MOST_POLL_S)
        self._later: list[tuple[float, int, Duty]] = []
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._poll_now = False
        self._stopped = False
        self._said = ""
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, once."""
        with self._lock:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(
                    target=self._loop, name="aios-timekeeper", daemon=True
                )
                self._thread.start()

    def wake(self) -> None:
        """Look at the deadlines again: there is a new one."""
        self._wake.set()

    def poke(self) -> None:
        """Do the polls now."""
        self._poll_now = True
        self._wake.set()

    def later(self, delay_s: float, duty: Duty) -> None:
        """Call `duty` once, after a pause."""
        with self._lock:
            due = time.monotonic() + delay_s
            heapq.heappush(self._later, (due, next(self._order), duty))
        self._wake.set()

    def stop(self, timeout_s: float) -> None:
        """Do nothing more; waits for what is being done."""
        with self._lock:
            self._stopped = True
            thread = self._thread
        self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)

    def _loop(self) -> None:
        next_beat = next_poll = 0.0
        while not self._stopped:
            now = time.monotonic()
            if now >= next_beat:
                next_beat = now + self._beat_s
                self._do(self._beat)
            if now >= next_poll or self._poll_now:
                self._poll_now = False
                next_poll = now + self._poll_s
                for poll in self.polls:
                    self._do(poll)
            for duty in self._due(now):
                self._do(duty)
            until = min([next_beat, next_poll, *self._deadlines(now), *self._next_later()])
            self._wake.wait(max(0.0, until - time.monotonic()))
            self._wake.clear()

    def _do(self, duty: Duty) -> None:
        try:
            duty()
        except AiosError as error:
            if not self._stopped and self._said != str(error):
                self._said = str(error)
                _log.warning("the home can't be used now: %s", error)
        except Exception:
            _log.exception("a bug in the manager; it goes on")

    def _deadlines(self, now: float) -> list[float]:
        found: list[float] = []
        self._do(lambda: found.extend(self._expire(now)))
        return found

    def _due(self, now: float) -> list[Duty]:
        due = []
        with self._lock:
            while self._later and self._later[0][0] <= now:
                due.append(heapq.heappop(self._later)[2])
        return due

    def _next_later(self) -> list[float]:
        with self._lock:
            return [self._later[0][0]] if self._later else []
