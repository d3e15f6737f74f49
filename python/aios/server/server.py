"""`aios.Server`: models of a folder, answered over the network by the C++ data plane."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from aios.bridge.core import IS_NATIVE
from aios.bridge.engines import facts_of
from aios.errors import AiosError, NotFoundError, UnsupportedError, did_you_mean
from aios.registry.shadow_results import ShadowResult
from aios.server import cors, kserve, routing, shared_memory, tensorflow_serving
from aios.server.config import MOST_THREADS, ServerConfig, config_of
from aios.server.config_route import config_route
from aios.server.control_lane import ControlLane
from aios.server.dashboard import Dashboard
from aios.server.folder import FoundModel, VersionKey
from aios.server.grpc_health import health_methods
from aios.server.grpc_methods import methods
from aios.server.held_models import HeldModels
from aios.server.library import ModelEntry, ModelLibrary
from aios.server.loading import loaders
from aios.server.metrics_routes import Metrics, MetricsPort
from aios.server.protection import Protection, TlsFiles, connection_limits, tls_files
from aios.server.replies import Reply, Route, json_reply, route
from aios.server.repository import Repository
from aios.server.request_logs import RequestLogs
from aios.server.shadows import Shadows
from aios.server.sources import source_of
from aios.server.wanted import Wanted

if TYPE_CHECKING:
    from aios._core import DataPlane
    from aios.bridge import TensorFlowCellularBridge

_MEBIBYTE = 1 << 20
_log = logging.getLogger("aios.server")


class Server:
    """Answers TensorFlow Serving's and Triton's HTTP clients with the models of a folder.

    It listens at once, and returns when every model was loaded, or has failed with a reason that
    `models()` tells. Use it as a context manager, or close() it.

    Args:
        models: A folder with bundles `NAME/VERSION.cell`, or with SavedModels `NAME/VERSION/` as
            TensorFlow Serving has them, which the engine tensorflow runs, unproven; or one bundle.
            What is put there, replaced or taken away while the server runs is loaded, swapped in
            or unloaded.
        config: A ServerConfig, or a TOML file with its fields.
        tracer_provider: An OpenTelemetry `TracerProvider` for `traces=True`; None: the global one.
        options: Fields of ServerConfig, which come before those of `config`: `http_port=0` is any
            free port, which `http_port` then tells; with `poll_s=0` only sync() looks at the
            folder.

    Raises:
        NotFoundError: There is no such folder, home or engine.
        UnsupportedError: aios runs without its C++ extension.
        FailedPreconditionError: The port is taken.
        InvalidArgumentError: An option is unknown or doesn't fit, or nothing is to be served.
    """

    def __init__(
        self,
        models: str | os.PathLike[str] | None = None,
        *,
        config: ServerConfig | str | os.PathLike[str] | None = None,
        tracer_provider: Any = None,
        **options: Any,
    ) -> None:
        require_extension()
        told = config_of(config, {"models": models, **options})
        from aios import _core

        self._has_grpc = _has_grpc(told)
        self._pid = os.getpid()
        self.config = told
        for engine in {told.engine, *(each.engine for each in told.per_model.values())}:
            if engine not in (None, "auto"):
                facts_of(engine)
        self._source = source_of(told)
        wanted = self._source.look()
        _tell_of_unknown_names(told, wanted)
        self._plane = _plane_of(told)
        tls = tls_files(told.tls_cert, told.tls_key, told.tls_client_ca)
        self._protection = Protection(self._plane, token_file=told.token_file, tls=tls)
        self._bounds_us = _core.latency_bounds_us()
        self._shadows = Shadows(
            lambda champion, challenger, share, tolerance: _core.Shadow(
                champion, challenger, share=share, tolerance=tolerance
            ),
            told,
            self._source.store,
        )
        self._library = ModelLibrary(
            self._plane, self._load, told, self._shadows, loaders=loaders()
        )
        self._held = HeldModels()
        self.host, self._scheme = told.host, "http" if tls is None else "https"
        self.http_port = self._plane.listen(told.host, told.http_port, secure=tls is not None)
        self._grpc_port = self._listen_for_grpc(told, secure=tls is not None)
        self._listen_at(told)
        with ExitStack() as opened:
            # Ends what was started, where the rest can't be.
            opened.callback(self._plane.close)
            self._request_logs = RequestLogs(self._plane, told, tracer_provider)
            self._metrics_port = self._open_metrics_port(tls)
            opened.pop_all()
        self._protection.start()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        routes = self._routes()
        calls = {**methods(routes), **health_methods(lambda: self.is_ready)}
        self._lane = ControlLane(self._plane, routes, calls)
        atexit.register(self.close)
        self._library.sync(wanted)
        for text in routing.idle(told, self._library.routes()):
            _log.warning("%s", text)
        if told.poll_s > 0:
            watch = threading.Thread(target=self._watch, name="aios-server-watch", daemon=True)
            self._threads.append(watch)
            watch.start()

    @property
    def url(self) -> str:
        """Where clients find it, as `http://127.0.0.1:8501`."""
        return f"{self._scheme}://{self._shown_host}:{self.http_port}"

    @property
    def grpc_port(self) -> int | None:
        """Where gRPC's clients find it: a port of its own, or HTTP's, which speaks both.

        None where aios was built without what gRPC needs.
        """
        if not self._has_grpc:
            return None
        return self.http_port if self._grpc_port is None else self._grpc_port

    @property
    def grpc_url(self) -> str | None:
        """The same as gRPC's clients take it: `127.0.0.1:8500`."""
        port = self.grpc_port
        return None if port is None else f"{self._shown_host}:{port}"

    @property
    def _shown_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def models(self) -> list[ModelEntry]:
        """Every version with its state, and the reason where it doesn't answer."""
        return self._library.entries()

    def route(self, model: str) -> routing.Route:
        """Which version of a model answers calls that name none, and its labels.

        Raises:
            NotFoundError: No version of it answers.
        """
        found = self._library.routes().get(model)
        if found is None:
            raise NotFoundError(f"no version of a model '{model}' answers")
        return found

    def shadows(self) -> list[ShadowResult]:
        """What is known of challengers that got copies of calls."""
        return self._shadows.results()

    @property
    def is_ready(self) -> bool:
        """Whether every model has a version that answers."""
        return self._library.is_ready

    def sync(self) -> None:
        """Looks at models, tokens and certificates now; returns when what is there answers.

        Raises:
            AiosError: The folder or the home is gone; what was loaded goes on answering.
        """
        self._protection.check()
        self._library.sync(self._held.left_of(self._source.look()))
        self._shadows.keep()

    def reopen_log(self) -> None:
        """Goes on in an access log of the same name, as after the one before was renamed.

        Raises:
            InvalidArgumentError: It can't be opened; what comes goes where it went before.
        """
        self._request_logs.reopen()

    def drain(self, longest_s: float = 30.0) -> bool:
        """Listens no more, and answers the requests that are under way.

        Returns:
            Whether all were answered in that time.
        """
        return self._plane.drain(longest_s)

    def close(self) -> None:
        """Ends it: what is still connected is cut. Closing twice is allowed.

        In a forked child it does nothing: the server's threads are its parent's.
        """
        if self._closing.is_set() or os.getpid() != self._pid:
            return
        self._closing.set()
        atexit.unregister(self.close)
        self._protection.close()
        self._plane.drain(0)
        self._plane.close()
        self._lane.join()
        self._request_logs.close()
        if self._metrics_port is not None:
            self._metrics_port.close()
        for thread in self._threads:
            thread.join()
        self._library.close()
        self._source.close()

    @property
    def metrics_port(self) -> int | None:
        """Where metrics are read by themselves; None where the config names no port for that."""
        return None if self._metrics_port is None else self._metrics_port.port

    def _open_metrics_port(self, tls: TlsFiles | None) -> MetricsPort | None:
        if self.config.metrics_port is None:
            return None
        return MetricsPort(self._metrics_routes("triton"), self.config, tls)

    def _metrics_routes(self, usual_names: str) -> list[Route]:
        metrics = Metrics(self._library, self._plane.totals, self._bounds_us, self.shadows)
        scope = "open" if self.config.open_metrics else "infer"
        return metrics.routes(self.config.metric_names or usual_names, scope)

    def _routes(self) -> list[Route]:
        most_body_bytes = self.config.max_body_mib * _MEBIBYTE
        return [
            route("GET", "/healthz", self._health, scope="open"),
            *self._metrics_routes("aios"),
            *Dashboard(self._library, self._plane.totals, self._bounds_us, self.shadows).routes(),
            route("GET", "/shadows", self._shadow_results),
            *kserve.routes(self._library, most_body_bytes),
            *Repository(self._library, self._held, self.sync).routes(),
            *shared_memory.routes(self._plane.shared_memory),
            *tensorflow_serving.routes(self._library),
            config_route(self.config),
            *cors.routes(self.config.cors_origin),
        ]

    def _listen_for_grpc(self, told: ServerConfig, *, secure: bool) -> int | None:
        """The port of gRPC alone, if one is asked for."""
        if told.grpc_port is None:
            return None
        return self._plane.listen(told.host, told.grpc_port, secure=secure)

    def _listen_at(self, told: ServerConfig) -> None:
        self.unix_socket = None if told.unix_socket is None else told.unix_socket.absolute()
        if self.unix_socket is not None:
            self._plane.listen_at(str(self.unix_socket), int(told.unix_socket_mode, 8))

    def _load(self, key: VersionKey, found: FoundModel) -> TensorFlowCellularBridge:
        from aios.bridge import load

        told = self.config.of_model(key.name)
        return load(
            found.path,
            engine=told.engine or self.config.engine,
            precision=told.precision,
            verify=told.verify or self.config.verify,
            require_signature=self.config.require_signature,
        )

    def _health(self) -> Reply:
        ready = self.is_ready
        return json_reply({"ready": ready}, 200 if ready else 503)

    def _shadow_results(self) -> Reply:
        running = self._shadows.running()
        return json_reply(
            {
                "bounds_us": self._bounds_us,
                "shadows": [
                    {
                        **result.to_json(),
                        "running": (result.name, result.champion, result.challenger) in running,
                    }
                    for result in self.shadows()
                ],
            }
        )

    def _watch(self) -> None:
        told = ""
        while not self._closing.wait(min(self.config.poll_s, threading.TIMEOUT_MAX)):
            try:
                self.sync()
                told = ""
            except Exception as error:  # A bug in one look mustn't end all that would follow.
                if str(error) != told:
                    is_bug = not isinstance(error, AiosError)
                    _log.warning("what is served stays as it is: %s", error, exc_info=is_bug)
                told = str(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Server {self.url}, models of '{self.config.models or self.config.registry}'>"


def _tell_of_unknown_names(config: ServerConfig, wanted: Wanted) -> None:
    known = {key.name for key in (*wanted.versions, *wanted.spare)}
    for name in config.per_model:
        if name not in known:
            _log.warning("per_model.%s: no such model is there%s", name, did_you_mean(name, known))


def require_extension() -> None:
    """Refuses where there is no data plane.

    Raises:
        UnsupportedError: aios runs without its C++ extension.
    """
    if IS_NATIVE:
        return
    from aios.bridge.fallback.notice import remedy

    raise UnsupportedError(f"the server needs the C++ extension of aios; {remedy()}")


def _plane_of(told: ServerConfig) -> DataPlane:
    from aios import _core

    return _core.DataPlane(
        io_threads=told.io_threads,
        workers=told.workers or min(MOST_THREADS, _core.thread_budget()),
        max_waiting=told.max_waiting,
        max_batch=told.max_batch,
        limits=connection_limits(told),
        access_log=told.access_log is not None,
        traces=told.traces,
    )


def _has_grpc(told: ServerConfig) -> bool:
    """Whether gRPC was built in; it must be where a port is asked for.

    Raises:
        UnsupportedError: It wasn't.
    """
    from aios import _core

    if not _core.has_grpc() and told.grpc_port is not None:
        raise UnsupportedError(
            "grpc_port: this aios was built without nghttp2, which gRPC needs; leave it out, or "
            "install libnghttp2-dev and build aios again"
        )
    return _core.has_grpc()


def described(entry: ModelEntry) -> dict[str, Any]:
    """A version as `aios serve --json` tells it."""
    return {
        "name": entry.key.name,
        "version": entry.key.version,
        "state": entry.state.value,
        "proven": entry.found.is_proven,
        "reason": entry.reason or None,
    }
