"""`aios.Server`: models of a folder, answered over the network by the C++ data plane."""

from __future__ import annotations

import atexit
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from aios.bridge.core import IS_NATIVE
from aios.errors import InvalidArgumentError, NotFoundError, UnsupportedError
from aios.server import kserve, tensorflow_serving
from aios.server.folder import FoundModel, scan
from aios.server.library import ModelEntry, ModelLibrary
from aios.server.metrics_page import metrics_page
from aios.server.replies import Reply, json_reply, reply_to, route

if TYPE_CHECKING:
    from aios._core import ServerRequest
    from aios.bridge import TensorFlowCellularBridge

_MEBIBYTE = 1 << 20
#: Of one kind, as the data plane takes them.
_MOST_THREADS = 256


class Server:
    """Answers TensorFlow Serving's and Triton's HTTP clients with the models of a folder.

    It listens at once, and returns when every model was loaded, or has failed with a reason that
    `models()` tells. Use it as a context manager, or close() it.

    Args:
        models: A folder with bundles `NAME/VERSION.cell`, or with SavedModels `NAME/VERSION/` as
            TensorFlow Serving has them, which the engine tensorflow runs, unproven; or one bundle.
            What is put there, replaced or taken away while the server runs is loaded, swapped in
            or unloaded.
        host: A numeric address to listen at; by default only this machine can connect.
        http_port: The port; 0 for any free one, which `http_port` then tells.
        grpc_port: Not supported yet.
        io_threads: Threads that read, answer fast models, and write.
        workers: Threads that answer models whose calls take longer than about 30 µs; by default as
            many as this process's budget of threads, at most 256.
        engine: As of `aios.load`.
        verify: As of `aios.load`: what is checked before a version answers.
        poll_s: How often the folder is looked at; 0 for never: then sync() does it.
        max_body_mib: The largest body of a request.
        max_connections: Connections at a time; more are refused.
        max_waiting: Calls that wait for a worker; more are answered with 503.
        read_timeout_s: How long a request may take to come.

    Raises:
        NotFoundError: There is no such folder.
        UnsupportedError: aios runs without its C++ extension.
        FailedPreconditionError: The port is taken.
    """

    def __init__(
        self,
        models: str | os.PathLike[str],
        *,
        host: str = "127.0.0.1",
        http_port: int = 8501,
        grpc_port: int | None = None,
        io_threads: int = 1,
        workers: int | None = None,
        engine: str = "auto",
        verify: str = "quick",
        poll_s: float = 1.0,
        max_body_mib: int = 64,
        max_connections: int = 4096,
        max_waiting: int = 1024,
        read_timeout_s: float = 10.0,
    ) -> None:
        require_extension()
        if grpc_port is not None:
            raise UnsupportedError("grpc_port: this server speaks HTTP only; leave it out")
        if not poll_s >= 0:
            raise InvalidArgumentError(f"poll_s: expected 0 or more, such as 1.0, got {poll_s}")
        from aios import _core

        self._pid = os.getpid()
        self._folder = Path(models).expanduser()
        self._engine, self._verify = engine, verify
        wanted = scan(self._folder)
        self._plane = _core.DataPlane(
            io_threads=io_threads,
            workers=min(_MOST_THREADS, _core.thread_budget()) if workers is None else workers,
            max_body_bytes=max_body_mib * _MEBIBYTE,
            max_connections=max_connections,
            max_waiting=max_waiting,
            read_timeout_s=read_timeout_s,
        )
        self._bounds_us = _core.latency_bounds_us()
        self._library = ModelLibrary(self._plane, self._load)
        self._routes = [
            route("GET", "/healthz", self._health),
            route("GET", "/metrics", self._metrics),
            *kserve.routes(self._library),
            *tensorflow_serving.routes(self._library),
        ]
        self.host, self.http_port = host, self._plane.listen(host, http_port)
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._answer, name="aios-server", daemon=True)]
        self._threads[0].start()
        atexit.register(self.close)
        self._library.sync(wanted)
        if poll_s > 0:
            watch = threading.Thread(target=self._watch, args=(poll_s,), name="aios-server-watch")
            watch.daemon = True
            self._threads.append(watch)
            watch.start()

    @property
    def url(self) -> str:
        """Where clients find it, as `http://127.0.0.1:8501`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.http_port}"

    def models(self) -> list[ModelEntry]:
        """Every version with its state, and the reason where it doesn't answer."""
        return self._library.entries()

    @property
    def is_ready(self) -> bool:
        """Whether every model has a version that answers."""
        return self._library.is_ready

    def sync(self) -> None:
        """Looks at the folder now; returns when what is there answers.

        Raises:
            NotFoundError: The folder is gone; what was loaded goes on answering.
        """
        self._library.sync(scan(self._folder))

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
        self._plane.drain(0)
        self._plane.close()
        for thread in self._threads:
            thread.join()
        self._library.close()

    def _load(self, found: FoundModel) -> TensorFlowCellularBridge:
        from aios.bridge import load

        return load(found.path, engine=self._engine, verify=self._verify)

    def _health(self) -> Reply:
        ready = self.is_ready
        return json_reply({"ready": ready}, 200 if ready else 503)

    def _metrics(self) -> Reply:
        return metrics_page(self.models(), self._plane.totals(), self._bounds_us)

    def _watch(self, poll_s: float) -> None:
        while not self._closing.wait(poll_s):
            try:
                self.sync()
            except NotFoundError:
                continue

    def _answer(self) -> None:
        while (request := self._plane.take()) is not None:
            reply = self._reply(request)
            self._plane.respond(request, reply.status, reply.body, content_type=reply.content_type)

    def _reply(self, request: ServerRequest) -> Reply:
        try:
            return reply_to(self._routes, request.method, request.target, request.body)
        except Exception as error:
            return json_reply({"error": f"{type(error).__name__}: {error}"}, 500)

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
        return f"<Server {self.url}, models of '{self._folder}'>"


def require_extension() -> None:
    """Refuses where there is no data plane.

    Raises:
        UnsupportedError: aios runs without its C++ extension.
    """
    if IS_NATIVE:
        return
    from aios.bridge.fallback.notice import remedy

    raise UnsupportedError(f"the server needs the C++ extension of aios; {remedy()}")


def described(entry: ModelEntry) -> dict[str, Any]:
    """A version as `aios serve --json` tells it."""
    return {
        "name": entry.key.name,
        "version": entry.key.version,
        "state": entry.state.value,
        "proven": entry.found.is_proven,
        "reason": None if entry.error is None else str(entry.error),
    }
