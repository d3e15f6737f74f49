"""KServe v2's routes that call no model: health, metadata, and the repository's index."""

from __future__ import annotations

import json
from typing import Any

from aios.errors import InvalidArgumentError, NotFoundError, UnsupportedError
from aios.server.binary_tensors import DATATYPES
from aios.server.library import ModelEntry, ModelLibrary, State
from aios.server.replies import Reply, Route, empty_reply, json_reply, route
from aios.version import __version__

#: Only what works.
EXTENSIONS = ("binary_tensor_data", "model_repository")

_MODEL = r"/v2/models/(?P<name>[^/]+)(?:/versions/(?P<version>[0-9]{1,18}))?"

_STATES = {
    State.AVAILABLE: "READY",
    State.START: "LOADING",
    State.LOADING: "LOADING",
    State.UNLOADING: "UNLOADING",
    State.END: "UNAVAILABLE",
}


def routes(library: ModelLibrary) -> list[Route]:
    """The routes under /v2 that Python answers."""

    def server() -> Reply:
        return json_reply({"name": "aios", "version": __version__, "extensions": list(EXTENSIONS)})

    def ready() -> Reply:
        return empty_reply(200 if library.is_ready else 400)

    def model_ready(name: str, version: str | None) -> Reply:
        try:
            _answering(library, name, version)
        except NotFoundError as error:
            return json_reply({"error": str(error)}, 400)
        return empty_reply(200)

    def metadata(name: str, version: str | None) -> Reply:
        return json_reply(_metadata(library, _answering(library, name, version)))

    def index(body: bytes) -> Reply:
        return json_reply(_index(library, _wants_ready(body)))

    def refuse(_body: bytes, **_named: str | None) -> Reply:
        raise UnsupportedError("this server's models are what its folder holds")

    return [
        route("GET", "/v2/?", server),
        route("GET", "/v2/health/live", lambda: empty_reply(200)),
        route("GET", "/v2/health/ready", ready),
        route("GET", _MODEL, metadata),
        route("GET", _MODEL + "/ready", model_ready),
        route("POST", "/v2/repository/index", index),
        route("POST", "/v2/repository/models/(?P<name>[^/]+)/(?:load|unload)", refuse),
    ]


def _answering(library: ModelLibrary, name: str, version: str | None) -> ModelEntry:
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
    return entries[-1]


def _metadata(library: ModelLibrary, entry: ModelEntry) -> dict[str, Any]:
    assert entry.bridge is not None
    signature = entry.bridge.signature
    answering = [e for e in library.entries() if e.key.name == entry.key.name and e.model]
    return {
        "name": entry.key.name,
        "versions": [str(each.key.version) for each in answering],
        "platform": f"aios_{entry.bridge.engine}",
        "inputs": [_tensor(spec) for spec in signature.inputs],
        "outputs": [_tensor(spec) for spec in signature.outputs],
    }


def _tensor(spec: Any) -> dict[str, Any]:
    return {"name": spec.name, "datatype": DATATYPES[spec.dtype], "shape": list(spec.shape)}


def _wants_ready(body: bytes) -> bool:
    """Whether only models that answer are asked for."""
    try:
        asked = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"failed to parse the request JSON buffer: {error}") from error
    return isinstance(asked, dict) and asked.get("ready") is True


def _index(library: ModelLibrary, only_ready: bool) -> list[dict[str, str]]:
    return [
        {
            "name": entry.key.name,
            "version": str(entry.key.version),
            "state": _STATES[entry.state],
            "reason": "" if entry.error is None else str(entry.error),
        }
        for entry in library.entries()
        if entry.model is not None or not only_ready
    ]
