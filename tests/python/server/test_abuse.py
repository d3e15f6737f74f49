"""What hostile clients send is refused as their fault, and the others go on."""

import contextlib
import gzip
import json
import random
import resource
import socket
import struct

import numpy as np
import pytest

import aios
from aios.bridge.library_check import TRIAL

pytestmark = pytest.mark.native
_DEADLINE_S = 60
_MODEL = TRIAL.name
_BODY = json.dumps({"instances": [[0.5] * 8]}).encode()


def _post(body, *headers, path=f"/v1/models/{_MODEL}:predict"):
    lines = [f"POST {path} HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _raw(*lines, body=b""):
    return "\r\n".join([*lines, "", ""]).encode() + body


_GOOD = _post(_BODY)
_LAST = _post(_BODY, "Connection: close")


@pytest.fixture(scope="module")
def server():
    with aios.Server(
        TRIAL, http_port=0, poll_s=0, max_body_mib=1, max_connections=100_000
    ) as opened:
        yield opened


@pytest.fixture(autouse=True)
def still_answers(server):
    """After each attack a good client is answered."""
    yield
    assert _exchange(server, _GOOD) == 200


def _connect(server):
    return socket.create_connection(("127.0.0.1", server.http_port), _DEADLINE_S)


def _all_of(client):
    return b"".join(iter(lambda: client.recv(1 << 16), b""))


def _exchange(server, sent, is_cut=False):
    """The status of the first answer; None where the connection was only ended.

    A client that sends nothing more and says so, `is_cut`, counts as one that left.
    """
    answer = b""
    with _connect(server) as client:
        # It may be refused, and ended, before all was sent.
        with contextlib.suppress(ConnectionError):
            client.sendall(sent)
            if is_cut:
                client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while len(answer) < len("HTTP/1.1 200") and (more := client.recv(1 << 16)):
                answer += more
    return int(answer.split(b" ", 2)[1]) if answer else None


def _infer(document, *binary, length=None):
    head = document if isinstance(document, bytes) else json.dumps(document).encode()
    size = len(head) if length is None else length
    header = f"Inference-Header-Content-Length: {size}"
    return _post(head + b"".join(binary), header, path=f"/v2/models/{_MODEL}/infer")


def _tensor(shape, size, datatype="FP32", **parameters):
    told = {"binary_data_size": size, **parameters}
    return {"inputs": [{"name": "x", "shape": shape, "datatype": datatype, "parameters": told}]}


def _deep(depth):
    return b'{"instances": ' + b"[" * depth + b"]" * depth + b"}"


_CHUNKED = (f"POST /v1/models/{_MODEL}:predict HTTP/1.1", "Host: a", "Transfer-Encoding: chunked")
_SMUGGLED = {
    "a length beside chunks": _raw(*_CHUNKED, "Content-Length: 5", body=b"0\r\n\r\n"),
    "chunks beside a length": _raw(
        _CHUNKED[0], "Host: a", "Content-Length: 5", _CHUNKED[2], body=b"0\r\n\r\n"
    ),
    "two lengths": _post(_BODY, f"Content-Length: {len(_BODY) + 1}"),
    "a length with a sign": _raw(_CHUNKED[0], "Host: a", "Content-Length: +5", body=b"hello"),
    "a length that no number holds": _raw(
        _CHUNKED[0], "Host: a", "Content-Length: 99999999999999999999"
    ),
    "a chunk that no number holds": _raw(*_CHUNKED, body=b"fffffffffffffffff\r\n"),
    "a chunk without an end": _raw(*_CHUNKED, body=b"2\r\nabX"),
    "a blank before a colon": _raw(_CHUNKED[0], "Host : a", "Content-Length: 0"),
    "a folded header": _raw(_CHUNKED[0], "Host: a", " b: c", "Content-Length: 0"),
    "a bare line feed": _GOOD.replace(b"\r\n", b"\n", 1),
    "a NUL in a header": _raw(_CHUNKED[0], "Host: a\0", "Content-Length: 0"),
}


@pytest.mark.parametrize("sent", _SMUGGLED.values(), ids=_SMUGGLED)
def test_what_two_readers_would_read_differently_is_refused(server, sent):
    hidden = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    with _connect(server) as client:
        client.sendall(sent + hidden)
        answers = _all_of(client)
    assert answers.count(b"HTTP/1.1 4") == 1
    assert 400 <= int(answers.split(b" ", 2)[1]) < 500


_TOO_LARGE = {
    "a head": (_raw("GET / HTTP/1.1", "Host: a", "X: " + "x" * 100_000), 431),
    "many headers": (_raw("GET / HTTP/1.1", "Host: a", *["X: y"] * 1000), 431),
    "a head without an end": (b"GET /" + b"a" * 100_000, 431),
    "a body": (_raw(_CHUNKED[0], "Host: a", f"Content-Length: {1 << 40}"), 413),
    "many chunks": (_raw(*_CHUNKED, body=(b"10000\r\n" + b"x" * 65536 + b"\r\n") * 20), 413),
    "a body that expands": (_post(gzip.compress(bytes(8 << 20)), "Content-Encoding: gzip"), 413),
}


@pytest.mark.parametrize(("sent", "status"), _TOO_LARGE.values(), ids=_TOO_LARGE)
def test_what_is_too_large_is_refused_before_it_is_kept(server, sent, status):
    assert _exchange(server, sent) == status


_WRONG = {
    "deep JSON": _post(_deep(100_000)),
    "deep JSON of inputs": _infer(b'{"inputs": ' + b"[" * 100_000),
    "deep JSON for Python": _post(b"[" * 100_000, path="/v2/repository/index"),
    "gzip that is cut": _post(gzip.compress(_BODY)[:-9], "Content-Encoding: gzip"),
    "gzip that isn't": _post(_BODY, "Content-Encoding: gzip"),
    "a header longer than the body": _infer(_tensor([1, 8], 32), bytes(32), length=10**9),
    "a header of no length": _infer(_tensor([1, 8], 32), bytes(32), length=-1),
    "fewer bytes than it says": _infer(_tensor([1, 8], 32), bytes(8)),
    "more bytes than it says": _infer(_tensor([1, 8], 32), bytes(64)),
    "a size below zero": _infer(_tensor([1, 8], -32), bytes(32)),
    "a size that isn't the shape's": _infer(_tensor([2, 8], 32), bytes(32)),
    "a shape that no number holds": _infer(_tensor([2**62, 8], 32), bytes(32)),
    "a shape whose size overflows": _infer(_tensor([2**32, 2**32], 0)),
    "a size of a shape below zero": _infer(_tensor([-1, 8], 32), bytes(32)),
    "another dtype": _infer(_tensor([1, 8], 64, "FP64"), bytes(64)),
    "strings whose lengths lie": _infer(
        _tensor([1, 8], 8, "BYTES"), struct.pack("<II", 2**32 - 1, 0)
    ),
    "an unknown version": _post(_BODY, path=f"/v1/models/{_MODEL}/versions/{2**64}:predict"),
    "an unknown number": _post(b'{"instances": [[1e999999999999999999999]]}'),
    "half a character": _post(b'{"instances": [["\\ud800"]]}'),
    "no UTF-8": _post(b'{"\xff\xfe": 1}'),
}


@pytest.mark.parametrize("sent", _WRONG.values(), ids=_WRONG)
def test_what_is_wrong_is_the_clients_fault(server, sent):
    assert 400 <= _exchange(server, sent) < 500


@pytest.mark.parametrize(
    "path",
    ["/dashboard/%00", "/dashboard/../server.py", "/dashboard/models/%ff/versions/1", "/\xff\xfe",
     "/v2/models/%2e%2e/versions/999999999999999999", "/v1/models//metadata", "//",
     "/?" + "a" * 9000, "/dashboard/models/a/versions/1/samples/999999999"],
)  # fmt: skip
def test_odd_paths_are_not_found(server, path):
    line = b"GET " + path.encode("latin-1") + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    assert _exchange(server, line) in (200, 400, 404)


def test_a_request_that_is_cut_at_any_byte_ends_with_its_client(server):
    for length in range(len(_GOOD)):
        status = _exchange(server, _GOOD[:length], is_cut=True)
        assert status is None or 400 <= status < 500


def test_a_request_that_comes_byte_by_byte_is_answered(server):
    with _connect(server) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in struct.iter_unpack("c", _LAST):
            client.send(byte[0])
        assert _all_of(client).startswith(b"HTTP/1.1 200 ")


def test_requests_with_bytes_changed_never_find_the_servers_fault(server):
    chance = random.Random(1)
    good = [_GOOD, _infer(_tensor([1, 8], 32), bytes(32))]
    for _ in range(400):
        changed = bytearray(chance.choice(good))
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        status = _exchange(server, bytes(changed), is_cut=True)
        # 501 and 505 are HTTP's own words for a coding or a version that is unknown.
        assert status is None or status < 500 or status in (501, 505), bytes(changed)


def test_requests_in_one_go_are_answered_in_their_order(server):
    x = np.arange(400)
    bodies = [json.dumps({"instances": [[float(value)] * 8]}).encode() for value in x]
    with aios.load(TRIAL) as bridge:
        expected = bridge.perform_inference(np.repeat(x[:, None], 8, 1).astype(np.float32))
    with _connect(server) as client:
        client.sendall(b"".join(map(_post, bodies[:-1])) + _post(bodies[-1], "Connection: close"))
        answers = _all_of(client).split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert len(answers) == len(bodies)
    got = [json.loads(answer.partition(b"\r\n\r\n")[2])["predictions"][0] for answer in answers]
    assert np.allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.fixture
def many():
    """How many connections this process may have both ends of, thousands if it is let."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else 1 << 20
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(most, 8192)), hard))
    yield min(3000, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 400) // 2)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_thousands_of_silent_connections_keep_nobody_waiting(server, many):
    with contextlib.ExitStack() as opened:
        for _ in range(many):
            opened.enter_context(_connect(server))
        assert _exchange(server, _GOOD) == 200


def test_clients_that_dribble_are_cut_and_told():
    with contextlib.ExitStack() as opened:
        hasty = aios.Server(TRIAL, http_port=0, poll_s=0, read_timeout_s=0.2)
        opened.enter_context(hasty)
        clients = [opened.enter_context(_connect(hasty)) for _ in range(50)]
        for client in clients:
            client.sendall(b"POST /v1/models/trial:predict HTTP/1.1\r\nX: ")
        assert _exchange(hasty, _GOOD) == 200
        for client in clients:
            assert _all_of(client).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_never_reads_is_not_read_any_more(server):
    with _connect(server) as client:
        client.settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            while True:
                client.send(_GOOD * 500)
        assert _exchange(server, _GOOD) == 200
