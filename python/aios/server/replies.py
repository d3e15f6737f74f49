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
    UnavailableError,
    UnsupportedError,
)

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

_STATUSES: tuple[tuple[type[AiosError], int], ...] = (
    (InvalidArgumentError, 400),
    (FailedPreconditionError, 400),
    (NotFoundError, 404),
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


@dataclass(frozen=True, slots=True)
class Route:
    """Requests of one method whose whole path matches a pattern."""

    method: str
    pattern: re.Pattern[str]
    answer: Answer
    #: Whether only who may change the server gets an answer.
    is_admin: bool = False
    #: Whether others must not wait for the answer.
    is_long: bool = False


def route(
    method: str, pattern: str, answer: Answer, *, is_admin: bool = False, is_long: bool = False
) -> Route:
    """A route by the text of its pattern."""
    return Route(method, re.compile(pattern), answer, is_admin, is_long)


class Matched(NamedTuple):
    """A route that takes a request, and what its pattern's groups are."""

    route: Route
    named: dict[str, str | None]


def match(routes: Iterable[Route], method: str, target: str) -> Matched | Reply:
    """The first route that takes a request, or the error where none does.

    A HEAD is answered as the GET that it stands for.
    """
    path = target.partition("?")[0]
    asked = "GET" if method == "HEAD" else method
    known_path = False
    for entry in routes:
        found = entry.pattern.fullmatch(path)
        if found is None:
            continue
        known_path = True
        if entry.method == asked:
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


def reply_to(routes: Iterable[Route], method: str, target: str, body: bytes) -> Reply:
    """The answer to a request, whoever asks."""
    found = match(routes, method, target)
    return found if isinstance(found, Reply) else answer_of(found, body)
