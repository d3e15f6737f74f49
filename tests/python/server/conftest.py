"""Plain HTTP to a server, and a small model to serve."""

import http.client
import json
import shutil
from dataclasses import dataclass, field

import pytest

_DEADLINE_S = 60


@dataclass(frozen=True)
class Answered:
    """What a server answered."""

    status: int
    headers: dict = field(repr=False)
    body: bytes

    @property
    def json(self):
        """The body; with binary tensors, what is before them."""
        length = self.headers.get("Inference-Header-Content-Length")
        return json.loads(self.body[: None if length is None else int(length)])

    @property
    def binary(self):
        """What is after the JSON."""
        return self.body[int(self.headers["Inference-Header-Content-Length"]) :]


class HttpClient:
    """Plain requests over one connection."""

    def __init__(self, server):
        self._connection = http.client.HTTPConnection(
            server.host, server.http_port, timeout=_DEADLINE_S
        )

    def get(self, path, method="GET"):
        return self._request(method, path, None, {})

    def post(self, path, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._request("POST", path, data, dict(headers))

    def infer(self, path, document, *tensors):
        """A KServe request with binary tensors after its JSON."""
        head = json.dumps(document).encode()
        headers = {"Inference-Header-Content-Length": str(len(head))}
        return self.post(path, head + b"".join(tensors), headers)

    def close(self):
        self._connection.close()

    def _request(self, method, path, body, headers):
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        return Answered(response.status, dict(response.headers), response.read())


@pytest.fixture
def connect():
    """Opens connections to a server, which are closed after the test."""
    opened = []

    def to(server):
        opened.append(HttpClient(server))
        return opened[-1]

    yield to
    for client in opened:
        client.close()


@pytest.fixture
def trial():
    """A bundle with a model of 8 numbers to 3, on the engines that are others' libraries."""
    from aios.bridge.library_check import TRIAL

    return TRIAL


@pytest.fixture
def models(trial, tmp_path):
    """A folder with that bundle as version 1 of "trial"."""
    shutil.copytree(trial, tmp_path / "models" / "trial" / "1.cell")
    return tmp_path / "models"


@pytest.fixture(scope="session")
def served_folder(tmp_path_factory):
    """A folder with the models of served_models.py, which no test changes."""
    from served_models import write_models

    return write_models(tmp_path_factory.mktemp("served"))
