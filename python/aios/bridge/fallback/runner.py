"""One signature on one interpreter: sessions, timing, counters."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter_ns

from aios.bridge.fallback.arrays import Array
from aios.bridge.fallback.engine import Model, Session
from aios.bridge.fallback.records import Signature, SignatureMetrics
from aios.bridge.fallback.statistics import CallStats
from aios.bridge.fallback.threads import process_budget, thread_budget


class Runner:
    """Lends each session to one caller at a time; safe from any thread."""

    def __init__(self, model: Model, signature: Signature, threads: int) -> None:
        self.signature = signature
        self._model = model
        self._threads = threads
        self._stats = CallStats()
        self._free: deque[Session] = deque()
        self._made: list[Session] = []
        # Callers beyond this wait: more would only take turns on the same processors.
        self._seats = threading.BoundedSemaphore(max(4, 2 * thread_budget()))

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session for this caller alone; waits while all are busy."""
        with self._seats:
            try:
                session = self._free.pop()
            except IndexError:
                session = self._model.new_session(self.signature)
                self._made.append(session)
            try:
                yield session
            finally:
                self._free.append(session)

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array], batch: int) -> None:
        """Answers checked inputs into checked outputs; the batch isn't 0."""
        with self._timed(batch) as session:
            session.run(inputs, outputs)

    def answer(self, inputs: Sequence[Array], batch: int) -> list[Array]:
        """The same where only the answer tells the outputs' shapes."""
        with self._timed(batch) as session:
            return session.answer(inputs)

    def metrics(self) -> SignatureMetrics:
        """What was answered since loading."""
        staged = sum(session.staged_bytes for session in self._made)
        return self._stats.metrics(self.signature.name, staged, len(self._made))

    @contextmanager
    def _timed(self, batch: int) -> Iterator[Session]:
        # A session first, a share second: who holds a share waits for nothing.
        with self.session() as session, process_budget().share(self._threads):
            begin = perf_counter_ns()
            try:
                yield session
            except BaseException:
                self._stats.count_error()
                raise
            self._stats.count_call(batch, perf_counter_ns() - begin)
