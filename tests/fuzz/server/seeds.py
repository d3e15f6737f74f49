"""Writes requests that are answered well, for fuzzers to begin with: seeds.py FOLDER.

Whole requests go to FOLDER, messages of gRPC to FOLDER-messages.
"""

import struct
import sys
from pathlib import Path

_ROWS = b'{"instances": [[1, 2.5], [NaN, -3e-1]], "signature_name": "serve"}'
_NAMED = b'{"instances": [{"x": [1, 2]}, {"x": [3, 4]}]}'
_COLUMNS = b'{"inputs": {"x": [[1, 2]]}}'
_JSON = (
    b'{"id":"1","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}],'
    b'"outputs":[{"name":"z","parameters":{"binary_data":true}},{"name":"y"}]}'
)
_BINARY = (
    b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32",'
    b'"parameters":{"binary_data_size":8}}],"parameters":{"binary_data_output":true}}'
)
_PREDICT, _INFER = b"/v1/models/tiny:predict", b"/v2/models/tiny/infer"


def _post(path, body, *headers):
    lines = [b"POST %s HTTP/1.1" % path, b"Host: a", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


def seeds():
    """Requests, each after a byte that says in how large pieces it comes."""
    json_length = b"Inference-Header-Content-Length: %d" % len(_BINARY)
    lines = [
        b"POST %s HTTP/1.1" % _PREDICT, b"Host: a", b"Transfer-Encoding: chunked", b"",
        b"5;x=y", _COLUMNS[:5], b"%x" % len(_COLUMNS[5:]), _COLUMNS[5:], b"0", b"T: 1", b"", b"",
    ]  # fmt: skip
    requests = [
        _post(_PREDICT, _ROWS),
        _post(b"/v1/models/tiny/labels/stable:predict", _NAMED),
        _post(b"/v1/models/tiny/versions/1:predict", _COLUMNS, b"Expect: 100-continue"),
        _post(_INFER, _JSON),
        _post(_INFER, _BINARY + bytes(8), json_length),
        _post(_INFER, bytes(16), b"Inference-Header-Content-Length: 0"),
        b"\r\n".join(lines),
        b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ]
    yield from (b"\0" + request for request in requests)
    yield from (b"\7" + request for request in requests)
    yield b"\0" + b"".join(requests)


def _field(number, *parts):
    """A field of bytes, shorter than 128."""
    body = b"".join(parts)
    return bytes([number << 3 | 2, len(body)]) + body


def message_seeds():
    """Messages of gRPC, each after a byte that says which."""
    floats = struct.pack("<2f", 1, 2)
    tensor = _field(1, b"x") + _field(2, b"FP32") + _field(3, b"\x01\x02")
    name = _field(1, b"tiny")
    shape = _field(2, _field(2, b"\x08\x01"), _field(2, b"\x08\x02"))
    spec = _field(1, name, _field(2, b"\x08\x02"), _field(3, b"serve"))
    feature = _field(1, b"x") + _field(2, _field(2, _field(1, floats)))
    example = _field(1, _field(1, feature))
    integers = _field(1, _field(1, _field(1, b"int64"), _field(2, _field(3, _field(1, b"\1\2")))))
    examples = _field(2, _field(1, _field(1, example)))
    with_context = _field(2, _field(2, _field(1, b""), _field(2, example)))
    task = _field(1, spec, _field(2, b"tensorflow/serving/classify"))
    yield (
        b"\0"
        + name
        + _field(2, b"2")
        + _field(5, tensor)
        + _field(6, _field(1, b"z"))
        + _field(7, floats)
    )
    yield b"\0" + name + _field(3, b"id") + _field(5, tensor, _field(5, _field(6, floats)))
    yield (
        b"\1" + spec + _field(2, _field(1, b"x"), _field(2, b"\x08\x01", shape, _field(5, floats)))
    )
    yield (
        b"\1" + spec + _field(2, _field(1, b"x"), _field(2, b"\x08\x01", shape, _field(4, floats)))
    )
    yield b"\2" + spec + examples
    yield b"\3" + spec + with_context
    yield b"\4" + task + examples
    yield b"\5" + example + integers
    yield b"\5\x08\x03" + shape + _field(7, b"\x01\x02")


def write(folder: Path, inputs) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(inputs):
        (folder / f"seed-{number}").write_bytes(seed)


if __name__ == "__main__":
    write(Path(sys.argv[1]), seeds())
    write(Path(sys.argv[1] + "-messages"), message_seeds())
