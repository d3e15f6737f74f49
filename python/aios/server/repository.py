"""KServe v2's control of a repository: its index, and models loaded and unloaded by request.

Words and codes of errors: triton-inference-server/core, src/model_repository_manager.cc.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aios.errors import InternalError, InvalidArgumentError, UnsupportedError
from aios.server.held_models import HeldModels
from aios.server.library import ModelLibrary, State
from aios.server.replies import Reply, Route, empty_reply, json_reply, route

_MODEL = r"/v2/repository/models/(?P<name>[^/]+)"

_STATES = {
    State.AVAILABLE: "READY",
    State.START: "LOADING",
    State.LOADING: "LOADING",
    State.UNLOADING: "UNLOADING",
    State.END: "UNAVAILABLE",
}


class Repository:
    """What clients may do with a server's models.

    Args:
        library: What is loaded.
        held: What they unloaded.
        sync: Looks at the models now; returns when what isn't held answers.
    """

    def __init__(self, library: ModelLibrary, held: HeldModels, sync: Callable[[], None]) -> None:
        self._library, self._held, self._sync = library, held, sync

    def routes(self) -> list[Route]:
        """Those under /v2/repository."""
        return [
            route("POST", "/v2/repository/index", self._index, scope="infer"),
            route("POST", f"{_MODEL}/load", self._answer_load, is_long=True),
            route("POST", f"{_MODEL}/unload", self._answer_unload, is_long=True),
        ]

    def load(self, name: str) -> None:
        """Loads a model that was unloaded, or that failed to load; one that answers goes on.

        Raises:
            InternalError: It isn't there, or no version can be loaded.
        """
        self._held.release(name)
        self._library.try_again(name)
        self._sync()
        entries = [entry for entry in self._library.entries() if entry.key.name == name]
        if not entries:
            raise InternalError(f"failed to load '{name}', failed to poll from model repository")
        if any(entry.model is not None for entry in entries):
            return
        why = "; ".join(f"version {e.key.version}: {e.error}" for e in entries)
        raise InternalError(f"failed to load '{name}', no version is available: {why}")

    def unload(self, name: str) -> None:
        """Takes a model down, once its calls under way are answered; it stays so until load()."""
        self._held.hold(name)
        self._sync()

    def index(self, only_ready: bool) -> list[dict[str, str]]:
        """Every version with its state, and why it doesn't answer.

        Args:
            only_ready: Leaves out those that don't answer.
        """
        rows = [
            {
                "name": entry.key.name,
                "version": str(entry.key.version),
                "state": _STATES[entry.state],
                "reason": entry.reason,
            }
            for entry in self._library.entries()
            if entry.model is not None or not only_ready
        ]
        if only_ready:
            return rows
        known = {(row["name"], row["version"]) for row in rows}
        return rows + [
            {"name": name, "version": str(number), "state": "UNAVAILABLE", "reason": "unloaded"}
            for name, number in self._held.left_out()
            if (name, str(number)) not in known
        ]

    def _index(self, body: bytes) -> Reply:
        return json_reply(self.index(_document(body).get("ready") is True))

    def _answer_load(self, body: bytes, name: str) -> Reply:
        _refuse_parameters(body, "load", ())
        self.load(name)
        return empty_reply(200)

    def _answer_unload(self, body: bytes, name: str) -> Reply:
        # Nothing here depends on another model.
        _refuse_parameters(body, "unload", ("unload_dependents",))
        self.unload(name)
        return empty_reply(200)


def _document(body: bytes) -> dict[str, Any]:
    """The JSON object of a request; none is as good as an empty one."""
    try:
        asked = json.loads(body.strip() or b"{}")
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"failed to parse the request JSON buffer: {error}") from error
    if not isinstance(asked, dict):
        raise InvalidArgumentError("failed to parse the request JSON buffer: expected an object")
    return asked


def _refuse_parameters(body: bytes, what: str, known: tuple[str, ...]) -> None:
    parameters = _document(body).get("parameters", {})
    if not isinstance(parameters, dict):
        raise InvalidArgumentError(f"'parameters' of {what}: expected an object")
    for name in parameters:
        if name not in known:
            raise UnsupportedError(
                f"{what} parameter '{name}' isn't supported: models are loaded as they are found"
            )
