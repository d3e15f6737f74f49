"""Answers to gRPC's calls that Python answers, and how their methods are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from aios.errors import AiosError

#: A request's message, and what its client may do (as of replies.SCOPES), to the answer's message;
#: raises AiosError, whose `code` is gRPC's.
GrpcMethod = Callable[[bytes, str], bytes]

_INTERNAL = 13
_UNIMPLEMENTED = 12


class GrpcReply(NamedTuple):
    """An answer as gRPC needs it: its code, what went wrong, and a message of protobuf."""

    code: int
    message: str
    body: bytes


def grpc_reply_to(
    methods: Mapping[str, GrpcMethod], path: str, body: bytes, granted: str
) -> GrpcReply:
    """What a method answers, or its error.

    Args:
        methods: By path, as `/grpc.health.v1.Health/Check`.
        path: Of the method that is called.
        body: The request's message.
        granted: What the client may do.
    """
    method = methods.get(path)
    if method is None:
        return _failure(_UNIMPLEMENTED, f"this server has no method {path}")
    try:
        return GrpcReply(0, "", method(body, granted))
    except AiosError as error:
        return _failure(error.code, str(error))
    except Exception as error:
        return _failure(_INTERNAL, f"{type(error).__name__}: {error}")


def _failure(code: int, message: str) -> GrpcReply:
    """What a client sent may be in the message, and need not be text."""
    return GrpcReply(code, message.encode(errors="replace").decode(), b"")
