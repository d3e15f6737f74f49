"""How methods of gRPC are found, and what their errors become."""

import aios
from aios.server.grpc_replies import grpc_reply_to


def _fails(error):
    def method(_message, _granted):
        raise error

    return method


def test_a_method_is_called_by_its_path():
    methods = {"/a.B/C": lambda message, granted: message + granted.encode()}
    assert grpc_reply_to(methods, "/a.B/C", b"x", "infer") == (0, "", b"xinfer")
    assert grpc_reply_to(methods, "/a.B/D", b"x", "infer") == (
        12,
        "this server has no method /a.B/D",
        b"",
    )


def test_an_error_is_told_by_its_own_code():
    methods = {"/a": _fails(aios.NotFoundError("no such thing")), "/b": _fails(OSError("disk"))}
    assert grpc_reply_to(methods, "/a", b"", "open") == (5, "no such thing", b"")
    assert grpc_reply_to(methods, "/b", b"", "open") == (13, "OSError: disk", b"")


def test_what_a_client_sent_may_be_any_bytes():
    path = b"/a\xff".decode(errors="surrogateescape")
    assert grpc_reply_to({}, path, b"", "open").message == "this server has no method /a?"
