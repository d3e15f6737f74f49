"""The page at `/`, and the documents that it reads: what a server has, and how it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aios.bundle.manifest import Manifest, read_manifest
from aios.errors import AiosError, NotFoundError
from aios.registry.shadow_results import ShadowResult
from aios.server.library import ModelEntry, ModelLibrary
from aios.server.model_document import (
    chosen_artifact,
    finite,
    model_document,
    sample_document,
)
from aios.server.replies import Reply, Route, json_reply, route
from aios.server.static_files import SECURITY, file_reply, static_files
from aios.version import __version__

if TYPE_CHECKING:
    from aios._core import ExecutionTotals

_VERSION = r"/dashboard/models/(?P<name>[^/]+)/versions/(?P<version>[0-9]{1,18})"
#: Manifests that are kept: of more versions they are read again at each look.
_KEPT = 512


class Dashboard:
    """Tells a page what a server has.

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
        shadows: Callable[[], Sequence[ShadowResult]] = tuple,
    ) -> None:
        self._library = library
        self._shadows = shadows
        self._totals = totals
        self._bounds_us = list(bounds_us)
        self._started_s = time.monotonic()
        # Where another bundle is put in a bundle's place, what was found differs.
        self._manifests = lru_cache(_KEPT)(lambda found: read_manifest(found.path))

    def routes(self) -> list[Route]:
        """The page's."""
        files = static_files()
        return [
            # The page itself tells nothing; what it asks for needs a scope.
            route("GET", "/", lambda: file_reply(files, "index.html"), scope="open"),
            route("GET", "/dashboard/data", self._data),
            route("GET", _VERSION, self._model),
            route("GET", _VERSION + "/samples/(?P<index>[0-9]{1,9})", self._sample),
            route(
                "GET",
                "/dashboard/(?P<name>[^/]+)",
                lambda name: file_reply(files, name),
                scope="open",
            ),
        ]

    def _data(self) -> Reply:
        """What changes all the time; two looks and their difference tell the rates."""
        entries = self._library.entries()
        return _document(
            {
                "version": __version__,
                "ready": self._library.is_ready,
                "uptime_s": time.monotonic() - self._started_s,
                "totals": dict(self._totals()),
                "bounds_us": self._bounds_us,
                "models": [self._row(entry) for entry in entries],
                "shadows": [result.to_json() for result in self._shadows()],
            }
        )

    def _row(self, entry: ModelEntry) -> dict[str, Any]:
        artifact = chosen_artifact(entry, self._manifest(entry))
        model = entry.model  # Read once: a version may be taken down at any moment.
        return {
            "name": entry.key.name,
            "version": entry.key.version,
            "state": entry.state.value,
            "reason": entry.reason or None,
            "proven": entry.found.is_proven,
            "engine": None if entry.bridge is None else entry.bridge.engine,
            "precision": None if artifact is None else artifact.precision,
            "worst": None if artifact is None else finite(artifact.worst),
            "traffic": None if model is None else traffic(model.totals()),
            "execution": None if model is None else execution(model.executions()),
        }

    def _model(self, name: str, version: str) -> Reply:
        entry = self._entry(name, version)
        return _document(model_document(entry, self._manifest(entry)))

    def _sample(self, name: str, version: str, index: str) -> Reply:
        entry = self._entry(name, version)
        return _document(sample_document(entry, self._manifest(entry), int(index)))

    def _entry(self, name: str, version: str) -> ModelEntry:
        for entry in self._library.entries():
            if entry.key == (name, int(version)):
                return entry
        raise NotFoundError(f"no version {int(version)} of a model '{name}'")

    def _manifest(self, entry: ModelEntry) -> Manifest | None:
        """What the version's bundle says; None for one that has none, or none that can be read."""
        if not entry.found.is_proven:
            return None
        try:
            return self._manifests(entry.found)
        except AiosError:
            return None


def traffic(rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """What a version has answered, over all protocols.

    Args:
        rows: Of `ServedModel.totals()`.
    """
    _, requests, latency, sums_us, samples = zip(*rows, strict=True)
    return {
        "requests": [sum(column) for column in zip(*requests, strict=True)],
        "latency": [sum(column) for column in zip(*latency, strict=True)],
        "latency_us": sum(sums_us),
        "samples": sum(samples),
        "protocols": {row[0]: sum(row[1]) for row in rows},
    }


def execution(totals: ExecutionTotals) -> dict[str, Any]:
    """How calls waited, and in which batches they were run."""
    return {
        "queued": totals.queued,
        "queue_us": totals.queue_ns / 1e3,
        "refused": totals.refused,
        "expired": totals.expired,
        "cancelled": totals.cancelled,
        # Samples of a batch; 0 stands for more than 64.
        "batches": [[samples, runs] for samples, runs, *_ in totals.batches],
    }


def _document(document: Any) -> Reply:
    return json_reply(document)._replace(headers=dict(SECURITY))
