"""OpenTelemetry spans of requests whose clients ask for one, made by a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from aios.errors import NotFoundError

_FLUSH_MS = 5_000


class TracedRequest(NamedTuple):
    """A request as the data plane tells it; times are nanoseconds, `begin_ns` since 1970."""

    begin_ns: int
    took_ns: int
    client: str
    protocol: str
    method: str
    target: str
    model: str
    version: int | None
    status: int
    bytes: int
    traceparent: str


class RequestTraces:
    """Makes a span of each request, in the trace that its `traceparent` names.

    Args:
        take: Waits for requests; none say that there will be no more.
        provider: An OpenTelemetry `TracerProvider`; None: the global one.

    Raises:
        NotFoundError: opentelemetry isn't installed.
    """

    def __init__(self, take: Callable[[], Sequence[tuple[Any, ...]]], provider: Any = None) -> None:
        try:
            from opentelemetry import trace
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            raise NotFoundError(
                "traces need OpenTelemetry: pip install 'aios-cells[otel]'"
            ) from error
        self._trace, self._propagator = trace, TraceContextTextMapPropagator()
        self._take, self._provider = take, provider
        self._tracer = trace.get_tracer("aios.server", tracer_provider=provider)
        self._thread = threading.Thread(target=self._run, name="aios-server-traces", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Makes spans of what came before `take` had no more, and has them exported."""
        self._thread.join()
        provider = self._provider or self._trace.get_tracer_provider()
        flush = getattr(provider, "force_flush", None)
        if flush is not None:
            flush(_FLUSH_MS)

    def _run(self) -> None:
        while rows := self._take():
            for row in rows:
                self._make_span(TracedRequest(*row))

    def _make_span(self, request: TracedRequest) -> None:
        parent = self._propagator.extract({"traceparent": request.traceparent})
        span = self._tracer.start_span(
            f"{request.protocol} {request.model}".strip(),
            parent,
            kind=self._trace.SpanKind.SERVER,
            attributes=_attributes(request),
            start_time=request.begin_ns,
        )
        if _is_server_fault(request):
            span.set_status(self._trace.Status(self._trace.StatusCode.ERROR))
        span.end(request.begin_ns + request.took_ns)


def _attributes(request: TracedRequest) -> dict[str, str | int]:
    """By OpenTelemetry's conventions for HTTP and RPC, and aios's own."""
    path, _, query = request.target.partition("?")
    attributes: dict[str, str | int] = {"client.address": request.client}
    if _is_grpc(request):
        service, _, method = path.strip("/").partition("/")
        attributes |= {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
        attributes["rpc.grpc.status_code"] = request.status
    else:
        attributes |= {"http.request.method": request.method, "url.path": path}
        attributes["http.response.status_code"] = request.status
        attributes["http.response.body.size"] = request.bytes
        attributes |= {"url.query": query} if query else {}
    if request.model:
        attributes |= {"aios.protocol": request.protocol, "aios.model": request.model}
    if request.version is not None:
        attributes["aios.version"] = request.version
    return attributes


def _is_grpc(request: TracedRequest) -> bool:
    return request.method == "GRPC"


def _is_server_fault(request: TracedRequest) -> bool:
    # Of gRPC's codes those that its conventions for servers name.
    return request.status in (2, 4, 12, 13, 14, 15) if _is_grpc(request) else request.status >= 500
