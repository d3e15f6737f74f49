"""What errors say, of ours and of other software, in as many words as help."""

from __future__ import annotations

import re

from aios.bundle.publish import is_disk_full
from aios.errors import AiosError

#: Why an artifact is declined whose making raised MemoryError.
OUT_OF_MEMORY = "there wasn't enough memory to make it"
#: Longer ones are dumps: of a graph, of a configuration.
_MOST = 2000
#: What the rest of a message is introduced by, the last of which counts.
_CAUSE = re.compile(r"Exception encountered: ")
#: Dumps inside of messages.
_DUMPS = (
    re.compile(r"\s*Full object config: .*", re.DOTALL),
    re.compile(r"\s*Arguments received by .*", re.DOTALL),
    re.compile(r"\s*using config=\{.*?\}(?=\.?(\n|$))", re.DOTALL),
    re.compile(r"\s*config=\{.*?\}\.?(?=\n\n|$)", re.DOTALL),
)
_COLOUR = re.compile(r"\x1b\[\d+m")


def reason_of(error: BaseException) -> str:
    """The part of an error's message that says what is wrong, which may be pages long."""
    text = _COLOUR.sub("", str(error))
    text = _CAUSE.split(text)[-1]
    for dump in _DUMPS:
        text = dump.sub("", text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return repr(error)
    if lines[0].startswith("in user code:"):
        lines = _last_error(lines)
    return shortened(_sentence(lines), _MOST).rstrip(".")


def contained(error: Exception) -> str:
    """The reason that an artifact's failure becomes, so that the others go on.

    Raises:
        Exception: The error itself, if it says that the disk is full: nothing can go on.
    """
    if is_disk_full(error):
        raise error
    if isinstance(error, MemoryError):
        return OUT_OF_MEMORY
    if isinstance(error, AiosError):
        return str(error)
    return f"{type(error).__name__}: {reason_of(error)}"


def shortened(text: str, most: int) -> str:
    """At most so many characters, cut between words."""
    if len(text) <= most:
        return text
    kept = text[: most - 1].rsplit(maxsplit=1)[0]
    return kept.rstrip(".,;:") + " …"


def _last_error(lines: list[str]) -> list[str]:
    """A traceback of user code ends in its error."""
    errors = [index for index, line in enumerate(lines) if re.match(r"\w*(Error|Exception):", line)]
    return lines[errors[-1] :] if errors else lines[-1:]


def _sentence(lines: list[str]) -> str:
    """The first line, and the next where the first only introduces it."""
    introduces = lines[0].endswith(":") or lines[0].startswith("Exception encountered when calling")
    return " ".join(lines[: 2 if introduces else 1])
