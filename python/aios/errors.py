"""The exceptions of the product: one class per error code, each also the built-in users expect.

Codes are gRPC's numbers (https://grpc.io/docs/guides/status-codes/), the same in C++ and in C.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar


class AiosError(Exception):
    """Base of every error that AIOS Cells raises on purpose; `code` is gRPC's number for it."""

    code: ClassVar[int] = 2


class InvalidArgumentError(AiosError, ValueError):
    """An argument is wrong: the message names it, what was expected and what came."""

    code = 3


class DeadlineExceededError(AiosError, TimeoutError):
    """The answer did not come in the time that the caller allowed."""

    code = 4


class NotFoundError(AiosError, LookupError):
    """A bundle, an endpoint or an engine isn't there; the message says how to get it."""

    code = 5

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class PermissionDeniedError(AiosError):
    """A server doesn't know the caller's token, or the token isn't for what was asked."""

    code = 7


class OverloadedError(AiosError):
    """A queue or a disk is full; try again later.

    `home_full` says that it is the disk of a manager's home: what was to be written there wasn't.
    """

    code = 8
    home_full: bool = False


class FailedPreconditionError(AiosError):
    """The object isn't in a state that allows the call: not loaded, closed, read-only."""

    code = 9


class UnsupportedError(AiosError, NotImplementedError):
    """An operator, dtype or format version that this build doesn't know."""

    code = 12


class InternalError(AiosError):
    """A bug in AIOS Cells; please report it."""

    code = 13


class UnavailableError(AiosError):
    """Not ready yet, as while loading; retry."""

    code = 14


class CorruptBundleError(AiosError):
    """A bundle's file is missing, changed, or answers differently than it did at export."""

    code = 15


class CorruptHomeError(AiosError):
    """The manager's home is damaged."""

    code = 15


class WorkflowFailedError(AiosError):
    """A run ended FAILED or CANCELLED; `report` is its `RunReport`, with each step's error."""

    code = 10

    def __init__(self, message: str, report: Any = None) -> None:
        super().__init__(message)
        self.report = report


class PurePythonWarning(UserWarning):
    """aios runs without its C++ extension: right, but slower, and without two of its engines."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Ends a message with the known word that is closest, if one is close."""
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
