"""Answering with deployed models: routes from "name@alias" to a loaded version."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from aios.deployment.drift import Profile
from aios.deployment.monitor import LATENCY_BOUNDS, VersionMonitor
from aios.errors import AiosError, FailedPreconditionError
from aios.home.bus import Bus
from aios.home.codec import ValueRef, load_value
from aios.home.home import Home
from aios.home.messages import Message
from aios.home.store import AddMessage
from aios.registry.model_version import ModelVersion
from aios.registry.registry import Registry
from aios.telemetry.metrics import Labels, gauge_text, histogram_text, label_text

_log = logging.getLogger("aios.workflow")


class Model(Protocol):
    """What a loader gives: a `TensorFlowCellularBridge`, or anything that answers like one."""

    def perform_inference(self, x: Any, **options: Any) -> Any:
        """Answer for `x`; safe from any thread."""


Loader = Callable[[Path], Model]


@dataclass(frozen=True, slots=True)
class Deployed:
    """A loaded version. Calls hold it, so it lives until the last one is answered."""

    version: ModelVersion
    model: Model
    monitor: VersionMonitor


class Predictor:
    """The routes of one manager. A call reads its route once, so one version answers it."""

    def __init__(
        self,
        home: Home,
        registry: Registry,
        bus: Bus,
        loader: Loader | None,
        *,
        drift_threshold: float = 0.25,
        drift_rows: int = 500,
        poll_s: float = 0.1,
    ) -> None:
        self._home = home
        self._registry = registry
        self._bus = bus
        self._loader = loader or _load_bundle
        self._threshold = drift_threshold
        self._rows = drift_rows
        self._poll_s = poll_s
        self._lock = threading.RLock()
        self._routes: dict[str, Deployed] = {}
        self._loaded: dict[tuple[str, int], Deployed] = {}
        self._monitors: dict[tuple[str, int], VersionMonitor] = {}
        self._failed: dict[tuple[str, int], str] = {}
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def predict(self, model: str, x: Any, **options: Any) -> Any:
        """See `AICellManager.predict`."""
        deployed = self._routes.get(model)
        if deployed is None:
            deployed = self._route(model)
        monitor = deployed.monitor
        started = time.perf_counter_ns()
        try:
            y = deployed.model.perform_inference(x, **options)
        except BaseException:
            monitor.failed()
            raise
        monitor.answered(started, time.perf_counter_ns(), x, y)
        return y

    def preload(self, name: str, version: int) -> None:
        """Load a version before an alias moves to it; an error leaves everything as it is.

        Only where the model already answers in this process: others load at their first call.
        """
        with self._lock:
            if any(item.version.name == name for item in self._routes.values()):
                self._load(self._registry.version(name, version))

    def refresh(self) -> None:
        """Point routes at what their aliases name now, unless that can't be loaded."""
        if not self._routes:
            return
        aliases = self._registry.alias_versions()
        with self._lock:
            for route, deployed in list(self._routes.items()):
                name, alias = _parse(route)
                version = aliases.get((name, alias))
                if alias.isdigit() or version in (None, deployed.version.version):
                    continue
                try:
                    self._routes[route] = self._load(
                        self._registry.version(name, int(version or 0))
                    )
                except AiosError as error:
                    if self._failed.get((name, int(version or 0))) != str(error):
                        self._failed[name, int(version or 0)] = str(error)
                        _log.error(
                            "%s stays on version %d: %s", route, deployed.version.version, error
                        )
            used = {(item.version.name, item.version.version) for item in self._routes.values()}
            for key in [key for key in self._loaded if key not in used]:
                del self._loaded[key]

    def watch(self) -> list[dict[str, Any]]:
        """See `AICellManager.watch`."""
        for monitor in list(self._monitors.values()):
            monitor.judge()
        routes = dict(self._routes)
        reports = []
        for key, monitor in sorted(self._monitors.items()):
            names = [
                route
                for route, item in routes.items()
                if (item.version.name, item.version.version) == key
            ]
            reports.append({**monitor.report(), "routes": sorted(names)})
        return reports

    def text(self) -> Iterator[str]:
        """Lines of the Prometheus exposition format."""
        monitors = sorted(self._monitors.items())
        labels: list[tuple[Labels, VersionMonitor]] = [
            ((("name", name), ("version", str(version))), monitor)
            for (name, version), monitor in monitors
        ]
        yield from histogram_text(
            "aios_predict_seconds",
            "Latency of answered calls.",
            LATENCY_BOUNDS,
            [(label, list(item.counts), item.total_s) for label, item in labels],
        )
        yield "# HELP aios_predict_errors_total Calls that raised."
        yield "# TYPE aios_predict_errors_total counter"
        for label, item in labels:
            yield f"aios_predict_errors_total{label_text(label)} {item.errors}"
        yield from gauge_text(
            "aios_drift_psi",
            "Population-stability index of the worst feature in the last full window.",
            {
                (*label, ("tensor", tensor)): psi
                for label, item in labels
                for tensor, psi in item.drift.items()
            },
        )

    def close(self) -> None:
        """Forget all models; calls from now on are refused."""
        self._stop.set()
        with self._lock:
            self._routes.clear()
            self._loaded.clear()

    def _route(self, route: str) -> Deployed:
        name, alias = _parse(route)
        with self._lock:
            if self._stop.is_set():
                raise FailedPreconditionError(
                    f"the manager of {self._home.path} is closed; open a new one"
                )
            deployed = self._load(self._registry.resolve(name, alias))
            self._routes[route] = deployed
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="aios-deploy", daemon=True)
                self._thread.start()
        return deployed

    def _load(self, version: ModelVersion) -> Deployed:
        key = (version.name, version.version)
        with self._lock:
            found = self._loaded.get(key)
            if found is None:
                model = self._loader(Path(version.bundle))
                found = Deployed(version, model, self._monitor(version))
                self._loaded[key] = found
            return found

    def _monitor(self, version: ModelVersion) -> VersionMonitor:
        key = (version.name, version.version)
        if key not in self._monitors:
            profile = None
            if version.profile is not None:
                body = load_value(ValueRef.from_json(version.profile), self._home.content)
                profile = Profile.from_json(body)
            self._monitors[key] = VersionMonitor(
                *key,
                profile,
                threshold=self._threshold,
                window_rows=self._rows,
                send=self._send,
            )
        return self._monitors[key]

    def _send(self, message: Message) -> None:
        self._bus.publish(message)
        with suppress(AiosError):
            self._home.store.commit([AddMessage(message.to_stored())])
            self._bus.committed()

    def _loop(self) -> None:
        while not self._stop.wait(self._poll_s):
            try:
                self.refresh()
                for monitor in list(self._monitors.values()):
                    monitor.judge()
            except AiosError as error:
                if not self._stop.is_set():
                    _log.warning("deployed models can't be refreshed: %s", error)


def _parse(route: str) -> tuple[str, str]:
    name, _, alias = route.partition("@")
    return name, alias or "champion"


def _load_bundle(path: Path) -> Model:
    from aios.bridge import load

    model: Any = load(path)
    return cast(Model, model)
