"""What comes from a step's process, read in bounded memory: messages by line, and the last output.

A step may print gigabytes without a line's end, and whatever it inherits it may write to.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import deque
from typing import IO, Final

from aios.errors import UnavailableError
from aios.home.store import Json

#: The longest message, its JSON with the line's end, that a step's process may send.
MAX_MESSAGE_BYTES: Final = 16 << 20
_OUTPUT_BYTES: Final = 64 << 10
_OUTPUT_LINES: Final = 40
_CHUNK: Final = 64 << 10

_log = logging.getLogger("aios.workflow")


class MessageReader:
    """JSON lines out of the chunks of a pipe."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take what was read.

        Raises:
            UnavailableError: a line is longer than `MAX_MESSAGE_BYTES`.
        """
        first, *more = chunk.split(b"\n")
        self._rest += first
        if len(self._rest) > MAX_MESSAGE_BYTES:
            raise UnavailableError(
                f"the step's process sent a message of more than {MAX_MESSAGE_BYTES >> 20} MiB;"
                " pass on large values as arrays or with context.save_file(path)"
            )
        for piece in more:
            self._lines.append(bytes(self._rest))
            self._rest = bytearray(piece)

    def next(self) -> Json | None:
        """The next message; None until there is one.

        Raises:
            UnavailableError: the line isn't one.
        """
        if not self._lines:
            return None
        line = self._lines.popleft()
        try:
            event: Json = json.loads(line)
            event["event"].upper()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UnavailableError(
                f"the step's process wrote {line[:80]!r} to the manager's pipe; a step must not"
                " write to descriptors that it didn't open"
            ) from error
        return event


class OutputTail:
    """Reads a pipe to its end on a thread of its own, and keeps the last lines."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._thread: threading.Thread | None = None

    def start(self, stream: IO[bytes] | None) -> None:
        """Read the pipe from here on; it is closed at its end."""
        if stream is not None:
            self._thread = threading.Thread(
                target=self._read, args=(stream,), name="aios-output", daemon=True
            )
            self._thread.start()

    def text(self) -> str:
        """The last lines; waits a moment for the pipe's end."""
        if self._thread is not None:
            self._thread.join(1.0)
        lines = bytes(self._kept).decode(errors="replace").splitlines()
        return "\n".join(line.rstrip() for line in lines[-_OUTPUT_LINES:])

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while chunk := os.read(stream.fileno(), _CHUNK):
                self._kept += chunk
                del self._kept[:-_OUTPUT_BYTES]
                if _log.isEnabledFor(logging.DEBUG):
                    _log.debug("step process: %s", chunk.decode(errors="replace").rstrip())
