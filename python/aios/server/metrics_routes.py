"""Where metrics are read: at the server's port, and at one of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from aios.registry.shadow_results import ShadowResult
from aios.server.config import ServerConfig
from aios.server.control_lane import ControlLane
from aios.server.library import ModelLibrary
from aios.server.metrics_page import metrics_page
from aios.server.protection import Protection, TlsFiles, connection_limits
from aios.server.replies import Reply, Route, route
from aios.server.snapshot import snapshots


class Metrics:
    """Tells what a server has done.

    Args:
        library: Its models.
        totals: What its data plane has seen, by name.
        bounds_us: Upper bounds of the buckets of latency, in µs.
        shadows: What is known of challengers.
    """

    def __init__(
        self,
        library: ModelLibrary,
        totals: Callable[[], Mapping[str, int]],
        bounds_us: Sequence[float],
        shadows: Callable[[], Sequence[ShadowResult]],
    ) -> None:
        self._library, self._totals = library, totals
        self._bounds_us, self._shadows = bounds_us, shadows

    def page(self, names: str) -> Reply:
        """The page of this moment.

        Args:
            names: Whose: "aios", "tfserving" or "triton".
        """
        versions = snapshots(self._library.entries())
        shadows = self._shadows() if names == "aios" else ()
        return metrics_page(names, versions, self._totals(), self._bounds_us, shadows)

    def routes(self, names: str, scope: str) -> list[Route]:
        """`/metrics` in these names, and in TensorFlow Serving's where that has them."""
        others = "/monitoring/prometheus/metrics"
        return [
            route("GET", "/metrics", lambda: self.page(names), scope=scope),
            route("GET", others, lambda: self.page("tfserving"), scope=scope),
        ]


class MetricsPort:
    """A port that has nothing but metrics.

    Args:
        routes: What it has.
        told: The server's config. Its port is 0 for any free one, which `port` then tells.
        tls: The server's.

    Raises:
        FailedPreconditionError: The port is taken.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        told: ServerConfig,
        tls: TlsFiles | None,
    ) -> None:
        from aios import _core

        self._plane = _core.DataPlane(
            io_threads=1, workers=1, max_waiting=1, max_batch=1, limits=connection_limits(told)
        )
        self._protection = Protection(self._plane, token_file=told.token_file, tls=tls)
        self._lane = ControlLane(self._plane, routes, {})
        try:
            self.port = self._plane.listen(
                told.host, told.metrics_port or 0, secure=tls is not None
            )
        except BaseException:
            self.close()
            raise
        self._protection.start()

    def close(self) -> None:
        """Ends it."""
        self._protection.close()
        self._plane.drain(0)
        self._plane.close()
        self._lane.join()
