"""What hostile clients send as frames of HTTP/2: it ends their connection, and nobody else's."""

import contextlib
import selectors
import socket
import struct

import pytest

import aios
from aios.bridge.library_check import TRIAL

pytestmark = pytest.mark.native
_DEADLINE_S = 60
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST, _SETTINGS, _PING, _WINDOW, _CONTINUATION = 0, 1, 3, 4, 6, 8, 9
_END_STREAM, _END_HEADERS = 1, 4
#: POST / over http, of this authority: static entries of HPACK, and one literal (RFC 7541).
_CALL = b"\x83\x86\x84\x41\x01a"


def _frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


_HELLO = _PREFACE + _frame(_SETTINGS)


def _each(frames, count):
    """Frames of so many streams."""
    return b"".join(frames(2 * i + 1) for i in range(count))


_FLOODS = {
    "calls that are given up": _each(
        lambda stream: (
            _frame(_HEADERS, _END_HEADERS, stream, _CALL) + _frame(_RST, 0, stream, bytes(4))
        ),
        20_000,
    ),
    "pings": _frame(_PING, 0, 0, bytes(8)) * 100_000,
    "settings": _frame(_SETTINGS) * 100_000,
    "headers without an end": _frame(_HEADERS, 0, 1, _CALL)
    + _frame(_CONTINUATION, 0, 1, b"\x00\x01a\x01b" * 2000) * 500,
    "empty data": _frame(_HEADERS, _END_HEADERS, 1, _CALL) + _frame(_DATA, 0, 1) * 100_000,
    "a frame that is too large": _frame(_DATA, 0, 1, bytes(1 << 20)),
    "a window that overflows": _frame(_WINDOW, 0, 0, struct.pack(">I", 2**31 - 1)) * 2,
    "a window of nothing": _frame(_WINDOW, 0, 0, bytes(4)),
    "headers that can't be read": _frame(_HEADERS, _END_HEADERS, 1, b"\xff" * 64),
    "a stream of the server's": _frame(_HEADERS, _END_HEADERS, 2, _CALL),
    "data of no stream": _frame(_DATA, 0, 0, b"x"),
    "a continuation of nothing": _frame(_CONTINUATION, _END_HEADERS, 1, _CALL),
    "settings of half a value": _frame(_SETTINGS, 0, 0, b"123"),
}


@pytest.fixture(scope="module")
def server():
    from aios import _core

    if not _core.has_grpc():
        pytest.skip("built without nghttp2: libnghttp2-dev, and building again, lifts it")
    with aios.Server(TRIAL, http_port=0, poll_s=0, read_timeout_s=0.2) as opened:
        yield opened


@pytest.mark.parametrize("frames", _FLOODS.values(), ids=_FLOODS)
def test_it_ends_the_connection_and_others_are_answered(server, frames):
    with socket.create_connection((server.host, server.http_port), _DEADLINE_S) as client:
        heard = _talk(client, _HELLO + frames)
    # It spoke HTTP/2 until then, where the end didn't overtake what it said.
    assert heard[3:4] in (b"", bytes([_SETTINGS]))
    with aios.Client(server.url) as good:
        assert good.ready()


def _talk(client, frames):
    """Sends them, and reads meanwhile, as else both might wait to be read; until the end."""
    left, heard = memoryview(frames), b""
    with contextlib.suppress(ConnectionError), selectors.DefaultSelector() as ready:
        client.setblocking(False)
        ready.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while True:
            ((_, events),) = ready.select(_DEADLINE_S)
            if events & selectors.EVENT_READ:
                part = client.recv(1 << 16)
                if not part:
                    return heard
                heard += part
            elif left:
                left = left[client.send(left) :]
                if not left:
                    ready.modify(client, selectors.EVENT_READ)
    return heard
