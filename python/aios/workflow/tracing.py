"""OpenTelemetry spans of runs and steps; does nothing, and imports nothing, unless asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aios.errors import NotFoundError


class Span:
    """What the runner tells about an attempt; the base does nothing."""

    def failed(self, error: BaseException) -> None:
        """The attempt raised."""


class Tracing:
    """No spans."""

    def run_started(self, run_id: str, workflow: str) -> None:
        """A run is driven from here on."""

    def run_ended(self, run_id: str, status: str) -> None:
        """A run is over."""

    @contextmanager
    def step(self, run_id: str, task: str, attempt: int) -> Iterator[Span]:
        """Around an attempt."""
        yield Span()


class _OtelSpan(Span):
    def __init__(self, span: Any) -> None:
        self._span = span

    def failed(self, error: BaseException) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.record_exception(error)
        self._span.set_status(Status(StatusCode.ERROR, str(error)))


class OpenTelemetryTracing(Tracing):
    """A span per run, and one under it per attempt of a step.

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
        self._tracer = trace.get_tracer("aios.workflow", tracer_provider=provider)
        self._runs: dict[str, Any] = {}

    def run_started(self, run_id: str, workflow: str) -> None:
        """Open the run's span."""
        attributes = {"aios.run_id": run_id, "aios.workflow": workflow}
        self._runs[run_id] = self._tracer.start_span(f"run {workflow}", attributes=attributes)

    def run_ended(self, run_id: str, status: str) -> None:
        """Close the run's span."""
        span = self._runs.pop(run_id, None)
        if span is not None:
            span.set_attribute("aios.status", status)
            if status == "FAILED":
                span.set_status(self._trace.Status(self._trace.StatusCode.ERROR))
            span.end()

    @contextmanager
    def step(self, run_id: str, task: str, attempt: int) -> Iterator[Span]:
        """A span for the attempt, current in its thread."""
        parent = self._runs.get(run_id)
        context = None if parent is None else self._trace.set_span_in_context(parent)
        attributes = {"aios.run_id": run_id, "aios.attempt": attempt}
        with self._tracer.start_as_current_span(
            f"step {task}", context=context, attributes=attributes
        ) as span:
            yield _OtelSpan(span)
