"""Answers to the requests that Python answers, and how they are found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote

from aios.errors import (
    AiosError,
    CorruptBundleError,
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    UnavailableError,
    UnsupportedError,
)

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

_STATUSES: tuple[tuple[type[AiosError], int], ...] = (
    (InvalidArgumentError, 400),
    (FailedPreconditionError, 400),
    (NotFoundError, 404),
    (PermissionDeniedError, 403),
    (OverloadedError, 429),
    (UnsupportedError, 501),
    (UnavailableError, 503),
    (DeadlineExceededError, 504),
    (CorruptBundleError, 500),
)


class Reply(NamedTuple):
    """An answer as HTTP needs it."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = MappingProxyType({})


def json_reply(document: Any, status: int = 200) -> Reply:
    """A JSON document."""
    return Reply(status, json.dumps(document, allow_nan=False).encode())


def error_reply(error: AiosError) -> Reply:
    """`{"error": …}` with the status of the error's class."""
    status = next((code for kind, code in _STATUSES if isinstance(error, kind)), 500)
    return json_reply({"error": str(error)}, status)


def empty_reply(status: int) -> Reply:
    """An answer that is its status."""
    return Reply(status, b"", TEXT)


#: Answers a request; named groups of the route's pattern are arguments, body is what came.
Answer = Callable[..., Reply]


#: What a request may need, and what its client may do: each has what is before it.
SCOPES = ("open", "infer", "admin")


@dataclass(frozen=True, slots=True)
class Route:
    """Requests of one method whose whole path matches a pattern, and the scope that they need."""

    method: str
    pattern: re.Pattern[str]
    answer: Answer
    scope: str
    #: Whether others must not wait for the answer.
    is_long: bool = False


def route(
    method: str, pattern: str, answer: Answer, *, scope: str | None = None, is_long: bool = False
) -> Route:
    """A route by the text of its pattern.

    Args:
        method: As HTTP names it.
        pattern: Of the whole path.
        answer: What answers it.
        scope: What its clients must be allowed: "open", "infer" or "admin". None: "infer" to look
            at something, "admin" for all that may change something.
        is_long: Whether others must not wait for the answer.
    """
    usual = "infer" if method == "GET" else "admin"
    return Route(method, re.compile(pattern), answer, scope or usual, is_long)


class Matched(NamedTuple):
    """A route that takes a request, and what its pattern's groups are."""

    route: Route
    named: dict[str, str | None]


def match(
    routes: Iterable[Route], method: str, target: str, granted: str = "admin"
) -> Matched | Reply:
    """The first route that takes a request, or the error where none does, or isn't allowed to.

    A HEAD is answered as the GET that it stands for.

    Args:
        routes: In the order in which they are tried.
        method: As HTTP names it.
        target: Path and query.
        granted: What the client may do.
    """
    path = target.partition("?")[0]
    asked = "GET" if method == "HEAD" else method
    known_path = False
    for entry in routes:
        found = entry.pattern.fullmatch(path)
        if found is None:
            continue
        known_path = True
        if entry.method != asked:
            continue
        if SCOPES.index(granted) < SCOPES.index(entry.scope):
            return _refused(granted, entry.scope)
        named = {key: value and unquote(value) for key, value in found.groupdict().items()}
        return Matched(entry, named)
    if path.startswith("/v1/"):
        return json_reply({"error": f"Malformed request: {method} {path}"}, 400)
    if known_path:
        return json_reply({"error": "Method Not Allowed"}, 405)
    return json_reply({"error": "Not Found"}, 404)


def answer_of(matched: Matched, body: bytes) -> Reply:
    """A route's answer, an error too."""
    entry, named = matched
    try:
        return entry.answer(body, **named) if entry.method == "POST" else entry.answer(**named)
    except AiosError as error:
        return error_reply(error)


def reply_to(
    routes: Iterable[Route], method: str, target: str, body: bytes, granted: str = "admin"
) -> Reply:
    """The answer to a request of a client that may do what is granted."""
    found = match(routes, method, target, granted)
    return found if isinstance(found, Reply) else answer_of(found, body)


def _refused(granted: str, needed: str) -> Reply:
    if granted == "open":
        refused = json_reply(
            {"error": "expected a token that this server knows, as 'Authorization: Bearer aios_…'"},
            401,
        )
        return refused._replace(headers={"WWW-Authenticate": "Bearer"})
    return json_reply(
        {
            "error": f"this needs the scope {needed}: a token that has it; to a server without a "
            "token file, a client that connects from its own machine, directly"
        },
        403,
    )
