"""KServe v2's system shared memory: tensors that clients of this machine leave in memory.

Shapes of the documents: Triton's extension_shared_memory.md.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aios.errors import InvalidArgumentError
from aios.server.replies import Reply, Route, empty_reply, json_reply, route

if TYPE_CHECKING:
    from aios._core import SharedMemory

_ALL = "/v2/systemsharedmemory"
_REGION = _ALL + "/region/(?P<name>[^/]+)"
_LARGEST = (1 << 63) - 1


def routes(memory: SharedMemory) -> list[Route]:
    """The routes under /v2/systemsharedmemory; only clients that may change a server register."""

    def register(body: bytes, name: str) -> Reply:
        key, offset, byte_size = _asked(body)
        memory.add(name, key, offset, byte_size)
        return empty_reply(200)

    def unregister(_body: bytes, name: str | None = None) -> Reply:
        if name is None:
            memory.clear()
        else:
            memory.remove(name)
        return empty_reply(200)

    def status(name: str | None = None) -> Reply:
        regions = [_document(*region) for region in memory.list()]
        if name is not None:
            regions = [region for region in regions if region["name"] == name]
            if not regions:
                raise InvalidArgumentError(f"Unable to find system shared memory region: '{name}'")
        return json_reply(regions)

    return [
        route("GET", _ALL + "/status", status),
        route("GET", _REGION + "/status", status),
        route("POST", _REGION + "/register", register),
        route("POST", _ALL + "/unregister", unregister),
        route("POST", _REGION + "/unregister", unregister),
    ]


def _asked(body: bytes) -> tuple[str, int, int]:
    """Key, offset and size of a region.

    Raises:
        InvalidArgumentError: The body isn't JSON with these.
    """
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"failed to parse the request JSON buffer: {error}") from error
    if not isinstance(asked, dict):
        raise InvalidArgumentError("expected a JSON object with 'key' and 'byte_size'")
    key = asked.get("key")
    if not isinstance(key, str):
        raise InvalidArgumentError("Shared memory register request has no 'key' field")
    return key, _number(asked, "offset", 0), _number(asked, "byte_size", None)


def _number(asked: dict[str, Any], name: str, default: int | None) -> int:
    number = asked.get(name, default)
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= _LARGEST:
        return number
    raise InvalidArgumentError(
        f"Shared memory register request: expected '{name}' as a number of bytes, got {number!r}"
    )


def _document(name: str, key: str, offset: int, byte_size: int) -> dict[str, Any]:
    return {"name": name, "key": key, "offset": offset, "byte_size": byte_size}
