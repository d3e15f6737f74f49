"""A call by gRPC as `grpc_load` sends it, and grpcio's server to compare with."""

from __future__ import annotations

import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

INFER = "/inference.GRPCInferenceService/ModelInfer"

#: Indices of HPACK's static table (RFC 7541, appendix A).
_POST, _HTTP, _PATH, _AUTHORITY, _CONTENT_TYPE = 3, 6, 4, 1, 31
#: The first index of the table that a connection builds.
_DYNAMIC = 62


def call_file(message: bytes) -> bytes:
    """The headers of a first call, those of others, and the message, each after its length."""
    literals = [
        _kept(_PATH, INFER.encode()),
        _kept(_AUTHORITY, b"localhost"),
        _kept(_CONTENT_TYPE, b"application/grpc"),
        b"\x40" + _text(b"te") + _text(b"trailers"),
        b"\x40" + _text(b"user-agent") + _text(b"load"),
    ]
    fixed = bytes([0x80 | _POST, 0x80 | _HTTP])
    # The newest has the lowest index.
    kept = bytes(0x80 | _DYNAMIC + age for age in reversed(range(len(literals))))
    framed = b"\0" + struct.pack(">I", len(message)) + message
    texts = (fixed + b"".join(literals), fixed + kept, framed)
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def infer_message(x: np.ndarray[Any, Any]) -> bytes:
    """A ModelInferRequest to "digits"."""
    shape = b"".join(bytes([size]) for size in x.shape)
    tensor = _field(1, b"x") + _field(2, b"FP32") + _field(3, shape)
    return _field(1, b"digits") + _field(5, tensor) + _field(7, x.tobytes())


def serve(answer_bytes: int) -> None:
    """grpcio's own server: it answers with so many bytes, and reads none of the message."""
    import grpc

    body = bytes(answer_bytes)
    method = grpc.unary_unary_rpc_method_handler(lambda _message, _context: body)
    service, _, name = INFER.lstrip("/").rpartition("/")
    handler = grpc.method_handlers_generic_handler(service, {name: method})
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


def _kept(name: int, value: bytes) -> bytes:
    """A header that the connection's table keeps (RFC 7541, section 6.2.1)."""
    return bytes([0x40 | name]) + _text(value)


def _text(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def _field(number: int, payload: bytes) -> bytes:
    size = len(payload)
    varint = bytes([size]) if size < 0x80 else bytes([size & 0x7F | 0x80, size >> 7])
    return bytes([number << 3 | 2]) + varint + payload


if __name__ == "__main__":
    serve(int(sys.argv[1]))
