"""Who takes what a data plane logs of its requests: an access log, and traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aios.server.access_log import AccessLog
from aios.server.config import ServerConfig
from aios.server.request_traces import RequestTraces

if TYPE_CHECKING:
    from aios._core import DataPlane


class RequestLogs:
    """Those that a config asks for.

    Args:
        plane: What is logged; closing it ends them.
        config: Names the access log's file, and says whether there are traces.
        tracer_provider: Of OpenTelemetry; None: the global one.

    Raises:
        InvalidArgumentError: The file can't be opened.
        NotFoundError: opentelemetry isn't installed.
    """

    def __init__(self, plane: DataPlane, config: ServerConfig, tracer_provider: Any = None) -> None:
        self._traces = RequestTraces(plane.take_traces, tracer_provider) if config.traces else None
        self._log = (
            None if config.access_log is None else AccessLog(config.access_log, plane.take_log)
        )

    def reopen(self) -> None:
        """Opens the access log again; see AccessLog.reopen()."""
        if self._log is not None:
            self._log.reopen()

    def close(self) -> None:
        """Writes what came before the plane was closed."""
        if self._log is not None:
            self._log.close()
        if self._traces is not None:
            self._traces.close()
