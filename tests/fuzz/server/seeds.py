"""Writes requests that the engine answers well, for a fuzzer to begin with: seeds.py FOLDER."""

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


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
