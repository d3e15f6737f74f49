"""Bodies in gzip and deflate, of the requests that Python answers."""

from __future__ import annotations

import zlib

from aios.server.replies import Reply, json_reply

#: zlib's window, with the flag of its format.
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
#: About what one packet carries: smaller answers aren't compressed.
_SMALLEST = 1400
_FASTEST = 1


class BodyError(Exception):
    """A body that can't be read; `reply` is the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.reply = json_reply({"error": message}, status)


def decoded(body: bytes, encoding: str, most_bytes: int) -> bytes:
    """What a body holds.

    Args:
        body: As it came.
        encoding: The request's Content-Encoding; empty where there is none.
        most_bytes: What it may hold.

    Raises:
        BodyError: The encoding isn't known, the body isn't in it, or holds more.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in _WINDOWS:
        raise BodyError(415, f"Content-Encoding: expected gzip, deflate or none, got {name}")
    stream = zlib.decompressobj(_WINDOWS[name])
    try:
        plain = stream.decompress(body, most_bytes + 1)
    except zlib.error as error:
        raise BodyError(400, f"expected bytes in {name}: {error}") from error
    if len(plain) > most_bytes:
        raise BodyError(413, f"expected at most {most_bytes} bytes when decompressed")
    if not stream.eof or stream.unused_data:
        raise BodyError(400, f"expected bytes in {name}: they are cut short, or more follow")
    return plain


def encoded(reply: Reply, accepted: str) -> Reply:
    """An answer as the client takes it: in gzip where it is large and the client names that.

    Args:
        reply: The answer.
        accepted: The request's Accept-Encoding.
    """
    if len(reply.body) < _SMALLEST or not _takes_gzip(accepted):
        return reply
    stream = zlib.compressobj(_FASTEST, wbits=_WINDOWS["gzip"])
    body = stream.compress(reply.body) + stream.flush()
    headers = {**reply.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return reply._replace(body=body, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    for entry in accepted.lower().split(","):
        name, _, weight = entry.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
