"""What an exception says, as text that can always be kept: it never raises, and it is bounded.

A step may raise anything: an exception whose `__str__` raises or returns no text, one with 60 MB of
text, one that isn't an `Exception`. Whatever it is, its run must end with a reason.
"""

from __future__ import annotations

import json
import traceback
from typing import Any, Final

from aios.errors import AiosError, OverloadedError
from aios.home.store import Json

#: The most characters of an error's text that are kept: of a longer one its head and its tail.
MAX_ERROR_CHARS: Final = 16_384
_TAIL_CHARS: Final = 4_096
_VERDICT_CHARS: Final = 1 << 20
_UNKNOWN: Final = 2


def error_json(error: BaseException) -> Json:
    """An exception as a record keeps it: type, gRPC code and text."""
    return {"type": type_of(error), "code": _code(error), "message": text_of(error)}


def text_of(error: BaseException) -> str:
    """The text of `error`, or its type where it has none; at most `MAX_ERROR_CHARS` long."""
    try:
        return shortened(str(error)) or type_of(error)
    except BaseException as second:  # what `__str__` raises may be anything, too
        return f"<its text can't be had: {type_of(second)}>"


def type_of(error: BaseException) -> str:
    """The name of its class."""
    try:
        return str(type(error).__name__)
    except BaseException:  # a metaclass of the user's own
        return "Exception"


def traceback_of(error: BaseException) -> str:
    """Its traceback with causes, shortened in the middle where it is long."""
    try:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        return shortened("".join(lines))
    except BaseException:
        return f"{type_of(error)}: {text_of(error)}"


def is_home_full(error: BaseException) -> bool:
    """Whether the store itself said that the disk of the home is full."""
    return issubclass(type(error), OverloadedError) and vars(error).get("home_full") is True


def recordable(verdict: Any) -> Json | None:
    """A failed attempt's verdict as far as a record can keep it: None if it isn't (small) JSON."""
    try:
        text = json.dumps(verdict)
        return json.loads(text) if len(text) <= _VERDICT_CHARS else None
    except BaseException:
        return None


def shortened(text: str) -> str:
    """`text` itself, or its head and tail; characters that UTF-8 can't hold are written out."""
    if len(text) > MAX_ERROR_CHARS:
        head, tail = text[: MAX_ERROR_CHARS - _TAIL_CHARS - 64], text[-_TAIL_CHARS:]
        text = f"{head} … {len(text) - len(head) - len(tail)} characters left out … {tail}"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _code(error: BaseException) -> int:
    """GRPC's number, which only our own errors have: others have codes of their own kinds."""
    kind = type(error)  # not isinstance(), which asks the exception for its `__class__`
    code = kind.code if issubclass(kind, AiosError) else _UNKNOWN
    return code if type(code) is int and 0 <= code <= 16 else _UNKNOWN
