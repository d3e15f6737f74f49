"""Which web pages' scripts may read a server's answers: none, unless an origin is configured."""

from __future__ import annotations

import re

from aios.errors import InvalidArgumentError
from aios.server.replies import Reply, Route, empty_reply, route

_LENGTH = "Inference-Header-Content-Length"
_ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.:\[\]-]+")
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": f"Authorization, Content-Type, {_LENGTH}",
    "Access-Control-Max-Age": "600",
}


def check_origin(origin: str | None) -> None:
    """Takes what browsers send as an origin.

    Raises:
        InvalidArgumentError: It isn't one.
    """
    if origin is not None and _ORIGIN.fullmatch(origin) is None:
        raise InvalidArgumentError(
            f"cors_origin: expected an origin, as https://app.example, or *, got {origin!r}"
        )


def answer_headers(origin: str | None) -> str:
    """What every answer says, as HTTP has it; nothing without an origin."""
    if origin is None:
        return ""
    vary = "" if origin == "*" else "Vary: Origin\r\n"
    return (
        f"Access-Control-Allow-Origin: {origin}\r\n"
        f"Access-Control-Expose-Headers: {_LENGTH}\r\n{vary}"
    )


def routes(origin: str | None) -> list[Route]:
    """What browsers ask before they let a page ask."""
    if origin is None:
        return []

    def preflight() -> Reply:
        return empty_reply(204)._replace(headers=_PREFLIGHT)

    return [route("OPTIONS", ".*", preflight, scope="open")]
