"""OpenTelemetry spans of runs and steps; does nothing, and imports nothing, unless asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aios.errors import NotFoundError
from aios.home.error_text import text_of, traceback_of, type_of

_FLUSH_MS: Final = 5_000


class Span:
    """What the host tells about an attempt; this one does nothing with it."""

    def failed(self, error: BaseException) -> None:
        """The attempt raised."""


class Tracing:
    """No spans."""

    def run_started(self, run_id: str, workflow: str) -> None:
        """A run is driven from here on."""

    def run_ended(self, run_id: str, status: str = "") -> None:
        """A run is over; without a status, it is let go of and may go on elsewhere."""

    @contextmanager
    def step(self, run_id: str, task: str, attempt: int) -> Iterator[Span]:
        """Around an attempt."""
        yield Span()

    def close(self) -> None:
        """End what is open, and have it exported."""


class _OtelSpan(Span):
    def __init__(self, span: Any) -> None:
        self.span = span

    def failed(self, error: BaseException) -> None:
        """An event by OpenTelemetry's conventions for exceptions, in text that can't raise."""
        from opentelemetry.trace import Status, StatusCode

        text = text_of(error)
        attributes = {
            "exception.type": type_of(error),
            "exception.message": text,
            "exception.stacktrace": traceback_of(error),
        }
        self.span.add_event("exception", attributes)
        self.span.set_status(Status(StatusCode.ERROR, text))


@dataclass(slots=True)
class _OpenRun:
    """A run's span, and those of its attempts that go on."""

    span: Any
    steps: set[Any] = field(default_factory=set)


class OpenTelemetryTracing(Tracing):
    """A span per run, and one under it per attempt of a step, which ends before its run's does.

    Args:
        provider: an OpenTelemetry `TracerProvider`; None: the global one.

    Raises:
        NotFoundError: opentelemetry isn't installed.
    """

    def __init__(self, provider: Any = None) -> None:
        try:
            from opentelemetry import trace
        except ImportError as error:
            raise NotFoundError(
                "tracing needs OpenTelemetry: pip install 'aios-cells[otel]'"
            ) from error
        self._trace = trace
        self._provider = provider
        self._tracer = trace.get_tracer("aios.workflow", tracer_provider=provider)
        self._lock = threading.Lock()
        self._runs: dict[str, _OpenRun] = {}

    def run_started(self, run_id: str, workflow: str) -> None:
        """Open the run's span."""
        attributes = {"aios.run_id": run_id, "aios.workflow": workflow}
        span = self._tracer.start_span(f"run {workflow}", attributes=attributes)
        with self._lock:
            self._runs[run_id] = _OpenRun(span)

    def run_ended(self, run_id: str, status: str = "") -> None:
        """Close the run's span, after those of attempts that nobody waits for any more."""
        with self._lock:
            run = self._runs.pop(run_id, None)
        if run is None:
            return
        for span in run.steps:
            span.set_attribute("aios.given_up", True)
            span.end()
        run.span.set_attribute("aios.status", status or "LET_GO")
        if status == "FAILED":
            run.span.set_status(self._trace.Status(self._trace.StatusCode.ERROR))
        run.span.end()

    @contextmanager
    def step(self, run_id: str, task: str, attempt: int) -> Iterator[Span]:
        """A span for the attempt, current in its thread."""
        with self._lock:
            run = self._runs.get(run_id)
            if run is not None:
                attributes = {"aios.run_id": run_id, "aios.attempt": attempt}
                context = self._trace.set_span_in_context(run.span)
                span = self._tracer.start_span(f"step {task}", context, attributes=attributes)
                run.steps.add(span)
        if run is None:
            yield Span()
            return
        quiet = {"record_exception": False, "set_status_on_exception": False}
        try:
            with self._trace.use_span(span, end_on_exit=False, **quiet):
                yield _OtelSpan(span)
        finally:
            with self._lock:
                mine = span in run.steps and self._runs.get(run_id) is run
                run.steps.discard(span)
            if mine:
                span.end()

    def close(self) -> None:
        """End all spans, and flush the provider, so that the last ones aren't lost."""
        for run_id in list(self._runs):
            self.run_ended(run_id)
        provider = self._provider or self._trace.get_tracer_provider()
        flush = getattr(provider, "force_flush", None)
        if flush is not None:
            flush(_FLUSH_MS)


def tracing_for(wanted: Any) -> Tracing:
    """What `AICellManager(tracing=…)` asks for: nothing, the global provider, or that one."""
    if not wanted:
        return Tracing()
    return OpenTelemetryTracing(None if wanted is True else wanted)
