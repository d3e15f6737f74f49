"""KServe v2's routes that call no model: health, metadata, configuration and statistics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aios.errors import NotFoundError
from aios.server.binary_tensors import DATATYPES
from aios.server.kserve_config import model_config, platform_of
from aios.server.kserve_statistics import model_statistics
from aios.server.library import ModelEntry, ModelLibrary
from aios.server.replies import Reply, Route, empty_reply, json_reply, route
from aios.server.snapshot import snapshots
from aios.version import __version__

#: Only what works.
EXTENSIONS = (
    "binary_tensor_data", "model_configuration", "model_repository",
    "model_repository(unload_dependents)", "statistics", "system_shared_memory",
)  # fmt: skip

_MODEL = r"/v2/models/(?P<name>[^/]+)(?:/versions/(?P<version>[0-9]{1,18}))?"


def routes(library: ModelLibrary, most_body_bytes: int) -> list[Route]:
    """The routes under /v2 that Python answers, but those of the repository.

    Args:
        library: What is loaded.
        most_body_bytes: That a request may have.
    """

    def server() -> Reply:
        return json_reply({"name": "aios", "version": __version__, "extensions": list(EXTENSIONS)})

    def ready() -> Reply:
        return empty_reply(200 if library.is_ready else 400)

    def model_ready(name: str, version: str | None) -> Reply:
        try:
            answering(library, name, version)
        except NotFoundError as error:
            return json_reply({"error": str(error)}, 400)
        return empty_reply(200)

    def metadata(name: str, version: str | None) -> Reply:
        return json_reply(_metadata(library, answering(library, name, version)))

    def config(name: str, version: str | None) -> Reply:
        return json_reply(model_config(answering(library, name, version), most_body_bytes))

    def statistics(name: str, version: str | None) -> Reply:
        newest = answering(library, name, version)
        of_name = [entry for entry in library.entries() if entry.key.name == name]
        return _statistics(of_name if version is None else [newest])

    return [
        route("GET", "/v2/?", server),
        route("GET", "/v2/health/live", lambda: empty_reply(200), scope="open"),
        route("GET", "/v2/health/ready", ready, scope="open"),
        route("GET", "/v2/models/stats", lambda: _statistics(library.entries())),
        route("GET", _MODEL, metadata),
        route("GET", _MODEL + "/ready", model_ready),
        route("GET", _MODEL + "/config", config),
        route("GET", _MODEL + "/stats", statistics),
    ]


def answering(library: ModelLibrary, name: str, version: str | None) -> ModelEntry:
    """The version that answers a request.

    Raises:
        NotFoundError: None does, or not the one that is asked for.
    """
    entries = [e for e in library.entries() if e.key.name == name and e.model is not None]
    if version is not None and entries:
        entries = [entry for entry in entries if entry.key.version == int(version)]
        if not entries:
            raise NotFoundError(
                f"Request for unknown model: '{name}' version {int(version)} is not found"
            )
    if not entries:
        raise NotFoundError(f"Request for unknown model: '{name}' is not found")
    usual = library.usual(name)
    return next((entry for entry in entries if entry.key.version == usual), entries[-1])


def _metadata(library: ModelLibrary, entry: ModelEntry) -> dict[str, Any]:
    assert entry.bridge is not None
    signature = entry.bridge.signature
    answering = [e for e in library.entries() if e.key.name == entry.key.name and e.model]
    return {
        "name": entry.key.name,
        "versions": [str(each.key.version) for each in answering],
        "platform": platform_of(entry),
        "inputs": [_tensor(spec) for spec in signature.inputs],
        "outputs": [_tensor(spec) for spec in signature.outputs],
    }


def _tensor(spec: Any) -> dict[str, Any]:
    return {"name": spec.name, "datatype": DATATYPES[spec.dtype], "shape": list(spec.shape)}


def _statistics(entries: Iterable[ModelEntry]) -> Reply:
    answering = [each for each in snapshots(entries) if each.is_ready]
    return json_reply({"model_stats": [model_statistics(each) for each in answering]})
